/** What a host has done, or could not do, becomes statuses that a customer sees. Each is one transaction. */
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import { touchServer } from "../../compute/public.ts";
import { setBackupRestored } from "../backups/backup.queries.ts";
import { type MessageAction, tellCustomer } from "../messages/tell-customer.ts";
import { giveBackQuota } from "../quotas/take-quota.ts";
import type { Snapshot } from "../snapshots/snapshot.model.ts";
import {
  deleteSnapshotRow,
  deleteSnapshotsOf,
  listVolumeSnapshots,
  setSnapshotStatus,
} from "../snapshots/snapshot.queries.ts";
import { deleteAttachmentsOf } from "../attachments/attachment.queries.ts";
import { volumeTarget } from "./volume-access.ts";
import { type Volume, WORKING, failedStatus, restingStatus } from "./volume.model.ts";
import {
  bumpGeneration,
  clearRemake,
  clearRevert,
  deleteVolumeRow,
  forgetSource,
  lockVolume,
  setDeletionFailed,
  setSize,
  setStatus,
} from "./volume.queries.ts";

const origin = systemOrigin("volume.reconciler");

/** Runs `work` on the volume as it was when it was looked at; undefined when somebody has said something since. */
function whileUnchanged<T>(
  app: App,
  seen: Volume,
  work: (tx: Transaction, volume: Volume, at: Date) => Promise<T>,
): Promise<T | undefined> {
  return transact(app, origin, async (tx) => {
    const volume = await lockVolume(tx.sql, seen.id, null);
    if (
      volume === null ||
      volume.generation !== seen.generation ||
      volume.deleting !== seen.deleting ||
      volume.status !== seen.status
    )
      return undefined;
    return work(tx, volume, new Date(app.clock.now()));
  });
}

/** What is made or ends with several looks again: the volume's group, and snapshots of whole groups. */
function wakeGroups(tx: Transaction, volume: Volume, snapshots: readonly Snapshot[]): void {
  if (volume.groupId !== null) tx.enqueue(`volume_group/${volume.groupId}`);
  for (const { groupSnapshotId, status } of snapshots) {
    if (groupSnapshotId !== null && ["creating", "deleting"].includes(status))
      tx.enqueue(`volume_group_snapshot/${groupSnapshotId}`);
  }
}

/** All that was wanted is there. */
export async function settleVolume(app: App, seen: Volume): Promise<void> {
  await whileUnchanged(app, seen, async (tx, volume, at) => {
    const snapshots = await listVolumeSnapshots(tx.sql, volume.id);
    for (const snapshot of snapshots) await settleSnapshot(tx, volume, snapshot, at);
    wakeGroups(tx, volume, snapshots);
    if (!WORKING.includes(volume.status)) return;
    if (volume.status === "creating" || volume.status === "downloading") await forgetSource(tx.sql, volume.id);
    if (volume.status === "reverting") await endRevert(tx, volume, at);
    if (isRestoring(volume)) await setBackupRestored(tx.sql, volume.id, at);
    await setStatus(tx.sql, volume.id, restingStatus(volume), at, { previousStatus: null, fault: null });
    // their guests' specs say how large it is
    if (volume.status === "extending") await touchServersOf(tx, volume);
  });
}

const isRestoring = ({ status, sourceBackupId }: Volume): boolean =>
  status === "restoring-backup" || (status === "creating" && sourceBackupId !== null);

async function touchServersOf(tx: Transaction, volume: Volume): Promise<void> {
  for (const { serverId, status } of volume.attachments) {
    if (serverId !== null && status !== "reserved") await touchServer(tx, serverId);
  }
}

async function settleSnapshot(tx: Transaction, volume: Volume, snapshot: Snapshot, at: Date): Promise<void> {
  const isThere = volume.observedSnapshots.includes(snapshot.id);
  if (snapshot.status === "creating" && isThere) {
    await setSnapshotStatus(tx.sql, snapshot.id, "available", at, { progress: "100%" });
  } else if (snapshot.status === "creating") {
    await failSnapshot(tx, volume, snapshot, { text: "The host did not take the snapshot.", at });
  } else if (snapshot.status === "deleting" && !snapshot.wanted) {
    if (isThere) await failSnapshot(tx, volume, snapshot, { text: "The host did not remove the snapshot.", at });
    else await forgetSnapshot(tx, volume, snapshot);
  }
}

async function forgetSnapshot(tx: Transaction, volume: Volume, snapshot: Snapshot): Promise<void> {
  await deleteSnapshotRow(tx.sql, snapshot.id);
  await giveBackSnapshot(tx, volume, snapshot);
  tx.event({
    action: "volume.snapshot.gone",
    target: { type: "snapshot", id: snapshot.id, projectId: snapshot.projectId },
  });
}

const giveBackSnapshot = (tx: Transaction, volume: Volume, snapshot: Snapshot): Promise<void> =>
  giveBackQuota(tx, snapshot.projectId, { snapshots: 1, gigabytes: snapshot.sizeGib, typeId: volume.volumeTypeId });

