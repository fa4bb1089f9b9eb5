/**
 * (wanted, observed, neighbours) -> the next step for one server. Pure: the reconciler does what this says, once, and
 * comes back with what it then sees. No state is without a deadline: whatever is waited for ends in a fault a customer
 * understands, or is retried for as long as the customer's wish stands and nobody is kept waiting by it.
 */
import type { ResourceKey } from "../../../reconcile/queue.ts";
import type { VolumeReadiness } from "../../volume/public.ts";
import { type Server, faultOf, isAtRest, isRebooting, stateOf } from "./server.model.ts";
import { type Next, nextOf } from "./server-tasks.ts";

export type ServerNeighbours = {
  /** The key of something the network has yet to bring about for the server's ports; null: they are there. */
  portsWaitFor: ResourceKey | null;
  /** Has the volume that is made anew become what it is to be? Of a server in that step. */
  rootVolume?: VolumeReadiness;
  /** Since when the host's agent has not been heard; null: it is there. */
  hostLostAtMs: number | null;
  nowMs: number;
  /** How long what only stays for a while does; absent: until somebody says otherwise. */
  stays?: Stays;
};

/** RESIZED is confirmed, SHELVED leaves its host, SOFT_DELETED is deleted after so long. */
export type Stays = { resizedMs?: number; shelvedMs?: number; softDeletedMs?: number };

export type ServerStep =
  | { step: "rest" }
  | { step: "place" }
  | { step: "fail"; message: string }
  | { step: "waitForPort"; key: ResourceKey }
  | { step: "putGuest" }
  | { step: "reboot"; kind: "soft" | "hard"; nonce: string }
  | { step: "deleteGuest" }
  | { step: "forget" }
  /** A step of a task is over. */
  | { step: "goOn"; next: Exclude<Next, null> }
  | { step: "failTask"; message: string }
  | { step: "waitForCopy"; key: ResourceKey }
  | { step: "waitForVolume"; key: ResourceKey }
  /** The guest leaves its host, or the other one, and the server lives on. */
  | { step: "leaveHost" }
  | { step: "leaveOtherHost" }
  /** What only stays for a while has stayed long enough. */
  | { step: "expire"; mode: "resized" | "shelved" | "soft-delete" }
  | { step: "await"; why: string; checkAfterMs: number };

/** A first boot may have to fetch an image and to run without hardware acceleration. */
export const BUILD_DEADLINE_MS = 15 * 60_000;
/** An orderly shutdown may take a minute; the rest is slack for a busy host. */
export const TASK_DEADLINE_MS = 5 * 60_000;
/** A server whose host is away this long is deleted without it; the guest is removed as an orphan when the host returns. */
export const LOCAL_DELETE_MS = 60_000;
/** The copy of a disk is as slow as the disk is large: the copy itself has a deadline (snapshots, volumes), this is for the rest. */
export const COPY_DEADLINE_MS = 6 * 60 * 60_000;
const CHECK_MS = 5_000;
const DELETE_CHECK_MS = 1_000;

export function planServer(server: Server, around: ServerNeighbours): ServerStep {
  if (server.deleting) return planDeletion(server, around);
  if (server.task !== null && server.taskStep !== "image") return planTask(server, around);
  // an image is made of the disk while the guest goes on as it would
  if (server.task !== null) return planOrdinary({ ...server, task: null, taskStep: null, taskVmState: null }, around);
  return planOrdinary(server, around);
}

function planOrdinary(server: Server, around: ServerNeighbours): ServerStep {
  if (server.mode === "shelved_offloaded") return { step: "rest" };
  if (isSettled(server)) return planStay(server, around);
  if (server.host === null) return { step: "place" };
  const { vmState, taskState } = stateOf(server);
  const deadlineMs = server.taskSince.getTime() + (vmState === "building" ? BUILD_DEADLINE_MS : TASK_DEADLINE_MS);
  if (taskState !== null && around.nowMs >= deadlineMs) return { step: "fail", message: overdue(server) };
  const checkAfterMs = taskState === null ? CHECK_MS : Math.max(1, Math.min(CHECK_MS, deadlineMs - around.nowMs));
  if (around.hostLostAtMs !== null) return { step: "await", why: `host ${server.host} does not answer`, checkAfterMs };
  if (hasHeard(server) && !server.observedNeedsKeys) return planOnHost(server, checkAfterMs);
  return around.portsWaitFor === null ? { step: "putGuest" } : { step: "waitForPort", key: around.portsWaitFor };
}

/** Nothing is to be done; some modes come to an end by themselves. */
function planStay(server: Server, { nowMs, stays = {} }: ServerNeighbours): ServerStep {
  const { mode, modeSince } = server;
  if (server.faultMessage !== null || modeSince === null) return { step: "rest" };
  const limits = { resized: stays.resizedMs, shelved: stays.shelvedMs, "soft-delete": stays.softDeletedMs };
  if (mode !== "resized" && mode !== "shelved" && mode !== "soft-delete") return { step: "rest" };
  const limitMs = limits[mode];
  if (limitMs === undefined) return { step: "rest" };
  const leftMs = modeSince.getTime() + limitMs - nowMs;
  return leftMs <= 0
    ? { step: "expire", mode }
    : { step: "await", why: `it stays ${mode} a while`, checkAfterMs: leftMs };
}

