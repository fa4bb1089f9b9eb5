/**
 * (wanted, observed, neighbours) -> the next step for one server. Pure: the reconciler does what this says, once, and
 * comes back with what it then sees. No state is without a deadline: whatever is waited for ends in a fault a customer
 * understands, or is retried for as long as the customer's wish stands and nobody is kept waiting by it.
 */
import type { ResourceKey } from "../../../reconcile/queue.ts";
import { type Server, isAtRest, isRebooting, stateOf } from "./server.model.ts";

export type ServerNeighbours = {
  /** The key of something the network has yet to bring about for the server's ports; null: they are there. */
  portsWaitFor: ResourceKey | null;
  /** Since when the host's agent has not been heard; null: it is there. */
  hostLostAtMs: number | null;
  nowMs: number;
};

export type ServerStep =
  | { step: "rest" }
  | { step: "place" }
  | { step: "fail"; message: string }
  | { step: "waitForPort"; key: ResourceKey }
  | { step: "putGuest" }
  | { step: "reboot"; kind: "soft" | "hard"; nonce: string }
  | { step: "deleteGuest" }
  | { step: "forget" }
  | { step: "await"; why: string; checkAfterMs: number };

/** A first boot may have to fetch an image and to run without hardware acceleration. */
export const BUILD_DEADLINE_MS = 15 * 60_000;
/** An orderly shutdown may take a minute; the rest is slack for a busy host. */
export const TASK_DEADLINE_MS = 5 * 60_000;
/** A server whose host is away this long is deleted without it; the guest is removed as an orphan when the host returns. */
export const LOCAL_DELETE_MS = 60_000;
const CHECK_MS = 5_000;
const DELETE_CHECK_MS = 1_000;

export function planServer(server: Server, around: ServerNeighbours): ServerStep {
  if (server.deleting) return planDeletion(server, around);
  if (isSettled(server)) return { step: "rest" };
  if (server.host === null) return { step: "place" };
  const { vmState, taskState } = stateOf(server);
  const deadlineMs = server.taskSince.getTime() + (vmState === "building" ? BUILD_DEADLINE_MS : TASK_DEADLINE_MS);
  if (taskState !== null && around.nowMs >= deadlineMs) return { step: "fail", message: overdue(server) };
  const checkAfterMs = taskState === null ? CHECK_MS : Math.max(1, Math.min(CHECK_MS, deadlineMs - around.nowMs));
  if (around.hostLostAtMs !== null) return { step: "await", why: `host ${server.host} does not answer`, checkAfterMs };
  if (hasHeard(server) && !server.observedNeedsKeys) return planOnHost(server, checkAfterMs);
  return around.portsWaitFor === null ? { step: "putGuest" } : { step: "waitForPort", key: around.portsWaitFor };
}

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
