/** Moves of servers between hosts and flavors, as Nova lists them. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Migration, MigrationFilter } from "./migration.model.ts";

/** Newest first. Null: there is no migration `marker`. */
export async function listMigrations(
  sql: Queryable,
  page: MigrationFilter & { limit: number; marker?: string },
): Promise<Migration[] | null> {
  let before: number | null = null;
  if (page.marker !== undefined) {
    const [row] = await sql<{ id: number }[]>`select id from server_migration where uuid = ${page.marker}`;
    if (row === undefined) return null;
    before = row.id;
  }
  const { equal } = page;
  const is = (column: string, value: string | undefined) =>
    value === undefined ? sql`` : sql`and ${sql(column)} = ${value}`;
  return sql<Migration[]>`
    select m.id, m.uuid, m.server_id, s.project_id, m.user_id, m.kind, m.status, m.source_host, m.dest_host, m.old_flavor_id, m.new_flavor_id,
      m.created_at, m.updated_at, coalesce(o.number, 0)::integer as old_flavor_number, coalesce(n.number, 0)::integer as new_flavor_number
    from server_migration m join server s on s.id = m.server_id
      left join flavor o on o.id = m.old_flavor_id left join flavor n on n.id = m.new_flavor_id
    where true ${before === null ? sql`` : sql`and m.id < ${before}`}
      ${is("m.status", equal["status"])} ${is("m.kind", equal["kind"])} ${is("m.server_id", equal["serverId"])}
      ${is("m.source_host", equal["sourceHost"])} ${is("m.user_id", equal["userId"])} ${is("s.project_id", equal["projectId"])}
      ${equal["host"] === undefined ? sql`` : sql`and ${equal["host"]} in (m.source_host, m.dest_host)`}
      ${page.changesSince === undefined ? sql`` : sql`and m.updated_at >= ${page.changesSince}`}
      ${page.changesBefore === undefined ? sql`` : sql`and m.updated_at <= ${page.changesBefore}`}
    order by m.id desc limit ${page.limit}`;
}

export async function insertMigration(
  sql: Queryable,
  migration: Omit<Migration, "id" | "projectId" | "createdAt" | "updatedAt" | "oldFlavorNumber" | "newFlavorNumber">,
  at: Date,
): Promise<void> {
  await sql`
    insert into server_migration (uuid, server_id, user_id, kind, status, source_host, dest_host, old_flavor_id, new_flavor_id, created_at, updated_at)
    values (${migration.uuid}, ${migration.serverId}, ${migration.userId}, ${migration.kind}, ${migration.status}, ${migration.sourceHost},
      ${migration.destHost}, ${migration.oldFlavorId}, ${migration.newFlavorId}, ${at}, ${at})`;
}

/** The server's latest migration has come so far. Undefined: the task was none. */
export async function endMigration(
  sql: Queryable,
  serverId: string,
  status: string | undefined,
  at: Date,
): Promise<void> {
  if (status === undefined) return;
  await sql`
    update server_migration set status = ${status}, updated_at = ${at}
    where id = (select max(id) from server_migration where server_id = ${serverId})
      and status in ('pre-migrating', 'migrating', 'finished', 'reverting', 'confirming', 'accepted')`;
}
