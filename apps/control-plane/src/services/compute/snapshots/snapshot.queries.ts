/** Images that are being made of servers' disks. */
import type { Queryable } from "@andromede/platform/db/database";

export type Snapshot = {
  imageId: string;
  serverId: string;
  host: string;
  kind: "snapshot" | "backup" | "shelve" | "migrate";
  backupType: string | null;
  rotation: number | null;
  createdAt: Date;
};

type NewSnapshot = Pick<Snapshot, "imageId" | "serverId" | "host" | "kind"> & {
  backupType?: string;
  rotation?: number;
};

export async function insertSnapshot(sql: Queryable, snapshot: NewSnapshot, at: Date): Promise<void> {
  const { imageId, serverId, host, kind, backupType = null, rotation = null } = snapshot;
  await sql`
    insert into server_snapshot (image_id, server_id, host, kind, backup_type, rotation, created_at)
    values (${imageId}, ${serverId}, ${host}, ${kind}, ${backupType}, ${rotation}, ${at})`;
}

export async function findSnapshot(sql: Queryable, imageId: string): Promise<Snapshot | null> {
  const [row] = await sql<Snapshot[]>`
    select image_id, server_id, host, kind, backup_type, rotation, created_at from server_snapshot where image_id = ${imageId}`;
  return row ?? null;
}

/** False: somebody else has ended it. */
export async function deleteSnapshot(sql: Queryable, imageId: string): Promise<boolean> {
  return (await sql`delete from server_snapshot where image_id = ${imageId} returning 1`).length > 0;
}

/** All of them: each is work under way. */
export async function listSnapshots(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ imageId: string }[]>`select image_id from server_snapshot order by image_id`;
  return rows.map((row) => row.imageId);
}

/** What the making of an image is at, as far as nothing else is under way. */
export async function setImageTask(sql: Queryable, serverId: string, task: "image_uploading"): Promise<void> {
  await sql`update server set task = ${task} where id = ${serverId} and task_step = 'image' and task <> ${task}`;
}
