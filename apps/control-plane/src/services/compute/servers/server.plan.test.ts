import assert from "node:assert/strict";
import { test } from "node:test";

import type { Server, ServerId } from "./server.model.ts";
import {
  BUILD_DEADLINE_MS,
  COPY_DEADLINE_MS,
  LOCAL_DELETE_MS,
  type ServerNeighbours,
  TASK_DEADLINE_MS,
  planServer,
} from "./server.plan.ts";

const T0 = Date.parse("2026-11-21T10:00:00Z");
const at = new Date(T0);

/** Runs as it should, and its host knows all. */
const server = (over: Partial<Server> = {}): Server => ({
  id: "s" as ServerId,
  number: 1,
  projectId: "p",
  userId: "u",
  name: "n",
  hostname: "n",
  description: null,
  flavorId: "f",
  flavor: { name: "f", vcpus: 1, ramMib: 64, diskGib: 1, ephemeralGib: 0, swapMib: 0, extraSpecs: {} },
  imageId: "i",
  image: { sha512: "00", format: "qcow2", sizeBytes: 1 },
  keyName: null,
  keyType: null,
  publicKey: null,
  accessIpV4: null,
  accessIpV6: null,
  configDrive: false,
  diskConfig: "MANUAL",
  userData: null,
  metadata: {},
  tags: [],
  seed: "00",
  wantedZone: null,
  wantedHost: null,
  schedulerHints: {},
  reservationId: "r",
  launchIndex: 0,
  lockedBy: null,
  lockedReason: null,
  createdAt: at,
  updatedAt: at,
  powerNonce: "n",
  taskSince: at,
  availabilityZone: "nova",
  faultCode: null,
  faultAt: null,
  observedAt: at,
  power: "running",
  generation: 3,
  powerGeneration: 1,
  rebootKind: null,
  rebootNonce: null,
  deleting: false,
  host: "host1",
  faultMessage: null,
  observedGeneration: 3,
  observedState: "running",
  observedConverged: true,
  observedSpontaneous: false,
  observedRebootNonce: null,
  observedFault: null,
  task: null,
  taskStep: null,
  taskVmState: null,
  mode: "ordinary",
  modeSince: null,
  otherFlavorId: null,
  otherFlavor: null,
  otherHost: null,
  otherDiskImage: null,
  rootGib: 0,
  diskNonce: null,
  ephemeralNonce: null,
  diskImage: null,
  rescue: null,
  shelvedImageId: null,
  reimageId: null,
  observedGone: false,
  observedDisks: [],
  observedNeedsKeys: false,
  observedLaunchedAt: at,
  ...over,
});
const around = (over: Partial<ServerNeighbours> = {}): ServerNeighbours => ({
  portsWaitFor: null,
  hostLostAtMs: null,
  nowMs: T0 + 1000,
  ...over,
});

const unborn: Partial<Server> = {
  generation: 1,
  observedGeneration: null,
  observedState: null,
  observedConverged: false,
  observedLaunchedAt: null,
  observedAt: null,
};
const booting: Partial<Server> = { ...unborn, observedGeneration: 1, observedState: "preparing" };
const stopping: Partial<Server> = { power: "stopped", generation: 4, powerGeneration: 4 };

const rescuing: Partial<Server> = { task: "rescuing", taskStep: "stop", taskVmState: "active", power: "running" };
/** Its guest is off, and the volume that it boots from is being made anew. */
const remaking: Partial<Server> = {
  task: "rebuilding",
  taskStep: "reimage",
  taskVmState: "active",
  reimageId: "i",
  image: null,
};

const shelving: Partial<Server> = { task: "shelving", taskStep: "stop", taskVmState: "active", shelvedImageId: "i" };
const offloading: Partial<Server> = {
  task: "shelving_offloading",
  taskStep: "offload",
  taskVmState: "shelved",
  mode: "shelved",
};

