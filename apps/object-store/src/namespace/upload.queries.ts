/** Every statement on uploads and their parts. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Span } from "./names.ts";
import type { Part, Upload } from "./namespace.ts";
import type { ObjectDetails } from "./object.model.ts";

type UploadRow = Omit<Upload, "metadata" | "details"> & {
  metadata: Upload["metadata"] | null;
  details: ObjectDetails | null;
};

const columns = (sql: Queryable) => sql`
  id, container_id, key, initiated_by, initiated_at, content_type, metadata, details`;
const toUpload = (row: UploadRow): Upload => ({ ...row, metadata: row.metadata ?? {}, details: row.details ?? {} });

export async function insertUpload(sql: Queryable, upload: Upload): Promise<void> {
  await sql`
    insert into object_upload (id, container_id, key, initiated_by, initiated_at, content_type, metadata, details)
    values (${upload.id}, ${upload.containerId}, ${upload.key}, ${upload.initiatedBy}, ${upload.initiatedAt},
      ${upload.contentType}, ${sql.json(upload.metadata)}, ${sql.json(upload.details as never)})`;
}

export async function findUploadRow(sql: Queryable, id: string): Promise<Upload | null> {
  const [row] = await sql<UploadRow[]>`select ${columns(sql)} from object_upload where id = ${id}`;
  return row === undefined ? null : toUpload(row);
}

/** By key, and of one key the oldest first: ids grow with time. `within`: after this id of that key. */
export async function listUploadRows(
  sql: Queryable,
  containerId: number,
  { low, high }: Span,
  options: { reverse: boolean; limit: number },
): Promise<Upload[]> {
  const rows = await sql<UploadRow[]>`
    select ${columns(sql)} from object_upload
    where container_id = ${containerId} and key >= ${low} and key < ${high}
    order by key ${options.reverse ? sql`desc` : sql`asc`}, id ${options.reverse ? sql`desc` : sql`asc`}
    limit ${options.limit}`;
  return rows.map(toUpload);
}

export async function listLaterUploads(
  sql: Queryable,
  containerId: number,
  key: string,
  afterId: string,
  limit: number,
): Promise<Upload[]> {
  const rows = await sql<UploadRow[]>`
    select ${columns(sql)} from object_upload where container_id = ${containerId} and key = ${key} and id > ${afterId}
    order by id limit ${limit}`;
  return rows.map(toUpload);
}

export async function deleteUpload(sql: Queryable, id: string): Promise<void> {
  await sql`delete from object_upload where id = ${id}`;
}

export type PartRow = Part & { sequence: number };

export async function listPartRows(sql: Queryable, uploadId: string, after: number, limit: number): Promise<PartRow[]> {
  return sql<PartRow[]>`
    select number, sequence, size, etag, checksums, modified_at from object_part
    where upload_id = ${uploadId} and number > ${after} order by number limit ${limit}`;
}

/** Its number's row, held: of two that send one part, the later to come is the part. Gives the sequence that was there. */
export async function putPartRow(sql: Queryable, uploadId: string, part: PartRow): Promise<void> {
  await sql`
    insert into object_part (upload_id, number, sequence, size, etag, checksums, modified_at)
    values (${uploadId}, ${part.number}, ${part.sequence}, ${part.size}, ${part.etag},
      ${part.checksums === null ? null : sql.json(part.checksums)}, ${part.modifiedAt})`;
}

export async function takePartRow(
  sql: Queryable,
  uploadId: string,
  number: number,
): Promise<{ sequence: number; size: number } | null> {
  const [row] = await sql<{ sequence: number; size: number }[]>`
    delete from object_part where upload_id = ${uploadId} and number = ${number} returning sequence, size`;
  return row ?? null;
}

/** What parts weigh is counted for quotas only. */
export const countParts = (sql: Queryable, containerId: number, bytes: number): Promise<unknown> =>
  sql`select object_count_parts(${containerId}::bigint, ${bytes}::bigint)`.execute();

/** Chunks of parts become the object's, each where its part begins. */
export const adoptChunks = (
  sql: Queryable,
  owner: number,
  parts: { sequence: number; offset: number }[],
): Promise<unknown> =>
  sql`
    update object_chunk c set owner = ${owner}, start = c.start + p.start
    from unnest(${parts.map(({ sequence }) => sequence)}::int8[], ${parts.map(({ offset }) => offset)}::int8[])
      as p (sequence, start)
    where c.owner = p.sequence`.execute();

/** What no part of the object is, or of no object any more. */
export const freeParts = (sql: Queryable, upload: { id: string; containerId: number }, now: Date): Promise<unknown> =>
  sql`
    with gone as (delete from object_part where upload_id = ${upload.id} returning sequence, size),
    freed as (
      update object_chunk set owner = null, garbage_at = ${now} where owner in (select sequence from gone)
    ) select object_count_parts(${upload.containerId}::bigint, -sum(size)::bigint) from gone having count(*) > 0`.execute();
