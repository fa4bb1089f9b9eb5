/** (wanted, observed, neighbours) -> the next step for one backup. Pure: the reconciler does what this says, once. */
import type { Backup } from "./backup.model.ts";

export type BackupNeighbours = {
  /** Whose agent is to be asked; null: none can be now. */
  host: string | null;
  /** Is there still what it is to be made of? */
  hasSource: boolean;
  /** Is the volume still being made from it? */
  isRestoring: boolean;
  nowMs: number;
};

export type BackupStep =
  | { step: "rest" }
  | { step: "put" }
  | { step: "settle" }
  | { step: "fail"; message: string }
  | { step: "restored" }
  | { step: "delete" }
  | { step: "forget" }
  | { step: "failDeletion"; message: string }
  | { step: "await"; why: string };

/** Without anything new from the host. */
export const BACKUP_DEADLINE_MS = 60 * 60_000;
export const BACKUP_DELETE_DEADLINE_MS = 15 * 60_000;

export function planBackup(backup: Backup, around: BackupNeighbours): BackupStep {
  if (backup.deleting) return planDeletion(backup, around);
  if (backup.status === "restoring") return { step: around.isRestoring ? "rest" : "restored" };
  if (backup.status !== "creating") return { step: "rest" };
  if (backup.observedState === "ready") return { step: "settle" };
  if (backup.observedState === "failed")
    return { step: "fail", message: backup.observedFault ?? "The host could not make the backup." };
  if (!around.hasSource) return { step: "fail", message: "What was to be backed up is not there any more." };
  if (isOverdue(backup, around, BACKUP_DEADLINE_MS))
    return { step: "fail", message: "The host did not finish within the time allowed." };
  if (around.host === null) return { step: "await", why: "no host that keeps the volume answers" };
  return { step: "put" };
}

const isOverdue = (backup: Backup, { nowMs }: BackupNeighbours, afterMs: number): boolean =>
  nowMs >= backup.taskSince.getTime() + afterMs;

function planDeletion(backup: Backup, around: BackupNeighbours): BackupStep {
  // others hold only what it has not
  if (backup.hasDependents) {
    if (isOverdue(backup, around, BACKUP_DELETE_DEADLINE_MS))
      return { step: "failDeletion", message: "Backups that build on it were not removed within the time allowed." };
    return { step: "await", why: "backups that build on it are going first" };
  }
  // no agent ever heard of it
  if (backup.host === null && !backup.imported) return { step: "forget" };
  if (isOverdue(backup, around, BACKUP_DELETE_DEADLINE_MS))
    return { step: "failDeletion", message: "The backup could not be removed within the time allowed." };
  if (around.host === null) return { step: "await", why: "no host that keeps the backup answers" };
  return { step: "delete" };
}

/** Whose agent to ask for the removal: who may still be making it, as long as there is hope; then any that reaches it. */
export function removerOf(
  backup: Pick<Backup, "host" | "observedState" | "taskSince">,
  around: { isMakerUp: boolean; other: string | null; nowMs: number },
): string | null {
  if (around.isMakerUp) return backup.host;
  const isMade = backup.observedState === "ready" || backup.observedState === "failed";
  const isLate = around.nowMs >= backup.taskSince.getTime() + BACKUP_DELETE_DEADLINE_MS / 3;
  return isMade || isLate || backup.host === null ? around.other : null;
}