const cases: { name: string; over?: Partial<Server>; around?: Partial<ServerNeighbours>; step: object }[] = [
  { name: "all is as wanted", step: { step: "rest" } },
  { name: "new", over: { ...unborn, host: null }, step: { step: "place" } },
  {
    name: "placed, network not ready",
    over: unborn,
    around: { portsWaitFor: "port/1" },
    step: { step: "waitForPort", key: "port/1" },
  },
  { name: "placed, network ready", over: unborn, step: { step: "putGuest" } },
  { name: "the host is at it", over: booting, step: { step: "await" } },
  {
    name: "no valid host was found",
    over: { ...unborn, host: null, faultMessage: "No valid host" },
    step: { step: "rest" },
  },
  {
    name: "the host could not build it",
    over: { ...booting, observedState: "failed", observedFault: "disk full" },
    step: { step: "rest" },
  },
  { name: "build takes too long", over: booting, around: { nowMs: T0 + BUILD_DEADLINE_MS }, step: { step: "fail" } },
  {
    name: "build waits for the network too long",
    over: unborn,
    around: { portsWaitFor: "port/1", nowMs: T0 + BUILD_DEADLINE_MS },
    step: { step: "fail" },
  },
  {
    name: "a moment before that",
    over: booting,
    around: { nowMs: T0 + BUILD_DEADLINE_MS - 10 },
    step: { step: "await", checkAfterMs: 10 },
  },
  {
    name: "host away during the build",
    over: unborn,
    around: { hostLostAtMs: T0 },
    step: { step: "await", why: "host host1 does not answer" },
  },
  { name: "stop asked for", over: stopping, step: { step: "putGuest" } },
  {
    name: "stop under way",
    over: { ...stopping, observedGeneration: 4, observedConverged: false },
    step: { step: "await" },
  },
  { name: "stop done", over: { ...stopping, observedGeneration: 4, observedState: "stopped" }, step: { step: "rest" } },
  {
    name: "stop takes too long",
    over: { ...stopping, observedGeneration: 4, observedConverged: false },
    around: { nowMs: T0 + TASK_DEADLINE_MS },
    step: { step: "fail" },
  },
  { name: "stop while the host is away", over: stopping, around: { hostLostAtMs: T0 }, step: { step: "await" } },
  {
    name: "and it does not come back",
    over: stopping,
    around: { hostLostAtMs: T0, nowMs: T0 + TASK_DEADLINE_MS },
    step: { step: "fail" },
  },
  { name: "metadata changed", over: { generation: 4 }, step: { step: "putGuest" } },
  {
    name: "metadata changed, host away: no deadline, nothing is worse for it",
    over: { generation: 4 },
    around: { hostLostAtMs: T0, nowMs: T0 + 10 * BUILD_DEADLINE_MS },
    step: { step: "await" },
  },
  {
    name: "interface attached, its port not ready",
    over: { generation: 4 },
    around: { portsWaitFor: "port/2" },
    step: { step: "waitForPort", key: "port/2" },
  },
  {
    name: "powered itself off",
    over: { observedState: "stopped", observedSpontaneous: true, observedConverged: false },
    step: { step: "rest" },
  },
  {
    name: "powered itself off, metadata changed",
    over: { observedState: "stopped", observedSpontaneous: true, observedConverged: false, generation: 4 },
    step: { step: "putGuest" },
  },
  {
    name: "reboot asked for",
    over: { rebootKind: "soft", rebootNonce: "a" },
    step: { step: "reboot", kind: "soft", nonce: "a" },
  },
  {
    name: "reboot of a paused one: first the new wish",
    over: { rebootKind: "hard", rebootNonce: "a", observedState: "paused", generation: 4, powerGeneration: 4 },
    step: { step: "putGuest" },
  },
  {
    name: "reboot under way",
    over: {
      rebootKind: "hard",
      rebootNonce: "a",
      observedRebootNonce: "a",
      observedState: "starting",
      observedConverged: false,
    },
    step: { step: "await" },
  },
  {
    name: "reboot done",
    over: { rebootKind: "hard", rebootNonce: "a", observedRebootNonce: "a" },
    step: { step: "rest" },
  },
  {
    name: "reboot takes too long",
    over: { rebootKind: "hard", rebootNonce: "a" },
    around: { nowMs: T0 + TASK_DEADLINE_MS },
    step: { step: "fail" },
  },
  { name: "deletion", over: { deleting: true }, step: { step: "deleteGuest" } },
  {
    name: "deletion of one that has no host",
    over: { ...unborn, host: null, deleting: true },
    step: { step: "forget" },
  },
  { name: "deletion of one in ERROR", over: { faultMessage: "x", deleting: true }, step: { step: "deleteGuest" } },
  { name: "deletion, the guest is gone", over: { deleting: true, observedGone: true }, step: { step: "forget" } },
  {
    name: "deletion, the host is away",
    over: { deleting: true },
    around: { hostLostAtMs: T0 },
    step: { step: "await" },
  },
  {
    name: "deletion, the host stays away",
    over: { deleting: true },
    around: { hostLostAtMs: T0, nowMs: T0 + LOCAL_DELETE_MS },
    step: { step: "forget" },
  },
  {
    name: "deletion has no deadline: it is retried",
    over: { deleting: true },
    around: { nowMs: T0 + 100 * TASK_DEADLINE_MS },
    step: { step: "deleteGuest" },
  },
  {
    name: "deletion between two hosts: the other one first",
    over: { deleting: true, otherHost: "host2" },
    step: { step: "leaveOtherHost" },
  },
  { name: "a step is done", over: rescuing, step: { step: "goOn", next: { to: "apply", task: "rescuing" } } },
  { name: "a step is not heard of yet", over: { ...rescuing, generation: 9 }, step: { step: "putGuest" } },
  { name: "a step is under way", over: { ...rescuing, observedConverged: false }, step: { step: "await" } },
  {
    name: "a step takes too long",
    over: { ...rescuing, observedConverged: false },
    around: { nowMs: T0 + TASK_DEADLINE_MS },
    step: { step: "failTask" },
  },
  {
    name: "the host fails in a step",
    over: { ...rescuing, observedConverged: false, observedState: "failed", observedFault: "disk full" },
    step: { step: "failTask", message: "disk full" },
  },
  {
    name: "a volume that is made anew is waited for by its key",
    over: { ...remaking, observedState: "stopped" },
    around: { rootVolume: { ready: false, key: "volume/v" } },
    step: { step: "waitForVolume", key: "volume/v" },
  },
  {
    name: "it is waited for also while the host is away: the volume has a deadline of its own",
    over: { ...remaking, observedState: "stopped" },
    around: { rootVolume: { ready: false, key: "volume/v" }, hostLostAtMs: T0 },
    step: { step: "waitForVolume", key: "volume/v" },
  },
  {
    name: "it was made anew",
    over: { ...remaking, observedState: "stopped" },
    around: { rootVolume: { ready: true } },
    step: { step: "goOn", next: { to: "apply", task: "rebuilding" } },
  },
  {
    name: "it could not be made anew",
    over: { ...remaking, observedState: "stopped" },
    around: { rootVolume: { failed: "The pool is full." } },
    step: { step: "failTask", message: "The pool is full." },
  },
  {
    name: "the volume is gone",
    over: { ...remaking, observedState: "stopped" },
    step: { step: "failTask", message: "The server has no volume to boot from." },
  },
  {
    name: "a copy is waited for by its key",
    over: { ...shelving, taskStep: "copy" },
    step: { step: "waitForCopy", key: "snapshot/i" },
  },
  {
    name: "a copy takes too long",
    over: { ...shelving, taskStep: "copy" },
    around: { nowMs: T0 + COPY_DEADLINE_MS },
    step: { step: "failTask" },
  },
  { name: "off the host", over: offloading, step: { step: "leaveHost" } },
  {
    name: "off the host, which has gone",
    over: { ...offloading, observedGone: true },
    step: { step: "goOn", next: { end: "shelved_offloaded" } },
  },
  { name: "off a host that is away", over: offloading, around: { hostLostAtMs: T0 }, step: { step: "await" } },
  {
    name: "off a host that stays away",
    over: offloading,
    around: { hostLostAtMs: T0, nowMs: T0 + LOCAL_DELETE_MS },
    step: { step: "goOn", next: { end: "shelved_offloaded" } },
  },
  {
    name: "back from the shelf",
    over: { ...shelving, task: "unshelving", taskStep: "place", host: null },
    step: { step: "place" },
  },
  {
    name: "on the shelf",
    over: { mode: "shelved_offloaded", host: null, observedGeneration: null },
    step: { step: "rest" },
  },
  {
    name: "an image is being made: the guest goes on",
    over: { task: "image_snapshot", taskStep: "image", taskVmState: "active", generation: 9 },
    step: { step: "putGuest" },
  },
  { name: "waits for the customer's word", over: { mode: "resized", modeSince: new Date(T0) }, step: { step: "rest" } },
  {
    name: "waits for it so long",
    over: { mode: "resized", modeSince: new Date(T0) },
    around: { stays: { resizedMs: 1000 }, nowMs: T0 + 400 },
    step: { step: "await", checkAfterMs: 600 },
  },
  {
    name: "and no longer",
    over: { mode: "resized", modeSince: new Date(T0) },
    around: { stays: { resizedMs: 1000 }, nowMs: T0 + 1000 },
    step: { step: "expire", mode: "resized" },
  },
];

for (const { name, over, around: neighbours, step } of cases) {
  test(`plan: ${name}`, () => {
    const planned = planServer(server(over), around(neighbours));
    assert.deepEqual({ ...planned, ...step }, planned);
  });
}
