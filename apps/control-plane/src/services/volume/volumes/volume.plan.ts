/**
 * (wanted, observed, neighbours) -> the next step for one volume. Pure: the reconciler does what this says, once, and
 * comes back with what it then sees. No state is without a deadline: what is waited for ends in a status that says so.
 */
import type { Snapshot } from "../snapshots/snapshot.model.ts";
import { type Volume, WORKING, isRemade } from "./volume.model.ts";

export type VolumeNeighbours = {
  snapshots: readonly Pick<Snapshot, "status" | "wanted" | "taskSince">[];
  /** Whose agent is to be asked; null: none can be now. */
  host: string | null;
  /** Volumes being made from this one, and backups and uploads of it. */
  users: number;
  nowMs: number;
};

export type VolumeStep =
  | { step: "rest" }
  | { step: "choosePool" }
  | { step: "wipe" }
  | { step: "put" }
  | { step: "settle" }
  | { step: "fail"; message: string }
  | { step: "delete" }
  | { step: "failDeletion"; message: string }
  | { step: "forget" }
  | { step: "await"; why: string; checkAfterMs: number };

/** An image of many gigabytes may have to be written. */
export const TASK_DEADLINE_MS = 60 * 60_000;
/** Hosts come back; who deletes a volume hears of it sooner. */
export const DELETE_DEADLINE_MS = 15 * 60_000;
const CHECK_MS = 2_000;

export function planVolume(volume: Volume, around: VolumeNeighbours): VolumeStep {
  if (volume.deleting) return planDeletion(volume, around);
  const tasks = tasksOf(volume, around);
  if (!isRemade(volume) && hasHeard(volume)) {
    const step = planHeard(volume, tasks.length > 0);
    if (step !== null) return step;
  }
  const isWorking = WORKING.includes(volume.status);
  // no agent has ever heard of it: there is nothing to take a snapshot of, and nothing to remove
  if (volume.pool === null && !isWorking && tasks.length > 0) return { step: "settle" };
  // never made, and nobody is at it: there is nothing to tell an agent
  if (tasks.length === 0 && (volume.observedSizeGib ?? 0) === 0) return { step: "rest" };
  const since = Math.min(...tasks.map(({ taskSince }) => taskSince.getTime()));
  if (around.nowMs >= since + TASK_DEADLINE_MS) return { step: "fail", message: overdue(volume) };
  return planOnHost(volume, around);
}

/** The agent has spoken of what we want now; null: it is at it. */
function planHeard({ observedState, observedFault }: Volume, isBusy: boolean): VolumeStep | null {
  if (observedState !== "ready" && observedState !== "failed") return null;
  if (!isBusy) return { step: "rest" };
  if (observedState === "ready") return { step: "settle" };
  return { step: "fail", message: observedFault ?? "The host could not do it." };
}

/** What is under way: the volume's own task, and snapshots that are to come or to go. */
const tasksOf = (volume: Volume, around: VolumeNeighbours): { taskSince: Date }[] => [
  ...(WORKING.includes(volume.status) ? [volume] : []),
  ...around.snapshots.filter(({ status, wanted }) => status === (wanted ? "creating" : "deleting")),
];

function planOnHost(volume: Volume, around: VolumeNeighbours): VolumeStep {
  if (volume.pool === null) return { step: "choosePool" };
  if (around.host === null)
    return { step: "await", why: "no host that keeps the volume answers", checkAfterMs: CHECK_MS };
  return { step: isRemade(volume) ? "wipe" : "put" };
}

/** Has an agent taken in everything we want? */
const hasHeard = (volume: Volume): boolean => (volume.observedGeneration ?? -1) >= volume.generation;

const overdue = (volume: Volume): string => `The host did not finish within the time allowed (${volume.status}).`;

function planDeletion(volume: Volume, around: VolumeNeighbours): VolumeStep {
  if (volume.pool === null || volume.observedGone) return { step: "forget" };
  if (around.nowMs >= volume.taskSince.getTime() + DELETE_DEADLINE_MS) {
    return { step: "failDeletion", message: "The volume could not be removed within the time allowed." };
  }
  if (around.users > 0) return { step: "await", why: "the volume is being copied", checkAfterMs: CHECK_MS };
  if (around.host === null)
    return { step: "await", why: "no host that keeps the volume answers", checkAfterMs: CHECK_MS };
  return { step: "delete" };
}