async function endRevert(tx: Transaction, volume: Volume, at: Date): Promise<void> {
  if (volume.revertSnapshotId !== null) await setSnapshotStatus(tx.sql, volume.revertSnapshotId, "available", at);
  await clearRevert(tx.sql, volume.id);
}

const ACTION_OF: { readonly [status: string]: MessageAction } = {
  creating: "createVolume",
  downloading: "reimageVolume",
  extending: "extendVolume",
  "restoring-backup": "restoreBackup",
};

/** It cannot be done: everything that was under way ends, with a reason. What was there before is wanted again. */
export async function failVolume(app: App, seen: Volume, text: string, action?: MessageAction): Promise<void> {
  await whileUnchanged(app, seen, async (tx, volume, at) => {
    const snapshots = await listVolumeSnapshots(tx.sql, volume.id);
    wakeGroups(tx, volume, snapshots);
    for (const snapshot of snapshots) {
      if (snapshot.status === "creating" || snapshot.status === "deleting")
        await failSnapshot(tx, volume, snapshot, { text, at });
    }
    if (WORKING.includes(volume.status)) await failTask(tx, volume, { text, at, action });
    // the agent hears what is wanted now
    if (volume.status !== "creating") await bumpGeneration(tx.sql, volume.id);
    tx.enqueue(`volume/${volume.id}`);
  });
}

type Failure = { text: string; at: Date; action?: MessageAction | undefined };

async function failTask(tx: Transaction, volume: Volume, { text, at, action }: Failure): Promise<void> {
  if (volume.status === "extending" && volume.observedSizeGib !== null && volume.observedSizeGib > 0) {
    await giveBackQuota(tx, volume.projectId, {
      gigabytes: volume.sizeGib - volume.observedSizeGib,
      typeId: volume.volumeTypeId,
    });
    await setSize(tx.sql, volume.id, volume.observedSizeGib);
  }
  if (volume.status === "reverting") await endRevert(tx, volume, at);
  if (isRestoring(volume)) await setBackupRestored(tx.sql, volume.id, at);
  // what is still there stays
  if (volume.remake) await clearRemake(tx.sql, volume.id);
  await setStatus(tx.sql, volume.id, failedStatus(volume.status), at, { previousStatus: null, fault: text });
  await tellCustomer(
    tx,
    {
      projectId: volume.projectId,
      resourceType: "VOLUME",
      resourceId: volume.id,
      action: action ?? ACTION_OF[volume.status] ?? "createVolume",
      text,
    },
    at,
  );
  tx.event({ action: "volume.volume.fail", outcome: "failure", reason: text, target: volumeTarget(volume) });
}

async function failSnapshot(tx: Transaction, volume: Volume, snapshot: Snapshot, { text, at }: Failure): Promise<void> {
  const isDeleting = snapshot.status === "deleting";
  await setSnapshotStatus(tx.sql, snapshot.id, isDeleting ? "error_deleting" : "error", at, { wanted: false });
  await tellCustomer(
    tx,
    {
      projectId: snapshot.projectId,
      resourceType: "VOLUME_SNAPSHOT",
      resourceId: snapshot.id,
      action: isDeleting ? "deleteSnapshot" : "createSnapshot",
      text,
    },
    at,
  );
  tx.event({
    action: "volume.snapshot.fail",
    outcome: "failure",
    reason: text,
    target: { type: "snapshot", id: snapshot.id, projectId: snapshot.projectId },
    detail: { volume_id: volume.id },
  });
}

export async function failDeletion(app: App, seen: Volume, text: string): Promise<void> {
  await whileUnchanged(app, seen, async (tx, volume, at) => {
    await setDeletionFailed(tx.sql, volume.id, text, at);
    wakeGroups(tx, volume, []);
    tx.event({ action: "volume.volume.fail", outcome: "failure", reason: text, target: volumeTarget(volume) });
  });
}

/** Its bytes are gone: the row goes, and with the row the only copy of its key there is, wrapped as it was. */
export async function forgetVolume(app: App, seen: Volume): Promise<void> {
  await whileUnchanged(app, seen, async (tx, volume) => {
    const snapshots = await listVolumeSnapshots(tx.sql, volume.id);
    await Promise.all([
      deleteSnapshotsOf(tx.sql, volume.id),
      deleteAttachmentsOf(tx.sql, volume.id),
      deleteVolumeRow(tx.sql, volume.id),
    ]);
    for (const snapshot of snapshots) await giveBackSnapshot(tx, volume, snapshot);
    await giveBackQuota(tx, volume.projectId, { volumes: 1, gigabytes: volume.sizeGib, typeId: volume.volumeTypeId });
    wakeGroups(tx, volume, snapshots);
    tx.event({ action: "volume.volume.gone", target: volumeTarget(volume) });
  });
}
