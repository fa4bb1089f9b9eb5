/** Every statement on snapshots of groups. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, containing, pageOf } from "../common/list.queries.ts";
import type { GroupSnapshot, GroupStatus } from "../groups/group.model.ts";

const columns = (sql: Queryable) =>
  sql`id, project_id, user_id, group_id, group_type_id, name, description, status, created_at, updated_at`;

const scoped = (sql: Queryable, projectId: string | null) =>
  projectId === null ? sql`` : sql`and project_id = ${projectId}`;

/** `projectId` null: whoever's. */
export async function findGroupSnapshot(
  sql: Queryable,
  id: string,
  projectId: string | null,
): Promise<GroupSnapshot | null> {
  const [row] = await sql<GroupSnapshot[]>`
    select ${columns(sql)} from volume_group_snapshot where id = ${id} ${scoped(sql, projectId)}`;
  return row ?? null;
}

/** The same, held until the transaction ends; the volumes are held after it. */
export async function lockGroupSnapshot(
  sql: Queryable,
  id: string,
  projectId: string | null,
): Promise<GroupSnapshot | null> {
  const [row] = await sql<GroupSnapshot[]>`
    select ${columns(sql)} from volume_group_snapshot where id = ${id} ${scoped(sql, projectId)} for update`;
  return row ?? null;
}

export async function insertGroupSnapshot(sql: Queryable, row: GroupSnapshot): Promise<void> {
  await sql`
    insert into volume_group_snapshot (id, project_id, user_id, group_id, group_type_id, name, description, status, created_at)
    values (${row.id}, ${row.projectId}, ${row.userId}, ${row.groupId}, ${row.groupTypeId}, ${row.name}, ${row.description}, ${row.status},
      ${row.createdAt})`;
}

export async function setGroupSnapshotStatus(sql: Queryable, id: string, status: GroupStatus, at: Date): Promise<void> {
  await sql`update volume_group_snapshot set status = ${status}, updated_at = ${at} where id = ${id}`;
}

export async function deleteGroupSnapshotRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_group_snapshot where id = ${id}`;
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  display_name: { expression: "coalesce(name, '')", type: "text" },
  status: { expression: "status", type: "text" },
  id: { expression: 'id collate "C"', type: "text" },
  group_id: { expression: 'group_id collate "C"', type: "text" },
  group_type_id: { expression: 'group_type_id collate "C"', type: "text" },
};
export const GROUP_SNAPSHOT_SORT_KEYS = Object.keys(COLUMNS);

export async function listGroupSnapshots(
  sql: postgres.ISql,
  list: ListRequest,
  filter: { name?: string; nameLike?: string; status?: string; groupId?: string },
): Promise<GroupSnapshot[]> {
  const { after, order } = await pageOf(
    sql,
    "volume_group_snapshot",
    list,
    COLUMNS,
    (id) => `GroupSnapshot ${id} could not be found.`,
  );
  return sql<GroupSnapshot[]>`
    select ${columns(sql)} from volume_group_snapshot
    where true ${scoped(sql, list.projectId)}
      ${filter.name === undefined ? sql`` : sql`and name = ${filter.name}`}
      ${filter.nameLike === undefined ? sql`` : sql`and name ilike ${containing(filter.nameLike)}`}
      ${filter.status === undefined ? sql`` : sql`and status = ${filter.status}`}
      ${filter.groupId === undefined ? sql`` : sql`and group_id = ${filter.groupId}`} ${after} ${order}`;
}

export async function listProjectGroupSnapshotIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume_group_snapshot where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}

/** What the resync looks at. */
export async function listUnsettledGroupSnapshots(sql: Queryable): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume_group_snapshot where status in ('creating', 'deleting')`;
  return rows.map(({ id }) => id);
}
