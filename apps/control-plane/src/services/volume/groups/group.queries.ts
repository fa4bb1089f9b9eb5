/** Every statement on groups of volumes. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, containing, pageOf } from "../common/list.queries.ts";
import type { Group, GroupStatus } from "./group.model.ts";

const columns = (sql: Queryable) => sql`
  g.id, g.project_id, g.user_id, g.name, g.description, g.group_type_id, g.availability_zone, g.status, g.group_snapshot_id, g.source_group_id,
  g.created_at, g.updated_at,
  array(select m.volume_type_id from volume_group_volume_type m where m.group_id = g.id order by m.volume_type_id) as volume_type_ids`;

const scoped = (sql: Queryable, projectId: string | null) =>
  projectId === null ? sql`` : sql`and g.project_id = ${projectId}`;

/** `projectId` null: whoever's. */
export async function findGroup(sql: Queryable, id: string, projectId: string | null): Promise<Group | null> {
  const [row] = await sql<Group[]>`
    select ${columns(sql)} from volume_group g where g.id = ${id} ${scoped(sql, projectId)}`;
  return row ?? null;
}

/** The same, held until the transaction ends; its volumes are held after it. */
export async function lockGroup(sql: Queryable, id: string, projectId: string | null): Promise<Group | null> {
  const [, found] = await Promise.all([
    sql`select 1 from volume_group g where g.id = ${id} ${scoped(sql, projectId)} for update`.execute(),
    findGroup(sql, id, projectId),
  ]);
  return found;
}

/** The same for who adds a volume: several may at once, and none while somebody holds it. */
export async function shareGroup(sql: Queryable, id: string, projectId: string): Promise<Group | null> {
  const [, found] = await Promise.all([
    sql`select 1 from volume_group g where g.id = ${id} ${scoped(sql, projectId)} for share`.execute(),
    findGroup(sql, id, projectId),
  ]);
  return found;
}

export async function insertGroup(sql: Queryable, row: Group): Promise<void> {
  await Promise.all([
    sql`
      insert into volume_group (id, project_id, user_id, name, description, group_type_id, availability_zone, status, group_snapshot_id,
        source_group_id, created_at)
      values (${row.id}, ${row.projectId}, ${row.userId}, ${row.name}, ${row.description}, ${row.groupTypeId}, ${row.availabilityZone},
        ${row.status}, ${row.groupSnapshotId}, ${row.sourceGroupId}, ${row.createdAt})`.execute(),
    sql`
      insert into volume_group_volume_type (group_id, volume_type_id)
      select ${row.id}, id from unnest(${row.volumeTypeIds}::text[]) as id`.execute(),
  ]);
}

export async function setGroupNames(
  sql: Queryable,
  id: string,
  names: { name: string | null; description: string | null },
  at: Date,
): Promise<void> {
  await sql`
    update volume_group set name = ${names.name}, description = ${names.description}, updated_at = ${at} where id = ${id}`;
}

export async function setGroupStatus(sql: Queryable, id: string, status: GroupStatus, at: Date): Promise<void> {
  await sql`update volume_group set status = ${status}, updated_at = ${at} where id = ${id}`;
}

/** Volumes that come in, and volumes that go out with null. */
export async function setVolumesGroup(
  sql: Queryable,
  volumeIds: readonly string[],
  groupId: string | null,
  at: Date,
): Promise<void> {
  await sql`update volume set group_id = ${groupId}, updated_at = ${at} where id = any(${volumeIds})`;
}

export async function deleteGroupRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_group where id = ${id}`;
}

export type GroupVolume = { id: string; groupId: string; status: string };

/** The volumes of several groups, in the order in which they are held. */
export async function listGroupVolumes(sql: Queryable, groupIds: readonly string[]): Promise<GroupVolume[]> {
  return sql<GroupVolume[]>`
    select id, group_id, status from volume where group_id is not null and group_id = any(${groupIds}) order by id`;
}

/** Groups being made from this one or its snapshot, and snapshots there are of this one. */
export async function countGroupUses(
  sql: Queryable,
  of: { groupId: string } | { groupSnapshotId: string },
): Promise<{ copies: number; snapshots: number }> {
  const [row] =
    "groupId" in of
      ? await sql<{ copies: number; snapshots: number }[]>`
          select (select count(*) from volume_group where status = 'creating' and source_group_id = ${of.groupId})::int as copies,
            (select count(*) from volume_group_snapshot where group_id = ${of.groupId})::int as snapshots`
      : await sql<{ copies: number; snapshots: number }[]>`
          select count(*)::int as copies, 0 as snapshots from volume_group
          where status = 'creating' and group_snapshot_id = ${of.groupSnapshotId}`;
  return row ?? { copies: 0, snapshots: 0 };
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  display_name: { expression: "coalesce(name, '')", type: "text" },
  status: { expression: "status", type: "text" },
  id: { expression: 'id collate "C"', type: "text" },
  group_type_id: { expression: 'group_type_id collate "C"', type: "text" },
};
export const GROUP_SORT_KEYS = Object.keys(COLUMNS);

export type GroupFilter = {
  name?: string;
  nameLike?: string;
  status?: string;
  availabilityZone?: string;
  groupTypeId?: string;
};

export async function listGroups(sql: postgres.ISql, list: ListRequest, filter: GroupFilter): Promise<Group[]> {
  const { after, order } = await pageOf(sql, "volume_group", list, COLUMNS, (id) => `Group ${id} could not be found.`);
  return sql<Group[]>`
    select ${columns(sql)} from volume_group g
    where true ${scoped(sql, list.projectId)}
      ${filter.name === undefined ? sql`` : sql`and name = ${filter.name}`}
      ${filter.nameLike === undefined ? sql`` : sql`and name ilike ${containing(filter.nameLike)}`}
      ${filter.status === undefined ? sql`` : sql`and status = ${filter.status}`}
      ${filter.availabilityZone === undefined ? sql`` : sql`and availability_zone = ${filter.availabilityZone}`}
      ${filter.groupTypeId === undefined ? sql`` : sql`and group_type_id = ${filter.groupTypeId}`} ${after} ${order}`;
}

export async function listProjectGroupIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume_group where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}

/** What the resync looks at. */
export async function listUnsettledGroups(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from volume_group where status in ('creating', 'deleting')`;
  return rows.map(({ id }) => id);
}
