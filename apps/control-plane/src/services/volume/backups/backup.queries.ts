/** Every statement on backups. */
import type { BackupReport } from "@andromede/agent-api/types";
import type { Queryable } from "@andromede/platform/db/database";

import type postgres from "postgres";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, containing, pageOf } from "../common/list.queries.ts";
import type { Backup, BackupStatus } from "./backup.model.ts";

/** `limit 1`: with `exists` the planner would read all parents of all projects. */
const columns = (sql: Queryable) => sql`
  b.id, b.project_id, b.user_id, b.volume_id, b.snapshot_id, b.parent_id, b.name, b.description, b.container, b.availability_zone, b.status,
  b.size_gib, b.metadata, b.fail_reason, b.key_id, b.data_timestamp, b.created_at, b.updated_at, b.task_since, b.deleting, b.imported,
  b.restoring_volume_id, b.pool, b.host, coalesce((select true from backup c where c.parent_id = b.id limit 1), false) as has_dependents, b.observed_state,
  b.observed_stored_bytes, b.observed_pieces, b.observed_progress, b.observed_fault`;

/** `projectId` null: whoever's. */
export async function findBackup(sql: Queryable, id: string, projectId: string | null): Promise<Backup | null> {
  const [row] = await sql<Backup[]>`
    select ${columns(sql)} from backup b where b.id = ${id} ${projectId === null ? sql`` : sql`and b.project_id = ${projectId}`}`;
  return row ?? null;
}

/** The same, held until the transaction ends. A statement of its own first: what is read is then as it is while held. */
export async function lockBackup(sql: Queryable, id: string, projectId: string | null): Promise<Backup | null> {
  const [, found] = await Promise.all([
    sql`select 1 from backup where id = ${id} for update`.execute(),
    findBackup(sql, id, projectId),
  ]);
  return found;
}

export async function findBackupKey(
  sql: Queryable,
  id: string,
): Promise<{ wrappedKey: Buffer; projectId: string } | null> {
  const [row] = await sql<
    { wrappedKey: Buffer; projectId: string }[]
  >`select wrapped_key, project_id from backup where id = ${id}`;
  return row ?? null;
}

/** The newest state of a volume that an incremental backup can follow; `before`: that its snapshot followed. */
export async function findParentId(
  sql: Queryable,
  wanted: { volumeId: string; projectId: string; before: Date | null },
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select id from backup where volume_id = ${wanted.volumeId} and project_id = ${wanted.projectId} and status = 'available' and not deleting
      ${wanted.before === null ? sql`` : sql`and data_timestamp < ${wanted.before}`}
    order by data_timestamp desc, id desc limit 1`;
  return row?.id ?? null;
}

export type NewBackup = Pick<
  Backup,
  | "id"
  | "projectId"
  | "userId"
  | "volumeId"
  | "snapshotId"
  | "parentId"
  | "name"
  | "description"
  | "container"
  | "availabilityZone"
  | "sizeGib"
  | "metadata"
  | "keyId"
  | "dataTimestamp"
  | "imported"
  | "pool"
> & { wrappedKey: Buffer };

export async function insertBackup(sql: postgres.ISql, row: NewBackup, at: Date): Promise<void> {
  await sql`
    insert into backup (id, project_id, user_id, volume_id, snapshot_id, parent_id, name, description, container, availability_zone, status,
      size_gib, metadata, wrapped_key, key_id, data_timestamp, imported, pool, created_at, task_since)
    values (${row.id}, ${row.projectId}, ${row.userId}, ${row.volumeId}, ${row.snapshotId}, ${row.parentId}, ${row.name}, ${row.description},
      ${row.container}, ${row.availabilityZone}, 'creating', ${row.sizeGib}, ${sql.json(row.metadata)}, ${row.wrappedKey}, ${row.keyId},
      ${row.dataTimestamp}, ${row.imported}, ${row.pool}, ${at}, ${at})`;
}

export async function setBackupFields(
  sql: postgres.ISql,
  id: string,
  fields: Pick<Backup, "name" | "description" | "metadata">,
  at: Date,
): Promise<void> {
  await sql`
    update backup set name = ${fields.name}, description = ${fields.description}, metadata = ${sql.json(fields.metadata)}, updated_at = ${at}
    where id = ${id}`;
}

export async function setBackupStatus(
  sql: Queryable,
  id: string,
  status: BackupStatus,
  at: Date,
  more: { failReason?: string | null; restoringVolumeId?: string | null; deleting?: boolean } = {},
): Promise<void> {
  await sql`
    update backup set status = ${status}, updated_at = ${at}, task_since = ${at},
      fail_reason = ${more.failReason === undefined ? sql`fail_reason` : more.failReason},
      restoring_volume_id = ${more.restoringVolumeId === undefined ? sql`restoring_volume_id` : more.restoringVolumeId},
      deleting = ${more.deleting === undefined ? sql`deleting` : more.deleting}
    where id = ${id}`;
}

/** The host whose agent makes it, written before it is asked: what it left half-made is removed there. */
export async function setBackupHost(sql: Queryable, id: string, host: string, pool: string | null): Promise<void> {
  await sql`
    update backup set host = ${host}, pool = coalesce(pool, ${pool}), observed_state = case when host = ${host} then observed_state end
    where id = ${id}`;
}

export async function deleteBackupRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from backup where id = ${id}`;
}

