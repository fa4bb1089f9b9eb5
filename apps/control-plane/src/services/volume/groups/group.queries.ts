/** Every statement on groups. */
import type { Queryable } from "../../../db/database.ts";

export type VolumeGroup = { id: string; projectId: string; volumeTypeIds: string[]; status: string };

export async function findGroup(sql: Queryable, id: string, projectId: string | null): Promise<VolumeGroup | null> {
  const [row] = await sql<VolumeGroup[]>`
    select id, project_id, volume_type_ids, status from volume_group
    where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}`;
  return row ?? null;
}
