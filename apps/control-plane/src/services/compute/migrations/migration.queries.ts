/** Moves of servers between hosts and flavors, as Nova lists them. */
import type { Queryable } from "../../../db/database.ts";

export type MigrationKind = "resize" | "migration" | "live-migration" | "evacuation";

export type Migration = {
  id: number;
  uuid: string;
  serverId: string;
  projectId: string;
  userId: string;
  kind: MigrationKind;
  status: string;
  sourceHost: string;
  destHost: string | null;
  oldFlavorId: string;
  newFlavorId: string;
  createdAt: Date;
  updatedAt: Date;
};

export async function insertMigration(
  sql: Queryable,
  migration: Omit<Migration, "id" | "projectId" | "createdAt" | "updatedAt">,
  at: Date,
): Promise<void> {
  await sql`
    insert into server_migration (uuid, server_id, user_id, kind, status, source_host, dest_host, old_flavor_id, new_flavor_id, created_at, updated_at)
    values (${migration.uuid}, ${migration.serverId}, ${migration.userId}, ${migration.kind}, ${migration.status}, ${migration.sourceHost},
      ${migration.destHost}, ${migration.oldFlavorId}, ${migration.newFlavorId}, ${at}, ${at})`;
}

/** The server's latest migration has come so far. Undefined: the task was none. */
export async function endMigration(sql: Queryable, serverId: string, status: string | undefined, at: Date): Promise<void> {
  if (status === undefined) return;
  await sql`
    update server_migration set status = ${status}, updated_at = ${at}
    where id = (select max(id) from server_migration where server_id = ${serverId})
      and status in ('pre-migrating', 'migrating', 'finished', 'reverting', 'confirming', 'accepted')`;
}
