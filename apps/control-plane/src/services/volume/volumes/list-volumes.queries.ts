/** Lists of volumes: one statement each. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ListRequest } from "../common/list-request.ts";
import { type Fragment, type SortColumn, containing, pageOf } from "../common/list.queries.ts";
import type { Volume } from "./volume.model.ts";
import { volumeColumns } from "./volume.queries.ts";

export type TimeBound = { operator: "gt" | "gte" | "eq" | "neq" | "lt" | "lte"; at: Date };

export type VolumeFilter = {
  name?: string;
  nameLike?: string;
  status?: string;
  statusLike?: string;
  metadata?: { [key: string]: string };
  imageMetadata?: { [key: string]: string };
  bootable?: boolean;
  migrationStatus?: string;
  availabilityZone?: string;
  groupId?: string;
  sizeGib?: number;
  volumeTypeId?: string;
  consumesQuota?: boolean;
  id?: string;
  userId?: string;
  host?: string;
  multiattach?: boolean;
  createdAt?: TimeBound[];
  updatedAt?: TimeBound[];
};

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  display_name: { expression: "coalesce(name, '')", type: "text" },
  status: { expression: "status", type: "text" },
  size: { expression: "size_gib", type: "bigint" },
  bootable: { expression: "bootable", type: "boolean" },
  availability_zone: { expression: "availability_zone", type: "text" },
  id: { expression: 'id collate "C"', type: "text" },
  host: { expression: "coalesce(pool, '')", type: "text" },
  volume_type_id: { expression: "volume_type_id", type: "text" },
  user_id: { expression: "user_id", type: "text" },
  project_id: { expression: "project_id", type: "text" },
};
export const VOLUME_SORT_KEYS = Object.keys(COLUMNS);

const time = (sql: Queryable, column: Fragment, bounds: TimeBound[] | undefined): Fragment =>
  (bounds ?? []).reduce(
    (all, { operator, at }) => {
      const compared = {
        gt: sql`${column} > ${at}`,
        gte: sql`${column} >= ${at}`,
        eq: sql`${column} = ${at}`,
        neq: sql`${column} <> ${at}`,
        lt: sql`${column} < ${at}`,
        lte: sql`${column} <= ${at}`,
      }[operator];
      return sql`${all} and ${compared}`;
    },
    sql``,
  );

function where(sql: postgres.ISql, projectId: string | null, filter: VolumeFilter): Fragment {
  const is = (column: Fragment, value: string | number | boolean | undefined): Fragment =>
    value === undefined ? sql`` : sql`and ${column} = ${value}`;
  const like = (column: Fragment, value: string | undefined): Fragment =>
    value === undefined ? sql`` : sql`and ${column} ilike ${containing(value)}`;
  const holds = (column: Fragment, value: object | undefined): Fragment =>
    value === undefined ? sql`` : sql`and ${column} @> ${sql.json(value as postgres.JSONValue)}`;
  return sql`
    true ${is(sql`project_id`, projectId ?? undefined)} ${is(sql`name`, filter.name)} ${like(sql`name`, filter.nameLike)}
    ${is(sql`status`, filter.status)} ${like(sql`status`, filter.statusLike)} ${holds(sql`metadata`, filter.metadata)}
    ${holds(sql`image_metadata`, filter.imageMetadata)} ${is(sql`bootable`, filter.bootable)}
    ${is(sql`migration_status`, filter.migrationStatus)} ${is(sql`availability_zone`, filter.availabilityZone)}
    ${is(sql`group_id`, filter.groupId)} ${is(sql`size_gib`, filter.sizeGib)} ${is(sql`volume_type_id`, filter.volumeTypeId)}
    ${is(sql`consumes_quota`, filter.consumesQuota)} ${is(sql`id`, filter.id)} ${is(sql`user_id`, filter.userId)}
    ${is(sql`pool`, filter.host)} ${is(sql`multiattach`, filter.multiattach)}
    ${time(sql, sql`created_at`, filter.createdAt)} ${time(sql, sql`updated_at`, filter.updatedAt)}`;
}

const missing = (marker: string): string => `Volume ${marker} could not be found.`;

export async function listVolumes(sql: postgres.ISql, list: ListRequest, filter: VolumeFilter): Promise<Volume[]> {
  const { after, order } = await pageOf(sql, "volume", list, COLUMNS, missing);
  // the page first, then what hangs on its rows; the page's own order is kept by its number
  return sql<Volume[]>`
    with page as materialized (
      select *, row_number() over () as place from (
        select * from volume where ${where(sql, list.projectId, filter)} ${after} ${order}) as p)
    select ${volumeColumns(sql)} from page v join volume_type t on t.id = v.volume_type_id order by v.place`;
}

export async function countVolumes(sql: postgres.ISql, list: ListRequest, filter: VolumeFilter): Promise<number> {
  const [row] = await sql<
    { n: number }[]
  >`select count(*)::int as n from volume where ${where(sql, list.projectId, filter)}`;
  return row?.n ?? 0;
}

/** Totals, and every value that each metadata key has. */
export async function summarizeVolumes(
  sql: postgres.ISql,
  projectId: string | null,
  filter: VolumeFilter,
): Promise<{ count: number; sizeGib: number; metadata: { [key: string]: string[] } }> {
  const [row] = await sql<{ count: number; sizeGib: number; metadata: { [key: string]: string[] } | null }[]>`
    with found as (select size_gib, metadata from volume where ${where(sql, projectId, filter)}),
      pairs as (select m.key, jsonb_agg(distinct m.value) as values from found, jsonb_each(found.metadata) m group by m.key)
    select (select count(*)::int from found) as count, (select coalesce(sum(size_gib), 0)::bigint from found) as size_gib,
      (select jsonb_object_agg(key, values) from pairs) as metadata`;
  return { count: row?.count ?? 0, sizeGib: row?.sizeGib ?? 0, metadata: row?.metadata ?? {} };
}
