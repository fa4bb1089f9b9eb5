import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { GuestSpec } from "@andromede/agent-api/types";

import type { ObservedGuest } from "./backend.ts";
import { type Progress, type Step, planGuest, reportGuest } from "./guest.plan.ts";
import type { LedgerEntry } from "./ledger.ts";

const PORT = { portId: "p1", macAddress: "fa:16:3e:00:00:01", mtu: 1442 };
const LIMITS = { portsMs: 30_000, shutdownMs: 60_000 };
const NOW = 1_000_000;

const spec = (changes: Partial<GuestSpec> = {}): GuestSpec => ({
  id: "g",
  name: "g",
  generation: 3,
  power: "running",
  vcpus: 1,
  memoryMib: 64,
  disks: [],
  images: [],
  interfaces: [PORT],
  configDrive: false,
  metadata: { files: {} },
  addresses: [],
  networks: [],
  ...changes,
});
type Wish = Partial<Omit<LedgerEntry, "spec">> & Partial<GuestSpec>;
function entry({
  deleting = false,
  reboot = null,
  rebootDone = null,
  halted = false,
  ...changes
}: Wish = {}): LedgerEntry {
  return { spec: spec(changes), deleting, generation: 3, reboot, rebootDone, halted };
}
const seen = (changes: Partial<ObservedGuest> = {}): ObservedGuest => ({
  prepared: true,
  process: "none",
  exited: false,
  stateSaved: false,
  disks: [],
  plugged: [],
  holdsPorts: false,
  portsUp: [],
  sized: true,
  ...changes,
});
const up: Partial<ObservedGuest> = { process: "running", plugged: ["p1"], portsUp: ["p1"] };
const soft = { kind: "soft", nonce: "n" } as const;
const hard = { kind: "hard", nonce: "n" } as const;

type Row = [what: string, wish: Wish, observed: Partial<ObservedGuest>, step: Step, progress?: Partial<Progress>];
const ROWS: Row[] = [
  // start
  ["nothing there yet", {}, { prepared: false }, { do: "prepare" }],
  ["disks there", {}, {}, { do: "launch", resume: false }],
  [
    "waits for its ports",
    {},
    { process: "starting", plugged: ["p1"] },
    { do: "wait", untilMs: NOW + 20_000, why: "ports" },
    { launchedAtMs: NOW - 10_000 },
  ],
  [
    "ports are late",
    {},
    { process: "starting", plugged: ["p1"] },
    { do: "fault", message: "The network did not set up port p1 within 30 s" },
    { launchedAtMs: NOW - 30_000 },
  ],
  ["ports are up", {}, { process: "starting", plugged: ["p1"], portsUp: ["p1"] }, { do: "begin" }],
  [
    "a port taken away during the start is not waited for",
    { interfaces: [] },
    { process: "starting", plugged: ["p1"] },
    { do: "begin" },
  ],
  ["runs", {}, up, { do: "done" }],
  ["wanted paused from the start", { power: "paused" }, {}, { do: "launch", resume: false }],
  // pause
  ["pause", { power: "paused" }, up, { do: "pause" }],
  ["paused", { power: "paused" }, { ...up, process: "paused" }, { do: "done" }],
  ["resume", {}, { ...up, process: "paused" }, { do: "resume" }],
  // interfaces
  ["attach", { interfaces: [PORT, { ...PORT, portId: "p2" }] }, up, { do: "plug", wanted: { ...PORT, portId: "p2" } }],
  ["detach before attach", { interfaces: [{ ...PORT, portId: "p2" }] }, up, { do: "unplug", portId: "p1" }],
  // stop
  ["stop: ask", { power: "stopped" }, up, { do: "askShutdown" }],
  [
    "stop: wait, then ask again",
    { power: "stopped" },
    up,
    { do: "wait", untilMs: NOW + 5_000, why: "shutdown" },
    { shutdownAskedAtMs: NOW - 25_000, shutdownPressedAtMs: NOW - 5_000 },
  ],
  [
    "stop: ask again",
    { power: "stopped" },
    up,
    { do: "askShutdown" },
    { shutdownAskedAtMs: NOW - 30_000, shutdownPressedAtMs: NOW - 10_000 },
  ],
  [
    "stop: wait no longer than the deadline",
    { power: "stopped" },
    up,
    { do: "wait", untilMs: NOW + 2_000, why: "shutdown" },
    { shutdownAskedAtMs: NOW - 58_000, shutdownPressedAtMs: NOW - 1_000 },
  ],
  [
    "stop: by force",
    { power: "stopped" },
    up,
    { do: "kill", why: "it did not power off within 60 s" },
    { shutdownAskedAtMs: NOW - 60_000, shutdownPressedAtMs: NOW - 1_000 },
  ],
  [
    "a paused guest cannot hear",
    { power: "stopped" },
    { ...up, process: "paused" },
    { do: "kill", why: "stopped while not running" },
  ],
  ["off as wanted", { power: "stopped" }, { exited: true }, { do: "acknowledgeExit" }],
  ["off: gives back its ports", { power: "stopped" }, { holdsPorts: true }, { do: "release" }],
  ["off", { power: "stopped" }, {}, { do: "done" }],
  ["made stopped: its disks are made", { power: "stopped" }, { prepared: false }, { do: "prepare" }],
  ["stopped while suspended", { power: "stopped" }, { stateSaved: true }, { do: "discardSaved" }],
  // suspend
  ["suspend", { power: "suspended" }, up, { do: "suspend" }],
  ["suspend while paused", { power: "suspended" }, { ...up, process: "paused" }, { do: "suspend" }],
  [
    "saved: the process goes",
    { power: "suspended" },
    { process: "saved", stateSaved: true },
    { do: "kill", why: "its state is saved" },
  ],
  ["saved: ports go", { power: "suspended" }, { stateSaved: true, holdsPorts: true }, { do: "release" }],
  ["suspended", { power: "suspended" }, { stateSaved: true }, { do: "done" }],
  ["resume from disk", {}, { stateSaved: true }, { do: "launch", resume: true }],
  [
    "wanted again before its process is gone",
    {},
    { process: "saved", stateSaved: true },
    { do: "kill", why: "its state is saved" },
  ],
  [
    "suspended again while resuming",
    { power: "suspended" },
    { process: "starting", stateSaved: true },
    { do: "kill", why: "its state is still saved" },
  ],
  ["suspended during its first start", { power: "suspended" }, { process: "starting" }, { do: "begin" }],
  // reboot
  ["hard reboot", { reboot: hard }, up, { do: "kill", why: "hard reboot" }],
  ["soft reboot", { reboot: soft }, up, { do: "askShutdown" }],
  [
    "soft reboot of a paused guest is a hard one",
    { reboot: soft },
    { ...up, process: "paused" },
    { do: "kill", why: "hard reboot" },
  ],
  ["powered off for its reboot", { reboot: soft }, { exited: true }, { do: "acknowledgeExit" }],
  ["down for its reboot", { reboot: soft }, {}, { do: "noteRebootDown", nonce: "n" }],
  ["hard reboot of a suspended guest", { reboot: hard }, { stateSaved: true }, { do: "discardSaved" }],
  [
    "hard reboot of one that had switched itself off",
    { reboot: hard, halted: true },
    {},
    { do: "noteRebootDown", nonce: "n" },
  ],
  // by itself
  ["switched itself off", {}, { exited: true }, { do: "noteHalted" }],
  ["switched itself off, and the note was lost", { halted: true }, { exited: true }, { do: "acknowledgeExit" }],
  ["stays off", { halted: true }, {}, { do: "done" }],
  ["stays off, without its ports", { halted: true }, { holdsPorts: true }, { do: "release" }],
  ["stays off though wanted suspended", { halted: true, power: "suspended" }, {}, { do: "done" }],
  // the end
  ["deleted while it runs", { deleting: true }, up, { do: "kill", why: "deleted" }],
  ["deleted", { deleting: true }, { holdsPorts: true }, { do: "remove" }],
  ["deleted just as it ended", { deleting: true }, { exited: true }, { do: "remove" }],
];

