/** Every statement on snapshots. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, containing, pageOf } from "../common/list.queries.ts";
import type { Snapshot, SnapshotStatus } from "./snapshot.model.ts";

const columns = (sql: Queryable) => sql`
  id, project_id, user_id, volume_id, group_snapshot_id, name, description, status, size_gib, progress, metadata, consumes_quota, created_at,
  updated_at, wanted, generation, task_since`;

export async function findSnapshot(sql: Queryable, id: string, projectId: string | null): Promise<Snapshot | null> {
  const [row] = await sql<Snapshot[]>`
    select ${columns(sql)} from snapshot where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}`;
  return row ?? null;
}

/** The same, held until the transaction ends. The volume's row is held before (0006-volume.sql). */
export async function lockSnapshot(sql: Queryable, id: string, projectId: string | null): Promise<Snapshot | null> {
  const [row] = await sql<Snapshot[]>`
    select ${columns(sql)} from snapshot
    where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`} for update`;
  return row ?? null;
}

/** All of a volume, the newest first. */
export async function listVolumeSnapshots(sql: Queryable, volumeId: string): Promise<Snapshot[]> {
  return sql<
    Snapshot[]
  >`select ${columns(sql)} from snapshot where volume_id = ${volumeId} order by created_at desc, id desc`;
}

export type GroupSnapshotPart = { id: string; volumeId: string; status: SnapshotStatus; sizeGib: number };

/** What a snapshot of a group consists of, in the order in which their volumes are held. */
export async function listGroupSnapshotParts(sql: Queryable, groupSnapshotId: string): Promise<GroupSnapshotPart[]> {
  return sql<GroupSnapshotPart[]>`
    select id, volume_id, status, size_gib from snapshot where group_snapshot_id = ${groupSnapshotId} order by volume_id, id`;
}

export type NewSnapshot = Pick<
  Snapshot,
  | "id"
  | "projectId"
  | "userId"
  | "volumeId"
  | "groupSnapshotId"
  | "name"
  | "description"
  | "sizeGib"
  | "metadata"
  | "generation"
>;

export async function insertSnapshot(sql: postgres.ISql, row: NewSnapshot, at: Date): Promise<void> {
  await sql`
    insert into snapshot (id, project_id, user_id, volume_id, group_snapshot_id, name, description, status, size_gib, metadata,
      created_at, generation, task_since)
    values (${row.id}, ${row.projectId}, ${row.userId}, ${row.volumeId}, ${row.groupSnapshotId}, ${row.name}, ${row.description}, 'creating', ${row.sizeGib},
      ${sql.json(row.metadata)}, ${at}, ${row.generation}, ${at})`;
}

export async function setSnapshotNames(
  sql: Queryable,
  id: string,
  names: { name: string | null; description: string | null },
  at: Date,
): Promise<void> {
  await sql`update snapshot set name = ${names.name}, description = ${names.description}, updated_at = ${at} where id = ${id}`;
}

export async function setSnapshotMetadata(
  sql: postgres.ISql,
  id: string,
  metadata: { [key: string]: string },
  at: Date,
): Promise<void> {
  await sql`update snapshot set metadata = ${sql.json(metadata)}, updated_at = ${at} where id = ${id}`;
}

export async function setSnapshotStatus(
  sql: Queryable,
  id: string,
  status: SnapshotStatus,
  at: Date,
  more: { progress?: string; wanted?: boolean; generation?: number } = {},
): Promise<void> {
  await sql`
    update snapshot set status = ${status}, updated_at = ${at}, task_since = ${at},
      progress = ${more.progress === undefined ? sql`progress` : more.progress},
      wanted = ${more.wanted === undefined ? sql`wanted` : more.wanted},
      generation = ${more.generation === undefined ? sql`generation` : more.generation}
    where id = ${id}`;
}

/** All of a volume that goes with them. */
export async function setSnapshotsDeleting(sql: Queryable, volumeId: string, at: Date): Promise<void> {
  await sql`
    update snapshot set status = 'deleting', wanted = false, updated_at = ${at}, task_since = ${at} where volume_id = ${volumeId}`;
}

export async function deleteSnapshotRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from snapshot where id = ${id}`;
}

export async function deleteSnapshotsOf(sql: Queryable, volumeId: string): Promise<void> {
  await sql`delete from snapshot where volume_id = ${volumeId}`;
}

/** A volume's snapshots change hands with it. */
export async function setSnapshotsOwner(
  sql: Queryable,
  volumeId: string,
  owner: { projectId: string; userId: string },
): Promise<void> {
  await sql`update snapshot set project_id = ${owner.projectId}, user_id = ${owner.userId} where volume_id = ${volumeId}`;
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  display_name: { expression: "coalesce(name, '')", type: "text" },
  status: { expression: "status", type: "text" },
  id: { expression: 'id collate "C"', type: "text" },
  volume_id: { expression: "volume_id", type: "text" },
  volume_size: { expression: "size_gib", type: "bigint" },
};
export const SNAPSHOT_SORT_KEYS = Object.keys(COLUMNS);

export type SnapshotFilter = {
  name?: string;
  nameLike?: string;
  status?: string;
  statusLike?: string;
  volumeId?: string;
  metadata?: { [key: string]: string };
  consumesQuota?: boolean;
  id?: string;
};

function where(sql: postgres.ISql, projectId: string | null, filter: SnapshotFilter) {
  return sql`
    true ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}
    ${filter.name === undefined ? sql`` : sql`and name = ${filter.name}`}
    ${filter.nameLike === undefined ? sql`` : sql`and name ilike ${containing(filter.nameLike)}`}
    ${filter.status === undefined ? sql`` : sql`and status = ${filter.status}`}
    ${filter.statusLike === undefined ? sql`` : sql`and status ilike ${containing(filter.statusLike)}`}
    ${filter.volumeId === undefined ? sql`` : sql`and volume_id = ${filter.volumeId}`}
    ${filter.metadata === undefined ? sql`` : sql`and metadata @> ${sql.json(filter.metadata)}`}
    ${filter.consumesQuota === undefined ? sql`` : sql`and consumes_quota = ${filter.consumesQuota}`}
    ${filter.id === undefined ? sql`` : sql`and id = ${filter.id}`}`;
}

export async function listSnapshots(
  sql: postgres.ISql,
  list: ListRequest,
  filter: SnapshotFilter,
): Promise<Snapshot[]> {
  const { after, order } = await pageOf(sql, "snapshot", list, COLUMNS, (id) => `Snapshot ${id} could not be found.`);
  return sql<
    Snapshot[]
  >`select ${columns(sql)} from snapshot where ${where(sql, list.projectId, filter)} ${after} ${order}`;
}

export async function countSnapshots(sql: postgres.ISql, list: ListRequest, filter: SnapshotFilter): Promise<number> {
  const [row] = await sql<
    { n: number }[]
  >`select count(*)::int as n from snapshot where ${where(sql, list.projectId, filter)}`;
  return row?.n ?? 0;
}

export async function listProjectSnapshotIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from snapshot where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}
