/** Every statement on a volume's row. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ImageMetadata, Volume, VolumeImage, VolumeStatus } from "./volume.model.ts";

/** A volume with its type's name and its attachments: one flight. */
export const volumeColumns = (sql: Queryable) => sql`
  v.id, v.project_id, v.user_id, v.name, v.description, v.size_gib, v.availability_zone, v.volume_type_id, t.name as volume_type_name, v.group_id, v.status,
  v.previous_status, v.bootable, v.multiattach, v.readonly, v.metadata, v.image_metadata, v.migration_status, v.consumes_quota,
  v.snapshot_id, v.source_volume_id, v.source_backup_id, v.image, v.key_id, v.created_at, v.updated_at, v.generation, v.revert_snapshot_id,
  v.revert_nonce, v.remake, v.restore_backup_id, v.deleting, v.cascade, v.task_since, v.pool, v.fault, v.observed_generation, v.observed_state, v.observed_size_gib,
  v.observed_snapshots, v.observed_revert_nonce, v.observed_fault, v.observed_gone,
  (select jsonb_build_object('name', h.name, 'serviceId', h.service_id) from volume_host h
    where h.observed_pools @> jsonb_build_array(jsonb_build_object('name', v.pool)) order by h.name limit 1) as keeper,
  coalesce((select jsonb_agg(jsonb_build_object('id', a.id, 'volumeId', a.volume_id, 'projectId', a.project_id, 'serverId', a.server_id,
      'host', a.host, 'device', a.device, 'mode', a.mode, 'status', a.status, 'connector', a.connector,
      'attachedAt', to_char(a.attached_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
      order by a.server_id is null, a.created_at, a.id)
    from volume_attachment a where a.volume_id = v.id), '[]') as attachments`;

const scoped = (sql: Queryable, projectId: string | null) =>
  projectId === null ? sql`` : sql`and v.project_id = ${projectId}`;

/** `projectId` null: whoever's. */
export async function findVolume(sql: Queryable, id: string, projectId: string | null): Promise<Volume | null> {
  const [row] = await sql<Volume[]>`
    select ${volumeColumns(sql)} from volume v join volume_type t on t.id = v.volume_type_id where v.id = ${id} ${scoped(sql, projectId)}`;
  return row ?? null;
}

/** The same, held until the transaction ends. A statement of its own first: what is read is then as it is while held. */
export async function lockVolume(sql: Queryable, id: string, projectId: string | null): Promise<Volume | null> {
  const [, found] = await Promise.all([
    sql`select 1 from volume v where v.id = ${id} ${scoped(sql, projectId)} for update`.execute(),
    findVolume(sql, id, projectId),
  ]);
  return found;
}

export type NewVolume = {
  id: string;
  projectId: string;
  userId: string;
  name: string | null;
  description: string | null;
  sizeGib: number;
  availabilityZone: string;
  volumeTypeId: string;
  groupId: string | null;
  bootable: boolean;
  multiattach: boolean;
  metadata: { [key: string]: string };
  imageMetadata: ImageMetadata | null;
  snapshotId: string | null;
  sourceVolumeId: string | null;
  sourceBackupId: string | null;
  image: VolumeImage | null;
  wrappedKey: Buffer;
  keyId: string;
  status: VolumeStatus;
};

export async function insertVolume(sql: postgres.ISql, row: NewVolume, at: Date): Promise<void> {
  await sql`
    insert into volume (id, project_id, user_id, name, description, size_gib, availability_zone, volume_type_id, group_id, status, bootable,
      multiattach, metadata, image_metadata, snapshot_id, source_volume_id, source_backup_id, image, wrapped_key, key_id, created_at, task_since)
    values (${row.id}, ${row.projectId}, ${row.userId}, ${row.name}, ${row.description}, ${row.sizeGib}, ${row.availabilityZone},
      ${row.volumeTypeId}, ${row.groupId}, ${row.status}, ${row.bootable}, ${row.multiattach}, ${sql.json(row.metadata)},
      ${row.imageMetadata === null ? null : sql.json(row.imageMetadata)}, ${row.snapshotId}, ${row.sourceVolumeId},
      ${row.sourceBackupId}, ${row.image === null ? null : sql.json(row.image)}, ${row.wrappedKey}, ${row.keyId}, ${at}, ${at})`;
}

