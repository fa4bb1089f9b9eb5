/** New groups: empty ones, and copies of a group or of a group's snapshot, volume by volume, all in ONE transaction. */
import { invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin, projectOf, scopeOf } from "../common/actor.ts";
import { isPartOfOneMoment, isReplicated } from "../group-types/group-type.model.ts";
import { findGroupType } from "../group-types/group-type.queries.ts";
import { lockGroupSnapshot } from "../group-snapshots/group-snapshot.queries.ts";
import { listZones } from "../hosts/host.queries.ts";
import { takeQuota } from "../quotas/take-quota.ts";
import { listGroupSnapshotParts } from "../snapshots/snapshot.queries.ts";
import { findType } from "../types/type.queries.ts";
import { addVolume } from "../volumes/create-volume.ts";
import { findVolume, lockVolume } from "../volumes/volume.queries.ts";
import { type Group, groupTarget, invalidGroup } from "./group.model.ts";
import { findGroup, insertGroup, listGroupVolumes, lockGroup } from "./group.queries.ts";
import { noGroup } from "./place-in-group.ts";

export type CreateGroup = {
  name: string | null;
  description: string | null;
  /** Ids or names. */
  groupType: string;
  volumeTypes: string[];
  zone: string | null;
};

export async function createGroup(request: ApiRequest, wanted: CreateGroup): Promise<Group> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const type = await findGroupType(tx.sql, wanted.groupType, { onlyPublic: !asksAsAdmin(request), orName: true });
    if (type === null) throw notFound(`Group type ${wanted.groupType} could not be found.`.slice(0, 400));
    if (isPartOfOneMoment(type) || isReplicated(type)) {
      throw invalid(
        `Invalid group type: ${type.name} asks for what no storage here does: snapshots of several volumes at one moment, or replication.`,
      );
    }
    const volumeTypeIds = await typeIds(tx.sql, request, wanted.volumeTypes);
    return addGroup(request, tx, {
      name: wanted.name,
      description: wanted.description,
      groupTypeId: type.id,
      availabilityZone: await zoneOf(tx.sql, wanted.zone),
      // there is nothing to make for a group without volumes
      status: "available",
      groupSnapshotId: null,
      sourceGroupId: null,
      volumeTypeIds,
    });
  });
}

async function typeIds(sql: Queryable, request: ApiRequest, names: readonly string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const name of names) {
    const type = await findType(sql, name, scopeOf(request), true);
    if (type === null) throw notFound(`Volume type ${name} could not be found.`.slice(0, 400));
    ids.add(type.id);
  }
  return [...ids].toSorted();
}

async function zoneOf(sql: Queryable, asked: string | null): Promise<string> {
  const zones = (await listZones(sql)).map(({ zone }) => zone);
  const zone = asked ?? zones[0] ?? "nova";
  const exists = zones.length === 0 ? zone === "nova" : zones.includes(zone);
  if (!exists) throw invalid(`Invalid input received: Availability zone '${zone.slice(0, 255)}' is invalid.`);
  return zone;
}

type NewGroup = Omit<Group, "id" | "projectId" | "userId" | "createdAt" | "updatedAt">;

/** A customer's quota, the row, the event. */
async function addGroup(request: ApiRequest, tx: Transaction, wanted: NewGroup): Promise<Group> {
  const group: Group = {
    ...wanted,
    id: newUuid(),
    projectId: projectOf(request),
    userId: request.actor.userId,
    createdAt: new Date(request.app.clock.now()),
    updatedAt: null,
  };
  await takeQuota(tx, group.projectId, { groups: 1 });
  await insertGroup(tx.sql, group);
  const { name, groupTypeId, groupSnapshotId, sourceGroupId } = group;
  tx.event({
    action: "volume.group.create",
    target: groupTarget(group),
    detail: { name, group_type_id: groupTypeId, group_snapshot_id: groupSnapshotId, source_group_id: sourceGroupId },
  });
  return group;
}