/** The volume that a backup was being restored to is done with it, well or badly. */
export async function setBackupRestored(sql: Queryable, volumeId: string, at: Date): Promise<void> {
  await sql`
    update backup set status = 'available', restoring_volume_id = null, updated_at = ${at}, task_since = ${at}
    where restoring_volume_id = ${volumeId} and status = 'restoring'`;
}

/** Backups for which a volume, or a snapshot, is being read. */
export async function countMaking(
  sql: Queryable,
  source: { volumeId: string } | { snapshotId: string },
): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from backup where status = 'creating' and not imported and ${
      "volumeId" in source
        ? sql`volume_id = ${source.volumeId} and snapshot_id is null`
        : sql`snapshot_id = ${source.snapshotId}`
    }`;
  return row?.n ?? 0;
}

/** What the resync looks at. */
export async function listUnsettledBackups(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from backup where deleting or status in ('creating', 'restoring')`;
  return rows.map(({ id }) => id);
}

/** The newest first: none before those that build on it. */
export async function listProjectBackupIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from backup where project_id = ${projectId} order by created_at desc, id desc`;
  return rows.map(({ id }) => id);
}

/** Takes in what agents say of backups that are being made; returns what changed. Whatever is new puts off the deadline. */
export async function storeBackupReports(
  sql: postgres.ISql,
  reports: readonly BackupReport[],
  nowMs: number,
): Promise<string[]> {
  if (reports.length === 0) return [];
  const said = reports.map(({ id, state, storedBytes, pieces, progress, fault }) => ({
    id,
    state,
    stored_bytes: storedBytes,
    pieces,
    progress,
    fault: fault ?? null,
  }));
  const rows = await sql<{ id: string }[]>`
    update backup b set observed_state = r.state, observed_stored_bytes = r.stored_bytes, observed_pieces = r.pieces,
      observed_progress = r.progress, observed_fault = r.fault, task_since = ${new Date(nowMs)}
    from jsonb_to_recordset(${sql.json(said)}) as r (id text, state text, stored_bytes bigint, pieces integer, progress integer, fault text)
    where b.id = r.id and b.status = 'creating' and not b.deleting
      and (b.observed_state, b.observed_stored_bytes, b.observed_pieces, b.observed_progress, b.observed_fault)
        is distinct from (r.state, r.stored_bytes, r.pieces, r.progress, r.fault)
    returning b.id`;
  return rows.map(({ id }) => id);
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  data_timestamp: { expression: "data_timestamp", type: "timestamptz" },
  display_name: { expression: "coalesce(name, '')", type: "text" },
  status: { expression: "status", type: "text" },
  id: { expression: 'id collate "C"', type: "text" },
  volume_id: { expression: "volume_id", type: "text" },
  size: { expression: "size_gib", type: "bigint" },
};
export const BACKUP_SORT_KEYS = Object.keys(COLUMNS);

export type BackupFilter = {
  name?: string | undefined;
  nameLike?: string | undefined;
  status?: string | undefined;
  statusLike?: string | undefined;
  volumeId?: string | undefined;
  id?: string | undefined;
};

function where(sql: postgres.ISql, projectId: string | null, filter: BackupFilter) {
  return sql`
    true ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}
    ${filter.name === undefined ? sql`` : sql`and name = ${filter.name}`}
    ${filter.nameLike === undefined ? sql`` : sql`and name ilike ${containing(filter.nameLike)}`}
    ${filter.status === undefined ? sql`` : sql`and status = ${filter.status}`}
    ${filter.statusLike === undefined ? sql`` : sql`and status ilike ${containing(filter.statusLike)}`}
    ${filter.volumeId === undefined ? sql`` : sql`and volume_id = ${filter.volumeId}`}
    ${filter.id === undefined ? sql`` : sql`and id = ${filter.id}`}`;
}

export async function listBackups(sql: postgres.ISql, list: ListRequest, filter: BackupFilter): Promise<Backup[]> {
  const { after, order } = await pageOf(sql, "backup", list, COLUMNS, (id) => `Backup ${id} could not be found.`);
  return sql<
    Backup[]
  >`select ${columns(sql)} from backup b where ${where(sql, list.projectId, filter)} ${after} ${order}`;
}

export async function countBackups(sql: postgres.ISql, list: ListRequest, filter: BackupFilter): Promise<number> {
  const [row] = await sql<
    { n: number }[]
  >`select count(*)::int as n from backup where ${where(sql, list.projectId, filter)}`;
  return row?.n ?? 0;
}
