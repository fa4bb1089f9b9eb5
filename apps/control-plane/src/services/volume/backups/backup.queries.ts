/** Every statement on backups. */
import type { Queryable } from "../../../db/database.ts";
import type { Backup } from "./backup.model.ts";

const columns = (sql: Queryable) => sql`
  b.id, b.project_id, b.user_id, b.volume_id, b.snapshot_id, b.parent_id, b.name, b.description, b.container, b.availability_zone, b.status,
  b.size_gib, b.metadata, b.fail_reason, b.key_id, b.data_timestamp, b.created_at, b.updated_at, b.task_since, b.deleting, b.restoring_volume_id,
  b.host, exists (select 1 from backup c where c.parent_id = b.id) as has_dependents, b.observed_state, b.observed_stored_bytes,
  b.observed_pieces, b.observed_progress, b.observed_fault`;

/** `projectId` null: whoever's. */
export async function findBackup(sql: Queryable, id: string, projectId: string | null): Promise<Backup | null> {
  const [row] = await sql<Backup[]>`
    select ${columns(sql)} from backup b where b.id = ${id} ${projectId === null ? sql`` : sql`and b.project_id = ${projectId}`}`;
  return row ?? null;
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

/** The volume that backups were being restored to is done with it, well or badly. */
export async function setBackupRestored(sql: Queryable, volumeId: string, at: Date): Promise<void> {
  await sql`
    update backup set status = 'available', restoring_volume_id = null, updated_at = ${at}, task_since = ${at}
    where restoring_volume_id = ${volumeId} and status = 'restoring'`;
}