/** One step of a task: bring it about, see that it is so, go on to the next. */
function planTask(server: Server, around: ServerNeighbours): ServerStep {
  // whatever became of a guest that is to go: it goes
  if (server.taskStep === "offload") return planOffload(server, around);
  const fault = faultOf(server);
  if (fault !== null) return { step: "failTask", message: fault };
  const deadlineMs = server.taskSince.getTime() + deadlineOf(server);
  if (around.nowMs >= deadlineMs) return { step: "failTask", message: overdue(server) };
  if (server.taskStep === "copy") return { step: "waitForCopy", key: `snapshot/${server.shelvedImageId ?? ""}` };
  if (server.taskStep === "reimage") return planReimage(server, around);
  if (server.taskStep === "place") return { step: "place" };
  return planGuestStep(server, around, Math.max(1, Math.min(CHECK_MS, deadlineMs - around.nowMs)));
}

/** The volume's own reconciler makes it anew, and ends what takes too long; the guest stays off meanwhile. */
function planReimage(server: Server, { rootVolume }: ServerNeighbours): ServerStep {
  if (rootVolume === undefined) return { step: "failTask", message: "The server has no volume to boot from." };
  if ("failed" in rootVolume) return { step: "failTask", message: rootVolume.failed };
  if (!rootVolume.ready) return { step: "waitForVolume", key: rootVolume.key };
  return { step: "goOn", next: nextOf(server) ?? { end: server.mode } };
}

/** The guest is to become what the step wants of it. */
function planGuestStep(server: Server, around: ServerNeighbours, checkAfterMs: number): ServerStep {
  if (server.host === null) return { step: "failTask", message: "The server has no host." };
  if (around.hostLostAtMs !== null) return { step: "await", why: `host ${server.host} does not answer`, checkAfterMs };
  if (!hasHeard(server) || server.observedNeedsKeys) {
    return around.portsWaitFor === null ? { step: "putGuest" } : { step: "waitForPort", key: around.portsWaitFor };
  }
  const next = nextOf(server);
  if (next !== null && (server.observedConverged || isAtRest(server))) return { step: "goOn", next };
  return { step: "await", why: `host ${server.host} is at it: ${server.observedState ?? "unknown"}`, checkAfterMs };
}

/** Leaving has no deadline of its own: a host that is away is left without its help, as in a deletion. */
function planOffload(server: Server, around: ServerNeighbours): ServerStep {
  const next = nextOf(server);
  if (server.task === "resize_confirming") return { step: "leaveOtherHost" };
  if (next === null) return { step: "rest" };
  if (server.host === null || server.observedGone) return { step: "goOn", next };
  if (around.hostLostAtMs === null) return { step: "leaveHost" };
  const leftMs = around.hostLostAtMs + LOCAL_DELETE_MS - around.nowMs;
  if (leftMs <= 0) return { step: "goOn", next };
  return { step: "await", why: `host ${server.host} does not answer`, checkAfterMs: Math.min(CHECK_MS, leftMs) };
}

const deadlineOf = (server: Server): number => {
  switch (server.taskStep) {
    case "copy":
    case "reimage":
      return COPY_DEADLINE_MS;
    case "apply":
      // may have to fetch an image
      return BUILD_DEADLINE_MS;
    case "stop":
    case "place":
    case "offload":
    case "image":
    case null:
      return TASK_DEADLINE_MS;
  }
};

/** As wanted, off by its own doing, or in ERROR until somebody says what is next. */
function isSettled(server: Server): boolean {
  if (server.faultMessage !== null) return true;
  if (!hasHeard(server) || server.observedNeedsKeys) return false;
  const { vmState, taskState } = stateOf(server);
  if (vmState === "error" && taskState === null) return true;
  return isAtRest(server) || (server.observedConverged && !isRebooting(server));
}

/** Has the agent taken in everything we want? */
const hasHeard = (server: Server): boolean => (server.observedGeneration ?? -1) >= server.generation;

function planOnHost(server: Server, checkAfterMs: number): ServerStep {
  if (server.rebootNonce !== null && server.rebootNonce !== server.observedRebootNonce) {
    return { step: "reboot", kind: server.rebootKind ?? "hard", nonce: server.rebootNonce };
  }
  return {
    step: "await",
    why: `host ${server.host ?? ""} is at it: ${server.observedState ?? "unknown"}`,
    checkAfterMs,
  };
}

function planDeletion(server: Server, around: ServerNeighbours): ServerStep {
  if (server.otherHost !== null) return { step: "leaveOtherHost" };
  if (server.host === null || server.observedGone) return { step: "forget" };
  if (around.hostLostAtMs !== null) {
    const leftMs = around.hostLostAtMs + LOCAL_DELETE_MS - around.nowMs;
    if (leftMs <= 0) return { step: "forget" };
    return { step: "await", why: `host ${server.host} does not answer`, checkAfterMs: Math.min(CHECK_MS, leftMs) };
  }
  return { step: "deleteGuest" };
}

/** The agent took the deletion: it reports `gone`, and should that get lost, it answers 404 to the next one. */
export const awaitGone = (server: Server): ServerStep => ({
  step: "await",
  why: `host ${server.host ?? ""} is removing the guest`,
  checkAfterMs: DELETE_CHECK_MS,
});

function overdue(server: Server): string {
  const { vmState, taskState } = stateOf(server);
  if (vmState === "building") return "The server was not running within the time allowed for its first start.";
  return `The host did not finish '${taskState ?? ""}' within the time allowed.`;
}
