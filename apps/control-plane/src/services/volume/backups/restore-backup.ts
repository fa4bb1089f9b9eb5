/** A backup into a volume: a new one whose source it is, or one that is there, whose bytes are made anew from it. */
import { invalid } from "@andromede/base/errors";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin, projectOf, scopeOf } from "../common/actor.ts";
import { listVolumeSnapshots } from "../snapshots/snapshot.queries.ts";
import { addVolume } from "../volumes/create-volume.ts";
import { holdVolume, invalidVolume, volumeTarget } from "../volumes/volume-access.ts";
import { countReaders, setRemake } from "../volumes/volume.queries.ts";
import { type Backup, backupTarget } from "./backup.model.ts";
import { lockBackup, setBackupStatus } from "./backup.queries.ts";
import { noBackup } from "./read-backups.ts";

export type RestoreBackup = { name: string | null; volumeId: string | null };

/** `id`, `name`: the volume's. */
export async function startRestore(
  request: ApiRequest,
  backupId: string,
  { name, volumeId }: RestoreBackup,
): Promise<{ id: string; name: string | null }> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    // the volume before the backup: in the order of 0006-volume.sql
    const given = volumeId === null ? null : await holdVolume(tx.sql, request, volumeId);
    const backup = await lockBackup(tx.sql, backupId, scopeOf(request));
    if (backup === null) throw noBackup(backupId);
    if (backup.status !== "available" || backup.deleting)
      throw invalid("Invalid backup: Backup status must be available");
    const volume =
      given === null
        ? await restoreToNew(request, tx, backup, name ?? `restore_backup_${backupId}`)
        : await restoreInto(tx, backup, given, at);
    await setBackupStatus(tx.sql, backupId, "restoring", at, { restoringVolumeId: volume.id });
    tx.event({ action: "volume.backup.restore", target: backupTarget(backup), detail: { volume_id: volume.id } });
    return volume;
  });
}

async function restoreToNew(
  request: ApiRequest,
  tx: Transaction,
  backup: Backup,
  name: string,
): Promise<{ id: string; name: string }> {
  const wanted = {
    name,
    description: "auto-created_from_restore_from_backup",
    sizeGib: backup.sizeGib,
    typeName: null,
    zone: null,
    metadata: {},
    imageId: null,
    snapshotId: null,
    sourceVolumeId: null,
    backupId: backup.id,
  };
  const owner = { projectId: projectOf(request), userId: request.actor.userId, image: null };
  const id = await addVolume(request.app, tx, wanted, {
    ...owner,
    scope: scopeOf(request),
    isAdmin: asksAsAdmin(request),
  });
  return { id, name };
}

type Given = Awaited<ReturnType<typeof holdVolume>>;

/** What is on the volume is lost. */
async function restoreInto(
  tx: Transaction,
  backup: Backup,
  volume: Given,
  at: Date,
): Promise<{ id: string; name: string | null }> {
  const { id, name, sizeGib, status } = volume;
  if (volume.deleting || status !== "available") throw invalidVolume("Volume to be restored to must be available");
  if (backup.sizeGib > sizeGib) {
    throw invalidVolume(`volume size ${sizeGib} is too small to restore backup of size ${backup.sizeGib}.`);
  }
  if (backup.pool !== null && volume.pool !== null && backup.pool !== volume.pool)
    throw invalidVolume(`Volume ${id} is not where the backup can be read.`);
  if ((await listVolumeSnapshots(tx.sql, id)).length > 0)
    throw invalidVolume(`Volume ${id} has snapshots, and cannot be made anew.`);
  if ((await countReaders(tx.sql, id)) > 0) throw invalidVolume(`Volume ${id} is being copied.`);
  await setRemake(tx.sql, id, { status: "restoring-backup", image: null, backupId: backup.id }, at);
  tx.event({ action: "volume.volume.restore", target: volumeTarget(volume), detail: { backup_id: backup.id } });
  tx.enqueue(`volume/${id}`);
  return { id, name };
}
