/** New backups: quota, key, row, event and queue key in ONE transaction. What follows is the reconciler's. */
import { randomBytes } from "node:crypto";

import { invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import { listZones } from "../hosts/host.queries.ts";
import { takeQuota } from "../quotas/take-quota.ts";
import type { Snapshot } from "../snapshots/snapshot.model.ts";
import { findSnapshot, lockSnapshot, setSnapshotStatus } from "../snapshots/snapshot.queries.ts";
import { holdVolume, invalidVolume } from "../volumes/volume-access.ts";
import type { Volume } from "../volumes/volume.model.ts";
import { setStatus } from "../volumes/volume.queries.ts";
import { type Backup, backupKeyName, backupTarget } from "./backup.model.ts";
import { type NewBackup, findBackup, findBackupKey, findParentId, insertBackup, lockBackup } from "./backup.queries.ts";

const CONTAINER = "volumebackups";

export type CreateBackup = {
  volumeId: string;
  snapshotId: string | null;
  name: string | null;
  description: string | null;
  metadata: { [key: string]: string };
  container: string | null;
  zone: string | null;
  incremental: boolean;
  /** A volume in use too: what its guest has not yet written is not in it. */
  force: boolean;
};

const NO_PARENT = "Invalid backup: No backups available to do an incremental backup.";

export async function createBackup(request: ApiRequest, wanted: CreateBackup): Promise<Backup> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await holdVolume(tx.sql, request, wanted.volumeId);
    const snapshot = await snapshotOf(request, tx, wanted);
    checkSource(volume, snapshot, wanted.force);
    if (wanted.zone !== null) await checkZone(tx, wanted.zone);
    const parent = wanted.incremental ? await parentOf(tx, volume, snapshot) : null;
    await takeQuota(tx, volume.projectId, { backups: 1, backup_gigabytes: volume.sizeGib });
    const row = await toRow(request, tx, { wanted, volume, snapshot, parent, at });
    await insertBackup(tx.sql, row, at);
    if (snapshot === null) await setStatus(tx.sql, volume.id, "backing-up", at, { previousStatus: volume.status });
    else await setSnapshotStatus(tx.sql, snapshot.id, "backing-up", at);
    tx.event({
      action: "volume.backup.create",
      target: backupTarget(row),
      detail: { name: wanted.name, volume_id: volume.id, incremental: wanted.incremental },
    });
    tx.enqueue(`volume_backup/${row.id}`);
    const made = await findBackup(tx.sql, row.id, null);
    if (made === null) throw new Error(`backup ${row.id} is not there`);
    return made;
  });
}

type RowInput = {
  wanted: CreateBackup;
  volume: Volume;
  snapshot: Snapshot | null;
  parent: Backup | null;
  at: Date;
};

async function toRow(request: ApiRequest, tx: Transaction, input: RowInput): Promise<NewBackup> {
  const { wanted, volume, snapshot, parent, at } = input;
  const { app } = request;
  const id = newUuid();
  const { projectId } = volume;
  const key = parent === null ? randomBytes(32) : await openBackupKey(app, tx, parent.id);
  return {
    id,
    projectId,
    userId: request.actor.userId,
    volumeId: volume.id,
    snapshotId: snapshot?.id ?? null,
    parentId: parent?.id ?? null,
    name: wanted.name,
    description: wanted.description,
    container: wanted.container ?? CONTAINER,
    availabilityZone: wanted.zone ?? volume.availabilityZone,
    sizeGib: volume.sizeGib,
    metadata: wanted.metadata,
    wrappedKey: await app.keys.wrapForProject(tx.sql, projectId, key, backupKeyName(id)),
    keyId: parent?.keyId ?? newUuid(),
    dataTimestamp: snapshot?.createdAt ?? at,
    imported: false,
    pool: volume.pool,
  };
}

/** Held after its volume, in the order of 0006-volume.sql. */
async function snapshotOf(request: ApiRequest, tx: Transaction, wanted: CreateBackup): Promise<Snapshot | null> {
  const { snapshotId, volumeId } = wanted;
  if (snapshotId === null) return null;
  const seen = await findSnapshot(tx.sql, snapshotId, scopeOf(request));
  if (seen === null) throw notFound(`Snapshot ${snapshotId} could not be found.`);
  if (seen.volumeId !== volumeId) {
    throw invalid(`Invalid snapshot: Snapshot ${snapshotId} is not a snapshot of volume ${volumeId}.`);
  }
  return lockSnapshot(tx.sql, snapshotId, scopeOf(request));
}

function checkSource(volume: Volume, snapshot: Snapshot | null, force: boolean): void {
  if (snapshot !== null) {
    if (snapshot.status === "available" && !volume.deleting) return;
    throw invalid(
      `Invalid snapshot: Snapshot to be backed up must be available, but the current status is "${snapshot.status}".`,
    );
  }
  if (volume.deleting || !["available", "in-use"].includes(volume.status)) {
    throw invalidVolume(
      `Volume to be backed up must be available or in-use, but the current status is "${volume.status}".`,
    );
  }
  if (volume.status === "in-use" && !force) throw invalidVolume("Backing up an in-use volume must use the force flag.");
}

async function checkZone(tx: Transaction, zone: string): Promise<void> {
  const zones = await listZones(tx.sql);
  const exists = zones.length === 0 ? zone === "nova" : zones.some((one) => one.zone === zone);
  if (!exists) throw invalid(`Invalid input received: Availability zone '${zone}' is invalid.`);
}

/** Held, so that it cannot go before it has a child. */
async function parentOf(tx: Transaction, volume: Volume, snapshot: Snapshot | null): Promise<Backup> {
  const wanted = { volumeId: volume.id, projectId: volume.projectId, before: snapshot?.createdAt ?? null };
  const id = await findParentId(tx.sql, wanted);
  const parent = id === null ? null : await lockBackup(tx.sql, id, null);
  if (parent === null || parent.status !== "available" || parent.deleting) throw invalid(NO_PARENT);
  return parent;
}

/** The key of a backup's chain. */
async function openBackupKey(app: Pick<App, "keys">, tx: Transaction, id: string): Promise<Buffer> {
  const row = await findBackupKey(tx.sql, id);
  if (row === null) throw new Error(`backup ${id} has no key`);
  return app.keys.unwrapForProject(tx.sql, row.projectId, row.wrappedKey, backupKeyName(id));
}