/** A new status; `updated_at` is when a customer last saw something change. */
export async function setStatus(
  sql: Queryable,
  id: string,
  status: VolumeStatus,
  at: Date,
  more: { previousStatus?: VolumeStatus | null; fault?: string | null } = {},
): Promise<void> {
  await sql`
    update volume set status = ${status}, updated_at = ${at}, task_since = ${at},
      previous_status = ${more.previousStatus === undefined ? sql`previous_status` : more.previousStatus},
      fault = ${more.fault === undefined ? sql`fault` : more.fault}
    where id = ${id}`;
}

export async function setNames(
  sql: Queryable,
  id: string,
  names: { name: string | null; description: string | null },
  at: Date,
): Promise<void> {
  await sql`update volume set name = ${names.name}, description = ${names.description}, updated_at = ${at} where id = ${id}`;
}

export async function setMetadata(
  sql: postgres.ISql,
  id: string,
  metadata: { [key: string]: string },
  at: Date,
): Promise<void> {
  await sql`update volume set metadata = ${sql.json(metadata)}, updated_at = ${at} where id = ${id}`;
}

export async function setImageMetadata(
  sql: postgres.ISql,
  id: string,
  metadata: ImageMetadata,
  at: Date,
): Promise<void> {
  await sql`update volume set image_metadata = ${sql.json(metadata)}, updated_at = ${at} where id = ${id}`;
}

export async function setFlags(
  sql: Queryable,
  id: string,
  flags: { bootable?: boolean; readonly?: boolean },
  at: Date,
): Promise<void> {
  await sql`
    update volume set bootable = coalesce(${flags.bootable ?? null}::boolean, bootable), readonly = coalesce(${flags.readonly ?? null}::boolean, readonly),
      updated_at = ${at} where id = ${id}`;
}

export async function setType(
  sql: Queryable,
  id: string,
  type: { id: string; multiattach: boolean },
  at: Date,
): Promise<void> {
  await sql`update volume set volume_type_id = ${type.id}, multiattach = ${type.multiattach}, updated_at = ${at} where id = ${id}`;
}

/** The agent is to be told: a new generation. */
export async function bumpGeneration(sql: Queryable, id: string): Promise<number> {
  const [row] = await sql<{ generation: number }[]>`
    update volume set generation = generation + 1 where id = ${id} returning generation`;
  return row?.generation ?? 0;
}

export async function setSize(sql: Queryable, id: string, sizeGib: number): Promise<void> {
  await sql`update volume set size_gib = ${sizeGib} where id = ${id}`;
}

export async function setRevert(
  sql: Queryable,
  id: string,
  revert: { snapshotId: string; nonce: string },
): Promise<void> {
  await sql`update volume set revert_snapshot_id = ${revert.snapshotId}, revert_nonce = ${revert.nonce} where id = ${id}`;
}

export async function setDeleting(
  sql: Queryable,
  id: string,
  at: Date,
  options: { cascade: boolean; previousStatus: VolumeStatus },
): Promise<void> {
  await sql`
    update volume set deleting = true, cascade = ${options.cascade}, status = 'deleting', previous_status = ${options.previousStatus}, fault = null,
      generation = generation + 1, task_since = ${at}, updated_at = ${at} where id = ${id}`;
}

/** A deletion that could not be done: it may be asked for again. */
export async function setDeletionFailed(sql: Queryable, id: string, fault: string, at: Date): Promise<void> {
  await sql`
    update volume set deleting = false, status = 'error_deleting', fault = ${fault}, updated_at = ${at}, task_since = ${at} where id = ${id}`;
}

