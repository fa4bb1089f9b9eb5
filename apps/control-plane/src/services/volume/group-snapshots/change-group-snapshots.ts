/** Snapshots of all volumes of a group: made, set right by an operator, removed. Each volume's is one like any other. */
import { notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import type { Filters, ListRequest } from "../common/list-request.ts";
import {
  type GroupSnapshot,
  type GroupStatus,
  groupSnapshotTarget,
  invalidGroup,
  invalidGroupSnapshot,
} from "../groups/group.model.ts";
import { countGroupUses, listGroupVolumes, lockGroup } from "../groups/group.queries.ts";
import { noGroup } from "../groups/place-in-group.ts";
import { startSnapshotDeletion } from "../snapshots/change-snapshots.ts";
import { addSnapshot, checkMaySnapshot } from "../snapshots/create-snapshot.ts";
import { listGroupSnapshotParts, lockSnapshot } from "../snapshots/snapshot.queries.ts";
import { countUsers, lockVolume } from "../volumes/volume.queries.ts";
import {
  GROUP_SNAPSHOT_SORT_KEYS,
  findGroupSnapshot,
  insertGroupSnapshot,
  listGroupSnapshots,
  lockGroupSnapshot,
  setGroupSnapshotStatus,
} from "./group-snapshot.queries.ts";

export const GROUP_SNAPSHOT_SORTS = GROUP_SNAPSHOT_SORT_KEYS;

const noGroupSnapshot = (id: string) => notFound(`GroupSnapshot ${id} could not be found.`.slice(0, 400));

export async function getGroupSnapshot(request: ApiRequest, id: string): Promise<GroupSnapshot> {
  const snapshot = await findGroupSnapshot(request.app.db, id, scopeOf(request));
  if (snapshot === null) throw noGroupSnapshot(id);
  return snapshot;
}

export const readGroupSnapshots = (
  request: ApiRequest,
  list: ListRequest,
  { name, status, group_id: groupId, "name~": nameLike }: Filters,
): Promise<GroupSnapshot[]> =>
  listGroupSnapshots(request.app.db, list, {
    ...(name === undefined ? {} : { name }),
    ...(nameLike === undefined ? {} : { nameLike }),
    ...(status === undefined ? {} : { status }),
    ...(groupId === undefined ? {} : { groupId }),
  });

export async function createGroupSnapshot(
  request: ApiRequest,
  wanted: { groupId: string; name: string | null; description: string | null },
): Promise<GroupSnapshot> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const group = await lockGroup(tx.sql, wanted.groupId, scopeOf(request));
    if (group === null) throw noGroup(wanted.groupId);
    if (group.status === "deleting") throw invalidGroup("Group status must be available.");
    const snapshot: GroupSnapshot = {
      id: newUuid(),
      projectId: group.projectId,
      userId: request.actor.userId,
      groupId: group.id,
      groupTypeId: group.groupTypeId,
      name: wanted.name,
      description: wanted.description,
      status: "creating",
      createdAt: new Date(app.clock.now()),
      updatedAt: null,
    };
    await insertGroupSnapshot(tx.sql, snapshot);
    await snapshotAll(app, tx, snapshot);
    tx.event({
      action: "volume.group_snapshot.create",
      target: groupSnapshotTarget(snapshot),
      detail: { name: wanted.name, group_id: group.id },
    });
    tx.enqueue(`volume_group_snapshot/${snapshot.id}`);
    return snapshot;
  });
}

/** All of them or none: the first volume that cannot have one refuses the whole. */
async function snapshotAll(app: App, tx: Transaction, snapshot: GroupSnapshot): Promise<void> {
  for (const { id } of await listGroupVolumes(tx.sql, [snapshot.groupId])) {
    const volume = await lockVolume(tx.sql, id, null);
    if (volume === null) continue;
    checkMaySnapshot(volume, true);
    const { id: groupSnapshotId, name, description, projectId, userId } = snapshot;
    await addSnapshot(app, tx, volume, { name, description, projectId, userId, metadata: {}, groupSnapshotId });
  }
}

function change(
  request: ApiRequest,
  id: string,
  work: (tx: Transaction, snapshot: GroupSnapshot, at: Date) => Promise<void>,
): Promise<void> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const snapshot = await lockGroupSnapshot(tx.sql, id, scopeOf(request));
    if (snapshot === null) throw noGroupSnapshot(id);
    await work(tx, snapshot, new Date(app.clock.now()));
  });
}

export const deleteGroupSnapshot = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, snapshot, at) => {
    const { copies } = await countGroupUses(tx.sql, { groupSnapshotId: id });
    if (copies > 0 || !["available", "error", "error_deleting"].includes(snapshot.status)) {
      throw invalidGroupSnapshot(
        "GroupSnapshot status must be available or error, and no Group can be currently using it as source for its creation.",
      );
    }
    for (const part of await listGroupSnapshotParts(tx.sql, id)) {
      if ((await countUsers(tx.sql, { snapshotId: part.id })) > 0) {
        throw invalidGroupSnapshot(`Snapshot ${part.id} is being used to create a volume.`);
      }
    }
    await startGroupSnapshotDeletion(tx, snapshot, at);
  });

/** The caller holds it. The row goes when the last of its snapshots is gone. */
async function startGroupSnapshotDeletion(tx: Transaction, snapshot: GroupSnapshot, at: Date): Promise<void> {
  for (const part of await listGroupSnapshotParts(tx.sql, snapshot.id)) {
    await lockVolume(tx.sql, part.volumeId, null);
    const held = await lockSnapshot(tx.sql, part.id, null);
    if (held !== null && held.status !== "deleting") await startSnapshotDeletion(tx, held, at);
  }
  await setGroupSnapshotStatus(tx.sql, snapshot.id, "deleting", at);
  tx.event({ action: "volume.group_snapshot.delete", target: groupSnapshotTarget(snapshot) });
  tx.enqueue(`volume_group_snapshot/${snapshot.id}`);
}

export const resetGroupSnapshot = (request: ApiRequest, id: string, status: GroupStatus): Promise<void> =>
  change(request, id, async (tx, snapshot, at) => {
    await setGroupSnapshotStatus(tx.sql, id, status, at);
    tx.event({ action: "volume.group_snapshot.reset", target: groupSnapshotTarget(snapshot), detail: { status } });
  });

/** The registry's way. */
export async function removeGroupSnapshotForPurge(app: App, tx: Transaction, id: string): Promise<void> {
  const snapshot = await lockGroupSnapshot(tx.sql, id, null);
  if (snapshot === null || snapshot.status === "deleting") return;
  await startGroupSnapshotDeletion(tx, snapshot, new Date(app.clock.now()));
}
