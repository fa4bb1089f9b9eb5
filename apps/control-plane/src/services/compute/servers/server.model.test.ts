import assert from "node:assert/strict";
import { test } from "node:test";

import { type PowerAction, type ServerFacts, checkPowerAction, faultOf, stateOf, toHostname } from "./server.model.ts";

const launched = new Date("2026-11-21T10:00:00Z");

/** A server that runs as it should. */
const facts = (over: Partial<ServerFacts> = {}): ServerFacts => ({
  power: "running",
  powerGeneration: 1,
  rebootKind: null,
  rebootNonce: null,
  deleting: false,
  host: "host1",
  faultMessage: null,
  task: null,
  taskVmState: null,
  mode: "ordinary",
  observedGeneration: 1,
  observedState: "running",
  observedSpontaneous: false,
  observedRebootNonce: null,
  observedFault: null,
  observedLaunchedAt: launched,
  ...over,
});
const fresh: Partial<ServerFacts> = { observedLaunchedAt: null, observedState: null, observedGeneration: null };

const cases: {
  name: string;
  over: Partial<ServerFacts>;
  status: string;
  vm: string;
  task: string | null;
  power: number;
}[] = [
  {
    name: "just asked for",
    over: { ...fresh, host: null },
    status: "BUILD",
    vm: "building",
    task: "scheduling",
    power: 0,
  },
  { name: "placed", over: fresh, status: "BUILD", vm: "building", task: "networking", power: 0 },
  {
    name: "the host prepares it",
    over: { ...fresh, observedState: "preparing", observedGeneration: 1 },
    status: "BUILD",
    vm: "building",
    task: "spawning",
    power: 0,
  },
  {
    name: "no host",
    over: { ...fresh, host: null, faultMessage: "No valid host was found." },
    status: "ERROR",
    vm: "error",
    task: null,
    power: 0,
  },
  {
    name: "the host could not",
    over: { ...fresh, observedState: "failed", observedGeneration: 1, observedFault: "disk full" },
    status: "ERROR",
    vm: "error",
    task: null,
    power: 0,
  },
  { name: "running", over: {}, status: "ACTIVE", vm: "active", task: null, power: 1 },
  {
    name: "metadata changed, host not told yet",
    over: { observedGeneration: 1, powerGeneration: 1 },
    status: "ACTIVE",
    vm: "active",
    task: null,
    power: 1,
  },
  {
    name: "stop asked for",
    over: { power: "stopped", powerGeneration: 2 },
    status: "ACTIVE",
    vm: "active",
    task: "powering-off",
    power: 1,
  },
  {
    name: "stopped",
    over: { power: "stopped", powerGeneration: 2, observedGeneration: 2, observedState: "stopped" },
    status: "SHUTOFF",
    vm: "stopped",
    task: null,
    power: 4,
  },
  {
    name: "start asked for",
    over: { powerGeneration: 3, observedGeneration: 2, observedState: "stopped" },
    status: "SHUTOFF",
    vm: "stopped",
    task: "powering-on",
    power: 4,
  },
  {
    name: "on its way up",
    over: { powerGeneration: 3, observedGeneration: 3, observedState: "starting" },
    status: "SHUTOFF",
    vm: "stopped",
    task: "powering-on",
    power: 0,
  },
  {
    name: "powered itself off",
    over: { observedSpontaneous: true, observedState: "stopped" },
    status: "SHUTOFF",
    vm: "stopped",
    task: null,
    power: 4,
  },
  {
    name: "powered itself off, then start asked for",
    over: { observedSpontaneous: true, observedState: "stopped", powerGeneration: 2 },
    status: "SHUTOFF",
    vm: "stopped",
    task: "powering-on",
    power: 4,
  },
  {
    name: "pause asked for",
    over: { power: "paused", powerGeneration: 2 },
    status: "ACTIVE",
    vm: "active",
    task: "pausing",
    power: 1,
  },
  {
    name: "paused",
    over: { power: "paused", observedState: "paused" },
    status: "PAUSED",
    vm: "paused",
    task: null,
    power: 3,
  },
  {
    name: "unpause asked for",
    over: { observedState: "paused", powerGeneration: 2 },
    status: "PAUSED",
    vm: "paused",
    task: "unpausing",
    power: 3,
  },
  {
    name: "suspend asked for",
    over: { power: "suspended", powerGeneration: 2 },
    status: "ACTIVE",
    vm: "active",
    task: "suspending",
    power: 1,
  },
  {
    name: "suspended",
    over: { power: "suspended", observedState: "suspended" },
    status: "SUSPENDED",
    vm: "suspended",
    task: null,
    power: 7,
  },
  {
    name: "resume asked for",
    over: { observedState: "suspended", powerGeneration: 2 },
    status: "SUSPENDED",
    vm: "suspended",
    task: "resuming",
    power: 7,
  },
  {
    name: "soft reboot",
    over: { rebootKind: "soft", rebootNonce: "a" },
    status: "REBOOT",
    vm: "active",
    task: "rebooting",
    power: 1,
  },
  {
    name: "hard reboot",
    over: { rebootKind: "hard", rebootNonce: "a" },
    status: "HARD_REBOOT",
    vm: "active",
    task: "rebooting_hard",
    power: 1,
  },
  {
    name: "hard reboot, seen by the host",
    over: { rebootKind: "hard", rebootNonce: "a", observedRebootNonce: "a", observedState: "starting" },
    status: "HARD_REBOOT",
    vm: "active",
    task: "rebooting_hard",
    power: 0,
  },
  {
    name: "hard reboot, done",
    over: { rebootKind: "hard", rebootNonce: "a", observedRebootNonce: "a" },
    status: "ACTIVE",
    vm: "active",
    task: null,
    power: 1,
  },
  {
    name: "the deadline passed",
    over: { power: "stopped", faultMessage: "too late" },
    status: "ERROR",
    vm: "error",
    task: null,
    power: 1,
  },
  {
    name: "failed later",
    over: { observedState: "failed", observedFault: "disk gone" },
    status: "ERROR",
    vm: "error",
    task: null,
    power: 0,
  },
  {
    name: "failed, then hard reboot asked for",
    over: { observedState: "failed", observedFault: "disk gone", powerGeneration: 2 },
    status: "ERROR",
    vm: "error",
    task: "powering-on",
    power: 0,
  },
  {
    name: "deletion of a running one",
    over: { deleting: true },
    status: "ACTIVE",
    vm: "active",
    task: "deleting",
    power: 1,
  },
  {
    name: "deletion of a broken one",
    over: { deleting: true, faultMessage: "x" },
    status: "ERROR",
    vm: "error",
    task: "deleting",
    power: 1,
  },
];