describe("plan of a guest", () => {
  for (const [what, wish, observed, step, progress] of ROWS) {
    test(what, () => {
      const noProgress = { launchedAtMs: null, shutdownAskedAtMs: null, shutdownPressedAtMs: null };
      const planned = planGuest({
        wanted: entry(wish),
        observed: seen(observed),
        progress: { ...noProgress, ...progress },
        nowMs: NOW,
        limits: LIMITS,
      });
      assert.deepEqual(planned, step);
    });
  }
});

describe("report of a guest", () => {
  const report = (wish: Wish, observed: Partial<ObservedGuest>, next: Step, fault: string | null = null): unknown =>
    reportGuest(entry(wish), seen(observed), next, fault);
  const done: Step = { do: "done" };
  const base = { id: "g", generation: 3, portsUp: [], disks: [] };

  test("running, with the ports that are its own", () => {
    assert.deepEqual(report({}, { ...up, portsUp: ["p1", "p9"] }, done), {
      ...base,
      state: "running",
      converged: true,
      portsUp: ["p1"],
    });
  });
  test("not converged while there is something to do", () => {
    assert.deepEqual(report({}, {}, { do: "prepare" }), { ...base, state: "preparing", converged: false });
    assert.deepEqual(report({ power: "paused" }, { ...up, portsUp: [] }, { do: "pause" }), {
      ...base,
      state: "running",
      converged: false,
    });
  });
  test("not converged while it runs with other processors than wanted", () => {
    assert.deepEqual(report({}, { ...up, sized: false, portsUp: [] }, done), {
      ...base,
      state: "running",
      converged: false,
    });
  });
  test("off by itself, until a stop is wanted", () => {
    assert.deepEqual(report({ halted: true }, {}, done), {
      ...base,
      state: "stopped",
      converged: false,
      spontaneous: true,
    });
    assert.deepEqual(report({ halted: true, power: "stopped" }, {}, done), {
      ...base,
      state: "stopped",
      converged: true,
    });
  });
  test("a fault fails a guest that does not run, and only mars one that does", () => {
    assert.deepEqual(report({}, {}, { do: "prepare" }, "no space"), {
      ...base,
      state: "failed",
      converged: false,
      fault: "no space",
    });
    assert.deepEqual(report({}, { ...up, portsUp: [] }, { do: "unplug", portId: "p" }, "busy"), {
      ...base,
      state: "running",
      converged: false,
      fault: "busy",
    });
  });
  test("the last reboot", () => {
    assert.deepEqual(report({ rebootDone: "n" }, { ...up, portsUp: [] }, done), {
      ...base,
      state: "running",
      converged: true,
      rebootNonce: "n",
    });
  });
});
