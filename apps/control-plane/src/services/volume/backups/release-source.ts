/** What a backup was made of is free again, once no other reads it. */
import type { Transaction } from "../../../db/transaction.ts";
import { statusByAttachments } from "../attachments/change-attachments.ts";
import { lockSnapshot, setSnapshotStatus } from "../snapshots/snapshot.queries.ts";
import { findVolume, setStatus } from "../volumes/volume.queries.ts";
import type { Backup } from "./backup.model.ts";
import { countMaking } from "./backup.queries.ts";

/** The caller holds the volume; the backup is no longer `creating`. */
export async function releaseSource(tx: Transaction, backup: Backup, at: Date): Promise<void> {
  const { snapshotId, volumeId } = backup;
  if (backup.imported) return;
  if (snapshotId !== null) {
    const snapshot = await lockSnapshot(tx.sql, snapshotId, null);
    if (snapshot?.status !== "backing-up" || (await countMaking(tx.sql, { snapshotId })) > 0) return;
    await setSnapshotStatus(tx.sql, snapshotId, "available", at);
    return;
  }
  const volume = await findVolume(tx.sql, volumeId, null);
  if (volume?.status !== "backing-up" || (await countMaking(tx.sql, { volumeId })) > 0) return;
  await setStatus(tx.sql, volumeId, statusByAttachments(volume.attachments), at, { previousStatus: null });
}