for (const { name, over, status, vm, task, power } of cases) {
  test(`state: ${name}`, () => {
    assert.deepEqual(stateOf(facts(over)), { vmState: vm, taskState: task, powerState: power, status });
  });
}

test("the control plane's finding is shown before the host's", () => {
  assert.equal(faultOf(facts({ faultMessage: "ours", observedFault: "theirs" })), "ours");
  assert.equal(faultOf(facts({ observedFault: "theirs" })), "theirs");
  assert.equal(faultOf(facts({ observedFault: "theirs", powerGeneration: 2 })), null);
});

const stopped: Partial<ServerFacts> = { power: "stopped", observedState: "stopped" };
const allowed: { action: PowerAction; over: Partial<ServerFacts>; ok: boolean }[] = [
  { action: "start", over: stopped, ok: true },
  { action: "start", over: {}, ok: false },
  { action: "start", over: { ...stopped, power: "running", powerGeneration: 2 }, ok: false },
  { action: "stop", over: {}, ok: true },
  { action: "stop", over: stopped, ok: false },
  { action: "stop", over: { ...fresh }, ok: false },
  { action: "pause", over: {}, ok: true },
  { action: "pause", over: stopped, ok: false },
  { action: "unpause", over: { power: "paused", observedState: "paused" }, ok: true },
  { action: "unpause", over: {}, ok: false },
  { action: "resume", over: { power: "suspended", observedState: "suspended" }, ok: true },
  { action: "suspend", over: { power: "paused", observedState: "paused" }, ok: false },
  { action: "rebootSoft", over: {}, ok: true },
  { action: "rebootSoft", over: stopped, ok: false },
  { action: "rebootHard", over: stopped, ok: true },
  { action: "rebootHard", over: { power: "stopped", powerGeneration: 2 }, ok: true },
  { action: "rebootHard", over: { faultMessage: "x" }, ok: true },
  { action: "rebootHard", over: { ...fresh, host: null, faultMessage: "x" }, ok: false },
  { action: "rebootHard", over: { deleting: true }, ok: false },
  { action: "stop", over: { deleting: true }, ok: false },
];
for (const { action, over, ok } of allowed) {
  test(`${action} is ${ok ? "allowed" : "refused"} when ${JSON.stringify(over)}`, () => {
    const check = () => checkPowerAction("id", facts(over), action);
    if (ok) check();
    else assert.throws(check, { kind: "conflict" });
  });
}

for (const [name, hostname] of [
  ["web", "web"],
  ["My Server_1.example", "my-server-1-example"],
  ["-x-", "x"],
  ["été", "t"],
  ["日本", "server-id"],
  ["a".repeat(80), "a".repeat(63)],
]) {
  test(`host name of ${name}`, () => assert.equal(toHostname(name ?? "", "id"), hostname));
}
