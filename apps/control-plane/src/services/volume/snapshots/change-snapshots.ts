/** What is done to a snapshot after it was made: names, metadata, its end. */
import { invalid, notFound } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import { bumpGeneration, countUsers, lockVolume } from "../volumes/volume.queries.ts";
import type { Snapshot, SnapshotStatus } from "./snapshot.model.ts";
import {
  findSnapshot,
  lockSnapshot,
  setSnapshotMetadata,
  setSnapshotNames,
  setSnapshotStatus,
} from "./snapshot.queries.ts";

export const noSnapshot = (id: string) => notFound(`Snapshot ${id} could not be found.`);
const target = (snapshot: Snapshot) => ({ type: "snapshot", id: snapshot.id, projectId: snapshot.projectId });
const invalidSnapshot = (reason: string) => invalid(`Invalid snapshot: ${reason}`);

export async function getSnapshot(request: ApiRequest, id: string): Promise<Snapshot> {
  const snapshot = await findSnapshot(request.app.db, id, scopeOf(request));
  if (snapshot === null) throw noSnapshot(id);
  return snapshot;
}

type Work<T> = (tx: Transaction, snapshot: Snapshot, at: Date) => Promise<T>;

/** Holds the volume, then the snapshot: in the order of 0006-volume.sql. */
function change<T>(request: ApiRequest, id: string, work: Work<T>): Promise<T> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const seen = await findSnapshot(tx.sql, id, scopeOf(request));
    if (seen === null) throw noSnapshot(id);
    await lockVolume(tx.sql, seen.volumeId, null);
    const snapshot = await lockSnapshot(tx.sql, id, scopeOf(request));
    if (snapshot === null) throw noSnapshot(id);
    return work(tx, snapshot, new Date(app.clock.now()));
  });
}

export const updateSnapshot = (
  request: ApiRequest,
  id: string,
  names: { name?: string | null; description?: string | null },
): Promise<Snapshot> =>
  change(request, id, async (tx, snapshot, at) => {
    const { name = snapshot.name, description = snapshot.description } = names;
    await setSnapshotNames(tx.sql, id, { name, description }, at);
    tx.event({ action: "volume.snapshot.update", target: target(snapshot), detail: { name } });
    return { ...snapshot, name, description, updatedAt: at };
  });

type Metadata = { [key: string]: string };

export const changeSnapshotMetadata = (
  request: ApiRequest,
  id: string,
  how: (current: Metadata) => Metadata,
): Promise<Metadata> =>
  change(request, id, async (tx, snapshot, at) => {
    const metadata = how(snapshot.metadata);
    if (Object.keys(metadata).length > 128) throw invalid("Metadata may have at most 128 items");
    await setSnapshotMetadata(tx.sql, id, metadata, at);
    tx.event({
      action: "volume.snapshot.update",
      target: target(snapshot),
      detail: { metadata: Object.keys(metadata) },
    });
    return metadata;
  });

export const deleteSnapshot = (request: ApiRequest, id: string, force: boolean): Promise<void> =>
  change(request, id, async (tx, snapshot, at) => {
    if (snapshot.groupSnapshotId !== null) throw invalidSnapshot(`Snapshot ${id} must not be part of a group.`);
    if (!force && !["available", "error", "error_deleting"].includes(snapshot.status)) {
      throw invalidSnapshot(
        `Snapshot status must be available or error or error_deleting and Snapshot ${id} must not be part of a group.`,
      );
    }
    if ((await countUsers(tx.sql, { snapshotId: id })) > 0) {
      throw invalidSnapshot(`Snapshot ${id} is being used to create a volume.`);
    }
    await startSnapshotDeletion(tx, snapshot, at);
  });

/** The caller holds the volume. */
export async function startSnapshotDeletion(tx: Transaction, snapshot: Snapshot, at: Date): Promise<void> {
  const generation = await bumpGeneration(tx.sql, snapshot.volumeId);
  await setSnapshotStatus(tx.sql, snapshot.id, "deleting", at, { wanted: false, generation });
  tx.event({ action: "volume.snapshot.delete", target: target(snapshot), detail: { volume_id: snapshot.volumeId } });
  tx.enqueue(`volume/${snapshot.volumeId}`);
}

export const resetSnapshot = (
  request: ApiRequest,
  id: string,
  wanted: { status: SnapshotStatus; progress?: string },
): Promise<void> =>
  change(request, id, async (tx, snapshot, at) => {
    await setSnapshotStatus(
      tx.sql,
      id,
      wanted.status,
      at,
      wanted.progress === undefined ? {} : { progress: wanted.progress },
    );
    tx.event({ action: "volume.snapshot.reset", target: target(snapshot), detail: { status: wanted.status } });
  });

/** Cinder lets a driver say how far it is: from `creating` or `deleting` only, and only onwards. */
export const reportSnapshot = (
  request: ApiRequest,
  id: string,
  wanted: { status: string; progress: string | null },
): Promise<void> =>
  change(request, id, async (tx, snapshot, at) => {
    const onwards: { readonly [from: string]: readonly string[] } = {
      creating: ["creating", "available", "error"],
      deleting: ["deleting", "error_deleting"],
    };
    const allowed = onwards[snapshot.status];
    if (allowed === undefined) {
      throw invalid(`Snapshot status ${snapshot.status} not allowed for update_snapshot_status`);
    }
    if (!allowed.includes(wanted.status)) {
      throw invalid(
        `Provided snapshot status ${wanted.status} not allowed for snapshot with status ${snapshot.status}.`.slice(
          0,
          400,
        ),
      );
    }
    const progress =
      wanted.progress === null
        ? {}
        : { progress: wanted.progress.endsWith("%") ? wanted.progress : `${wanted.progress}%` };
    await setSnapshotStatus(tx.sql, id, wanted.status as SnapshotStatus, at, progress);
    tx.event({ action: "volume.snapshot.reset", target: target(snapshot), detail: { status: wanted.status } });
  });

/** The registry's way: it goes by itself, if its volume stays. */
export async function removeSnapshotForPurge(app: App, tx: Transaction, id: string): Promise<void> {
  const seen = await findSnapshot(tx.sql, id, null);
  if (seen === null) return;
  await lockVolume(tx.sql, seen.volumeId, null);
  const snapshot = await lockSnapshot(tx.sql, id, null);
  if (snapshot !== null && snapshot.status !== "deleting")
    await startSnapshotDeletion(tx, snapshot, new Date(app.clock.now()));
}
