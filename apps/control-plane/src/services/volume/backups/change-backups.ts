/** What is done to a backup after it was asked for: names, statuses, its end. */
import { invalid } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import { countUsers, lockVolume } from "../volumes/volume.queries.ts";
import { type Backup, type BackupStatus, backupTarget } from "./backup.model.ts";
import { findBackup, lockBackup, setBackupFields, setBackupStatus } from "./backup.queries.ts";
import { noBackup } from "./read-backups.ts";
import { releaseSource } from "./release-source.ts";

const invalidBackup = (reason: string) => invalid(`Invalid backup: ${reason}`);

type Work<T> = (tx: Transaction, backup: Backup, at: Date) => Promise<T>;

/** Holds the volume it is of, if there still is one, then the backup: in the order of 0006-volume.sql. */
function change<T>(request: ApiRequest, id: string, work: Work<T>): Promise<T> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const backup = await holdBackup(tx, id, scopeOf(request));
    if (backup === null) throw noBackup(id);
    return work(tx, backup, new Date(app.clock.now()));
  });
}

export async function holdBackup(tx: Transaction, id: string, projectId: string | null): Promise<Backup | null> {
  const seen = await findBackup(tx.sql, id, projectId);
  if (seen === null) return null;
  await lockVolume(tx.sql, seen.volumeId, null);
  return lockBackup(tx.sql, id, projectId);
}

export const updateBackup = (
  request: ApiRequest,
  id: string,
  wanted: { name?: string | null; description?: string | null; metadata?: { [key: string]: string } },
): Promise<Backup> =>
  change(request, id, async (tx, backup, at) => {
    const { name = backup.name, description = backup.description, metadata = backup.metadata } = wanted;
    await setBackupFields(tx.sql, id, { name, description, metadata }, at);
    tx.event({ action: "volume.backup.update", target: backupTarget(backup), detail: { name } });
    return { ...backup, name, description, metadata, updatedAt: at };
  });

export const deleteBackup = (request: ApiRequest, id: string, force: boolean): Promise<void> =>
  change(request, id, async (tx, backup, at) => {
    if (!force && (backup.deleting || !["available", "error"].includes(backup.status)))
      throw invalidBackup("Backup status must be available or error");
    if (backup.hasDependents) throw invalidBackup("Incremental backups exist for this backup.");
    if ((await countUsers(tx.sql, { backupId: id })) > 0)
      throw invalidBackup("Backup is being used to create a volume.");
    await startBackupDeletion(tx, backup, at);
  });

/** The caller holds the volume and the backup. What was reading the volume for it is over. */
async function startBackupDeletion(tx: Transaction, backup: Backup, at: Date): Promise<void> {
  await setBackupStatus(tx.sql, backup.id, "deleting", at, { deleting: true, failReason: null });
  if (backup.status === "creating") await releaseSource(tx, backup, at);
  tx.event({ action: "volume.backup.delete", target: backupTarget(backup), detail: { volume_id: backup.volumeId } });
  tx.enqueue(`volume_backup/${backup.id}`);
}

export const resetBackup = (request: ApiRequest, id: string, status: BackupStatus): Promise<void> =>
  change(request, id, async (tx, backup, at) => {
    if (backup.deleting) throw invalidBackup("Backup is being deleted");
    await setBackupStatus(tx.sql, id, status, at, { restoringVolumeId: null });
    if (backup.status === "creating") await releaseSource(tx, backup, at);
    tx.event({ action: "volume.backup.reset", target: backupTarget(backup), detail: { status } });
  });

/** The registry's way: whatever is being done with it. The row goes when those that build on it have. */
export async function removeBackupForPurge(app: App, tx: Transaction, id: string): Promise<void> {
  const backup = await holdBackup(tx, id, null);
  if (backup === null || backup.deleting) return;
  await startBackupDeletion(tx, backup, new Date(app.clock.now()));
}
