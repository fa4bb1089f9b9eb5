/** New snapshots: quota, row, event, and the volume's agent is to hear of it. */
import { newUuid } from "@andromede/base/ids";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { takeQuota } from "../quotas/take-quota.ts";
import { holdVolume, invalidVolume, noVolume } from "../volumes/volume-access.ts";
import type { Volume } from "../volumes/volume.model.ts";
import { bumpGeneration, lockVolume } from "../volumes/volume.queries.ts";
import type { Snapshot } from "./snapshot.model.ts";
import { findSnapshot, insertSnapshot } from "./snapshot.queries.ts";

export type CreateSnapshot = {
  volumeId: string;
  name: string | null;
  description: string | null;
  metadata: { [key: string]: string };
  /** A volume in use too: what its guest has not yet written is not in it. */
  allowInUse: boolean;
};

export async function createSnapshot(request: ApiRequest, wanted: CreateSnapshot): Promise<Snapshot> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, wanted.volumeId);
    checkMaySnapshot(volume, wanted.allowInUse);
    const owner = { projectId: volume.projectId, userId: request.actor.userId };
    const id = await addSnapshot(app, tx, volume, { ...wanted, ...owner });
    const made = await findSnapshot(tx.sql, id, null);
    if (made === null) throw new Error(`snapshot ${id} is not there`);
    return made;
  });
}

export function checkMaySnapshot(volume: Volume, allowInUse: boolean): void {
  const allowed = allowInUse ? ["available", "in-use"] : ["available"];
  if (volume.deleting || !allowed.includes(volume.status)) {
    throw invalidVolume(
      `Volume ${volume.id} status must be ${allowed.map((one) => `'${one}'`).join(" or ")}, but current status is: ${volume.status}.`,
    );
  }
}

type NewOne = {
  name: string | null;
  description: string | null;
  metadata: { [key: string]: string };
  projectId: string;
  userId: string;
  groupSnapshotId?: string;
};

/** The caller holds the volume. */
export async function addSnapshot(
  app: Pick<App, "clock">,
  tx: Transaction,
  volume: Volume,
  wanted: NewOne,
): Promise<string> {
  const id = newUuid();
  await takeQuota(tx, wanted.projectId, { snapshots: 1, gigabytes: volume.sizeGib, typeId: volume.volumeTypeId });
  const generation = await bumpGeneration(tx.sql, volume.id);
  await insertSnapshot(
    tx.sql,
    {
      id,
      projectId: wanted.projectId,
      userId: wanted.userId,
      volumeId: volume.id,
      groupSnapshotId: wanted.groupSnapshotId ?? null,
      name: wanted.name,
      description: wanted.description,
      sizeGib: volume.sizeGib,
      metadata: wanted.metadata,
      generation,
    },
    new Date(app.clock.now()),
  );
  tx.event({
    action: "volume.snapshot.create",
    target: { type: "snapshot", id, projectId: wanted.projectId },
    detail: { name: wanted.name, volume_id: volume.id },
  });
  tx.enqueue(`volume/${volume.id}`);
  return id;
}

/** For `createImage` of a server: whatever the volume is doing, as long as it is there. */
export async function snapshotVolumeForImage(
  app: App,
  tx: Transaction,
  wanted: { volumeId: string; projectId: string; userId: string; name: string },
): Promise<{ snapshotId: string; sizeGib: number }> {
  const volume = await lockVolume(tx.sql, wanted.volumeId, wanted.projectId);
  if (volume === null) throw noVolume(wanted.volumeId);
  checkMaySnapshot(volume, true);
  const snapshotId = await addSnapshot(app, tx, volume, {
    name: wanted.name,
    description: "",
    metadata: {},
    projectId: wanted.projectId,
    userId: wanted.userId,
  });
  return { snapshotId, sizeGib: volume.sizeGib };
}