export async function deleteVolumeRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume where id = ${id}`;
}

export async function findWrappedKey(
  sql: Queryable,
  id: string,
): Promise<{ wrappedKey: Buffer; projectId: string } | null> {
  const [row] = await sql<
    { wrappedKey: Buffer; projectId: string }[]
  >`select wrapped_key, project_id from volume where id = ${id}`;
  return row ?? null;
}

/** Another owner: the key is wrapped anew by who takes the volume. */
export async function setOwner(
  sql: Queryable,
  id: string,
  owner: { projectId: string; userId: string; wrappedKey: Buffer },
  at: Date,
): Promise<void> {
  await sql`
    update volume set project_id = ${owner.projectId}, user_id = ${owner.userId}, wrapped_key = ${owner.wrappedKey}, updated_at = ${at}
    where id = ${id}`;
}

/** Where its bytes are to be; written before an agent first hears of it. */
export async function setPool(sql: Queryable, id: string, pool: string): Promise<void> {
  await sql`update volume set pool = ${pool} where id = ${id} and pool is null`;
}

/** It is made: what it was made from no longer matters, and may go. Of one made anew, what it says of its image is new. */
export async function forgetSource(sql: Queryable, id: string): Promise<void> {
  await sql`
    update volume set image = null, image_metadata = coalesce(image -> 'metadata', image_metadata),
      bootable = bootable or coalesce(image ? 'metadata', false)
    where id = ${id}`;
}

/** Volumes being made from this one, from a snapshot of it, or from a backup: their sources must not go. */
export async function countUsers(
  sql: Queryable,
  source: { volumeId: string } | { snapshotId: string } | { backupId: string },
): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from volume where status = 'creating' and ${
      "volumeId" in source
        ? sql`source_volume_id = ${source.volumeId}`
        : "snapshotId" in source
          ? sql`snapshot_id = ${source.snapshotId}`
          : sql`source_backup_id = ${source.backupId}`
    }`;
  return row?.n ?? 0;
}

/** Every volume of a project. */
export async function listProjectVolumeIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}

/** What the resync looks at. */
export async function listUnsettledVolumes(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from volume where unsettled`;
  return rows.map(({ id }) => id);
}

export async function clearRevert(sql: Queryable, id: string): Promise<void> {
  await sql`update volume set revert_snapshot_id = null where id = ${id}`;
}

/** Whoever reads the volume now: volumes made from it or its snapshots, backups, uploads. */
export async function countReaders(sql: Queryable, id: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select ((select count(*) from volume where source_volume_id = ${id} and status = 'creating')
      + (select count(*) from snapshot s join volume v on v.snapshot_id = s.id where s.volume_id = ${id} and v.status = 'creating')
      + (select count(*) from backup where volume_id = ${id} and status = 'creating')
      + (select count(*) from volume_upload where volume_id = ${id}))::int as n`;
  return row?.n ?? 0;
}

/** Its bytes are to be made anew, from an image (`downloading`) or a backup. */
export async function setRemake(
  sql: postgres.ISql,
  id: string,
  wanted: { status: VolumeStatus; image: VolumeImage | null; backupId: string | null },
  at: Date,
): Promise<void> {
  await sql`
    update volume set status = ${wanted.status}, image = ${wanted.image === null ? null : sql.json(wanted.image)}, restore_backup_id = ${wanted.backupId},
      remake = true, generation = generation + 1, fault = null, updated_at = ${at}, task_since = ${at}
    where id = ${id}`;
}

/** It is not to be made anew after all. */
export async function clearRemake(sql: Queryable, id: string): Promise<void> {
  await sql`update volume set remake = false where id = ${id}`;
}

/** Its old bytes are gone. What was seen of them says nothing about the new ones. */
export async function setWiped(sql: Queryable, id: string, generation: number): Promise<void> {
  await sql`
    update volume set remake = false, generation = generation + 1, observed_generation = null, observed_state = null, observed_size_gib = null,
      observed_snapshots = '{}', observed_fault = null, observed_gone = false
    where id = ${id} and generation = ${generation} and remake`;
}
