/** Every statement on offers of volumes. */
import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, pageOf } from "../common/list.queries.ts";

export type Transfer = {
  id: string;
  volumeId: string;
  projectId: string;
  name: string | null;
  salt: string;
  secretHash: string;
  noSnapshots: boolean;
  destinationProjectId: string | null;
  createdAt: Date;
};

const columns = (sql: Queryable) => sql`
  id, volume_id, project_id, name, salt, secret_hash, no_snapshots, destination_project_id, created_at`;

export async function insertTransfer(sql: Queryable, row: Transfer): Promise<void> {
  await sql`
    insert into volume_transfer (id, volume_id, project_id, name, salt, secret_hash, no_snapshots, created_at)
    values (${row.id}, ${row.volumeId}, ${row.projectId}, ${row.name}, ${row.salt}, ${row.secretHash}, ${row.noSnapshots}, ${row.createdAt})`;
}

/** `projectId` null: whoever's. */
export async function findTransfer(sql: Queryable, id: string, projectId: string | null): Promise<Transfer | null> {
  const [row] = await sql<Transfer[]>`
    select ${columns(sql)} from volume_transfer where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}`;
  return row ?? null;
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  id: { expression: 'id collate "C"', type: "text" },
  display_name: { expression: "coalesce(name, '')", type: "text" },
};
export const TRANSFER_SORT_KEYS = Object.keys(COLUMNS);

export async function listTransfers(
  sql: Queryable,
  list: ListRequest,
  filter: { name?: string; volumeId?: string },
): Promise<Transfer[]> {
  const { after, order } = await pageOf(
    sql,
    "volume_transfer",
    list,
    COLUMNS,
    (id) => `Transfer ${id} could not be found.`,
  );
  return sql<Transfer[]>`
    select ${columns(sql)} from volume_transfer
    where true ${list.projectId === null ? sql`` : sql`and project_id = ${list.projectId}`}
      ${filter.name === undefined ? sql`` : sql`and name = ${filter.name}`}
      ${filter.volumeId === undefined ? sql`` : sql`and volume_id = ${filter.volumeId}`} ${after} ${order}`;
}

export async function deleteTransferRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_transfer where id = ${id}`;
}

export async function listProjectTransfers(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume_transfer where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}
