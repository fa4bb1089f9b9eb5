/** Every SQL statement on images. */
import type { Queryable } from "@andromede/platform/db/database";
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

import { isAdmin } from "../../../http/policy.ts";
import type { Image } from "./image.model.ts";
import type { WritableImage } from "./image-properties.ts";

/** Who asks, and through which door: what they may see follows from both. */
export type Who = { actor: Actor; plane: Plane };

/** Everything but an upload's own bookkeeping. */
const columns = (sql: Queryable) => sql`
  id, name, project_id, visibility, status, disk_format, container_format, min_disk, min_ram, protected, os_hidden, tags,
  properties, size_bytes, virtual_size_bytes, checksum, sha512, unbootable, upload_id, created_at, updated_at`;

/** One that is not on its way out, whoever asks. */
export async function findImage(sql: Queryable, id: string): Promise<Image | null> {
  const [row] = await sql<Image[]>`select ${columns(sql)} from image where id = ${id} and status <> 'deleting'`;
  return row ?? null;
}

/** The same, kept from changing until the transaction ends. */
export async function lockImageById(sql: Queryable, id: string): Promise<Image | null> {
  const [row] = await sql<Image[]>`
    select ${columns(sql)} from image where id = ${id} and status <> 'deleting' for update`;
  return row ?? null;
}

/** What the actor may see: theirs, public, community, or shared with their project, whatever they answered to that. */
const isVisibleTo = (sql: Queryable, who: Who) =>
  isAdmin(who.actor, who.plane)
    ? sql`true`
    : sql`(project_id = ${who.actor.projectId} or visibility in ('public', 'community')
        or (visibility = 'shared' and exists (
          select 1 from image_member where image_id = image.id and member_id = ${who.actor.projectId})))`;

export async function findVisibleImage(sql: Queryable, who: Who, id: string): Promise<Image | null> {
  const [row] = await sql<Image[]>`
    select ${columns(sql)} from image where id = ${id} and status <> 'deleting' and ${isVisibleTo(sql, who)}`;
  return row ?? null;
}

/** The same, kept from changing until the transaction ends. */
export async function lockVisibleImage(sql: Queryable, who: Who, id: string): Promise<Image | null> {
  const [row] = await sql<Image[]>`
    select ${columns(sql)} from image where id = ${id} and status <> 'deleting' and ${isVisibleTo(sql, who)} for update`;
  return row ?? null;
}

/** null: there is one with that id already. */
export async function insertImage(sql: Queryable, id: string, image: WritableImage): Promise<Image | null> {
  const [row] = await sql<Image[]>`
    insert into image (id, status, name, project_id, visibility, disk_format, container_format, min_disk, min_ram, protected, os_hidden, tags, properties)
    values (${id}, 'queued', ${image.name}, ${image.projectId}, ${image.visibility}, ${image.diskFormat}, ${image.containerFormat},
      ${image.minDisk}, ${image.minRam}, ${image.protected}, ${image.osHidden}, ${image.tags}, ${sql.json(image.properties)})
    on conflict (id) do nothing
    returning ${columns(sql)}`;
  return row ?? null;
}

export async function updateImage(sql: Queryable, id: string, image: WritableImage): Promise<Image> {
  const [row] = await sql<Image[]>`
    update image set name = ${image.name}, project_id = ${image.projectId}, visibility = ${image.visibility},
      disk_format = ${image.diskFormat}, container_format = ${image.containerFormat}, min_disk = ${image.minDisk},
      min_ram = ${image.minRam}, protected = ${image.protected}, os_hidden = ${image.osHidden}, tags = ${image.tags},
      properties = ${sql.json(image.properties)}, updated_at = now()
    where id = ${id} returning ${columns(sql)}`;
  if (row === undefined) throw new Error(`image ${id} was locked and is gone`);
  return row;
}

export async function setImageStatus(
  sql: Queryable,
  id: string,
  status: "active" | "deactivated" | "deleting",
): Promise<void> {
  await sql`update image set status = ${status}, reserved_bytes = 0, updated_at = now() where id = ${id}`;
}

/** A project's backups of a type that were made of a server, newest first. */
export async function listServerBackups(
  sql: Queryable,
  wanted: { projectId: string; serverId: string; backupType: string },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from image where project_id = ${wanted.projectId} and status <> 'deleting'
      and properties ->> 'instance_uuid' = ${wanted.serverId} and properties ->> 'image_type' = 'backup'
      and properties ->> 'backup_type' = ${wanted.backupType}
    order by created_at desc, id desc`;
  return rows.map((row) => row.id);
}

/** What the reconciler needs, of images on their way out too. */
export type ImageState = Pick<Image, "id" | "status" | "uploadId" | "checksum" | "projectId"> & {
  /** The upload under way has been given up. */
  uploadLapsed: boolean;
  /** Until it may be. */
  lapsesInMs: number;
  ageMs: number;
};

export async function findImageState(sql: Queryable, id: string): Promise<ImageState | null> {
  const [row] = await sql<ImageState[]>`
    select id, status, upload_id, checksum, project_id, upload_until is null or upload_until < now() as upload_lapsed,
      greatest(0, coalesce(extract(epoch from upload_until - now()) * 1000, 0))::float8 as lapses_in_ms,
      (extract(epoch from now() - updated_at) * 1000)::float8 as age_ms
    from image where id = ${id}`;
  return row ?? null;
}

/** Images that a reconciler should look at although nobody asked. */
export async function listUnsettledImages(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from image where status in ('saving', 'uploading', 'deleting') or (checksum is null and sha512 is not null) order by id limit 1000`;
  return rows.map((row) => row.id);
}

export async function deleteImageRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from image where id = ${id} and status = 'deleting'`;
}

/** Which of these uploads some image still counts on. */
export async function listClaimedUploads(sql: Queryable, uploadIds: string[]): Promise<Set<string>> {
  const rows = await sql<{ uploadId: string }[]>`select upload_id from image where upload_id = any(${uploadIds})`;
  return new Set(rows.map((row) => row.uploadId));
}

export async function setChecksum(sql: Queryable, id: string, uploadId: string, checksum: string): Promise<void> {
  await sql`update image set checksum = ${checksum} where id = ${id} and upload_id = ${uploadId}`;
}

/** All images of a project, for the registry. */
export async function listProjectImages(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from image where project_id = ${projectId} and status <> 'deleting' order by id`;
  return rows.map((row) => row.id);
}