/** What one volume of the new group is made from. */
type Part = {
  name: string | null;
  typeId: string;
  sizeGib: number;
  snapshotId: string | null;
  volumeId: string | null;
};
type Source = { group: Group; parts: Part[]; groupSnapshotId: string | null; sourceGroupId: string | null };

/** Microversion 3.14: from a snapshot of a group, or from a group; each volume as `POST /volumes` would copy it. */
export async function copyGroup(
  request: ApiRequest,
  wanted: { name: string | null; description: string | null; from: { groupSnapshotId: string } | { groupId: string } },
): Promise<Group> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const { from } = wanted;
    const { group, parts, ...origins } =
      "groupId" in from
        ? await partsOfGroup(tx.sql, request, from.groupId)
        : await partsOfSnapshot(tx.sql, request, from.groupSnapshotId);
    const made = await addGroup(request, tx, {
      ...origins,
      name: wanted.name,
      description: wanted.description,
      groupTypeId: group.groupTypeId,
      availabilityZone: group.availabilityZone,
      status: "creating",
      // a volume that has left the group since may be of a type that is not among the group's
      volumeTypeIds: [...new Set([...group.volumeTypeIds, ...parts.map(({ typeId }) => typeId)])].toSorted(),
    });
    for (const part of parts) await addPart(request, tx, made, part);
    tx.enqueue(`volume_group/${made.id}`);
    return made;
  });
}

async function partsOfGroup(sql: Queryable, request: ApiRequest, id: string): Promise<Source> {
  const group = await lockGroup(sql, id, scopeOf(request));
  if (group === null) throw noGroup(id);
  if (group.status !== "available") throw invalidGroup("Source Group status must be available.");
  const parts: Part[] = [];
  for (const { id: volumeId } of await listGroupVolumes(sql, [id])) {
    const volume = await lockVolume(sql, volumeId, null);
    if (volume === null) continue;
    const { name, volumeTypeId: typeId, sizeGib } = volume;
    parts.push({ name, typeId, sizeGib, snapshotId: null, volumeId });
  }
  if (parts.length === 0) throw invalidGroup("Source Group is empty. No group will be created.");
  return { group, parts, groupSnapshotId: null, sourceGroupId: id };
}

async function partsOfSnapshot(sql: Queryable, request: ApiRequest, id: string): Promise<Source> {
  const snapshot = await lockGroupSnapshot(sql, id, scopeOf(request));
  if (snapshot === null) throw notFound(`GroupSnapshot ${id} could not be found.`.slice(0, 400));
  if (snapshot.status !== "available") throw invalidGroup("Source group snapshot status must be available.");
  const group = await findGroup(sql, snapshot.groupId, null);
  if (group === null) throw noGroup(snapshot.groupId);
  const parts: Part[] = [];
  for (const { id: snapshotId, volumeId, sizeGib } of await listGroupSnapshotParts(sql, id)) {
    const volume = await findVolume(sql, volumeId, null);
    if (volume !== null) {
      parts.push({ name: volume.name, typeId: volume.volumeTypeId, sizeGib, snapshotId, volumeId: null });
    }
  }
  if (parts.length === 0) throw invalidGroup("Group snapshot is empty. No group will be created.");
  return { group, parts, groupSnapshotId: id, sourceGroupId: null };
}

function addPart(request: ApiRequest, tx: Transaction, group: Group, part: Part): Promise<string> {
  return addVolume(
    request.app,
    tx,
    {
      name: part.name,
      description: null,
      sizeGib: part.sizeGib,
      typeName: part.typeId,
      zone: group.availabilityZone,
      metadata: {},
      imageId: null,
      snapshotId: part.snapshotId,
      sourceVolumeId: part.volumeId,
      backupId: null,
      groupId: group.id,
    },
    // a type that the project may no longer use is that of the volumes all the same
    { projectId: group.projectId, userId: group.userId, scope: null, isAdmin: true, image: null },
  );
}
