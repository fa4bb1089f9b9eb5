import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { GuestDisk, GuestSpec } from "@andromede/agent-api/types";

import type { ObservedGuest } from "./backend.ts";
import { type Progress, type Step, planGuest, reportGuest } from "./guest.plan.ts";
import { FORGOTTEN_KEY, type LedgerEntry } from "./ledger.ts";

const PORT = { portId: "p1", macAddress: "fa:16:3e:00:00:01", mtu: 1442 };
const VOLUME: GuestDisk = {
  id: "v",
  source: { kind: "volume", volumeId: "v", key: "k", readOnly: false, shared: false },
  sizeGib: 1,
};
/** As the ledger has it after a restart. */
const forgotten = (disk: GuestDisk): GuestDisk =>
  disk.source.kind === "volume" ? { ...disk, source: { ...disk.source, key: FORGOTTEN_KEY } } : disk;
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
  remake: false,
  process: "none",
  exited: false,
  died: false,
  stateSaved: false,
  disks: [],
  toLimit: [],
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
  // disks
  ["attach a volume", { disks: [VOLUME] }, up, { do: "plugDisk", diskId: "v" }],
  ["attach a volume whose key was forgotten", { disks: [forgotten(VOLUME)] }, up, { do: "needKeys" }],
  ["its key is of no use once it is there", { disks: [forgotten(VOLUME)] }, { ...up, disks: ["v"] }, { do: "done" }],
  ["detach a volume", { disks: [] }, { ...up, disks: ["v"] }, { do: "unplugDisk", diskId: "v" }],
  [
    "a guest that does not let go of one volume gets another all the same",
    { disks: [VOLUME] },
    { ...up, disks: ["w"] },
    { do: "plugDisk", diskId: "v" },
  ],
  ["limits of a disk", { disks: [VOLUME] }, { ...up, disks: ["v"], toLimit: ["v"] }, { do: "limitDisk", diskId: "v" }],
  [
    "attach while paused",
    { power: "paused", disks: [VOLUME] },
    { ...up, process: "paused" },
    { do: "plugDisk", diskId: "v" },
  ],
  ["nothing is detached while paused", { power: "paused" }, { ...up, process: "paused", disks: ["v"] }, { do: "done" }],
  ["nor does a detachment hold up a pause", { power: "paused" }, { ...up, disks: ["v"] }, { do: "pause" }],
  ["started with a volume", { disks: [VOLUME] }, {}, { do: "launch", resume: false }],
  ["started with a volume whose key was forgotten", { disks: [forgotten(VOLUME)] }, {}, { do: "needKeys" }],
  ["disks are made before keys are asked for", { disks: [forgotten(VOLUME)] }, { prepared: false }, { do: "prepare" }],
  [
    "resumed with a volume whose key was forgotten",
    { disks: [forgotten(VOLUME)] },
    { stateSaved: true, disks: ["v"] },
    { do: "needKeys" },
  ],
  [
    "resumed without a volume that came meanwhile, and needs no key of it yet",
    { disks: [forgotten(VOLUME)] },
    { stateSaved: true },
    { do: "launch", resume: true },
  ],
  ["stopped: no key is needed", { power: "stopped", disks: [forgotten(VOLUME)] }, {}, { do: "done" }],
  ["a disk that is kept is no disk to plug", { disks: [{ ...VOLUME, detached: true }] }, up, { do: "done" }],
  // another machine
  [
    "rebuilt: the process goes at once",
    {},
    { ...up, prepared: false, remake: true },
    { do: "kill", why: "its disks are made anew" },
  ],
  [
    "rebuilt while paused",
    { power: "paused" },
    { ...up, process: "paused", prepared: false, remake: true },
    { do: "kill", why: "its disks are made anew" },
  ],
  ["rebuilt: then its disk is made", {}, { prepared: false, remake: true, sized: false }, { do: "prepare" }],
  ["rebuilt while suspended", {}, { prepared: false, remake: true, stateSaved: true }, { do: "discardSaved" }],
  ["rebuilt while stopped", { power: "stopped" }, { prepared: false, remake: true }, { do: "prepare" }],
  ["of another size: asked to go", {}, { ...up, sized: false }, { do: "askShutdown" }],
  ["of another size: gone, and started anew", {}, { exited: true, sized: false }, { do: "acknowledgeExit" }],
  [
    "of another size while paused",
    {},
    { ...up, process: "paused", sized: false },
    { do: "kill", why: "another is wanted" },
  ],
  [
    "of another size before it ran",
    {},
    { process: "starting", sized: false },
    { do: "kill", why: "another is wanted" },
  ],
  [
    "of another size and suspended: it goes on first",
    {},
    { process: "starting", stateSaved: true, sized: false },
    { do: "begin" },
  ],
  ["a disk grew: asked to go", {}, { ...up, prepared: false }, { do: "askShutdown" }],
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
  ["its process died", {}, { exited: true, died: true }, { do: "acknowledgeDeath" }],
  ["a paused one's process died", { power: "paused" }, { exited: true, died: true }, { do: "acknowledgeDeath" }],
  [
    "its process goes on dying",
    {},
    { exited: true, died: true },
    { do: "noteHalted" },
    { deathsMs: [NOW - 400_000, NOW - 200_000, NOW - 1] },
  ],
  [
    "its process died again, long after",
    {},
    { exited: true, died: true },
    { do: "acknowledgeDeath" },
    { deathsMs: [NOW - 700_000, NOW - 200_000, NOW - 1] },
  ],
  ["its process died as it was to stop", { power: "stopped" }, { exited: true, died: true }, { do: "acknowledgeExit" }],
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
      const noProgress = { launchedAtMs: null, shutdownAskedAtMs: null, shutdownPressedAtMs: null, deathsMs: [] };
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
  test("not converged while it has a disk too many, or waits for keys", () => {
    assert.deepEqual(report({ power: "paused" }, { ...up, process: "paused", portsUp: [], disks: ["v"] }, done), {
      ...base,
      state: "paused",
      converged: false,
      disks: ["v"],
    });
    assert.deepEqual(report({}, {}, { do: "needKeys" }), {
      ...base,
      state: "preparing",
      converged: false,
      needsKeys: true,
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
