/** Every statement on servers' disks. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ServerDisk } from "./server-disk.model.ts";

const columns = (sql: Queryable) => sql`
  d.id, d.number, d.server_id, d.project_id, d.source_type, d.destination_type, d.volume_id, d.attachment_id, d.size_gib, d.device_name,
  d.boot_index, d.guest_format, d.tag, d.delete_on_termination, d.detaching, d.changed_at, d.attached_at, d.created_at`;

export type NewServerDisk = Omit<ServerDisk, "number" | "detaching" | "changedAt" | "createdAt">;

export async function insertServerDisk(sql: postgres.ISql, disk: NewServerDisk, at: Date): Promise<void> {
  const row = { ...disk, detaching: false, changedAt: at, createdAt: at };
  await sql`insert into server_disk ${(sql as postgres.Sql)(row as never)}`;
}

/** A server's disks in the order they came. */
export const listServerDisks = (sql: Queryable, serverId: string): postgres.PendingQuery<ServerDisk[]> =>
  sql<ServerDisk[]>`select ${columns(sql)} from server_disk d where d.server_id = ${serverId} order by d.number`;

/** The same, held; the caller holds the server already. */
export const lockServerDisks = (sql: Queryable, serverId: string): Promise<ServerDisk[]> =>
  sql<
    ServerDisk[]
  >`select ${columns(sql)} from server_disk d where d.server_id = ${serverId} order by d.number for update`;

/** Volumes of servers, for their views. */
export async function volumesOfServers(
  sql: Queryable,
  serverIds: readonly string[],
): Promise<Map<string, { id: string; deleteOnTermination: boolean }[]>> {
  const rows = await sql<{ serverId: string; id: string; deleteOnTermination: boolean }[]>`
    select server_id, volume_id as id, delete_on_termination from server_disk
    where server_id = any(${serverIds as string[]}) and volume_id is not null order by server_id, number`;
  const volumes = new Map<string, { id: string; deleteOnTermination: boolean }[]>();
  for (const { serverId, ...volume } of rows) volumes.set(serverId, [...(volumes.get(serverId) ?? []), volume]);
  return volumes;
}

/** The volume service has promised the volume. */
export async function setDiskAttachment(
  sql: Queryable,
  id: string,
  attachmentId: string,
  sizeGib: number,
  at: Date,
): Promise<void> {
  await sql`update server_disk set attachment_id = ${attachmentId}, size_gib = ${sizeGib}, changed_at = ${at} where id = ${id}`;
}

/** The guest has it. */
export async function setDiskAttached(sql: Queryable, id: string, at: Date): Promise<void> {
  await sql`update server_disk set attached_at = ${at}, changed_at = ${at} where id = ${id}`;
}

export async function setDiskDetaching(sql: Queryable, id: string, detaching: boolean, at: Date): Promise<void> {
  await sql`update server_disk set detaching = ${detaching}, changed_at = ${at} where id = ${id}`;
}

export async function setDeleteOnTermination(sql: Queryable, id: string, value: boolean): Promise<void> {
  await sql`update server_disk set delete_on_termination = ${value} where id = ${id}`;
}

export async function deleteServerDisk(sql: Queryable, id: string): Promise<void> {
  await sql`delete from server_disk where id = ${id}`;
}

export async function findServerDisk(sql: Queryable, id: string): Promise<ServerDisk | null> {
  const [row] = await sql<ServerDisk[]>`select ${columns(sql)} from server_disk d where d.id = ${id}`;
  return row ?? null;
}

export async function listDiskIdsOfProject(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from server_disk where project_id = ${projectId} order by number`;
  return rows.map((row) => row.id);
}
