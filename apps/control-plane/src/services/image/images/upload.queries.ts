/** SQL on uploads: who is on it, until when, and what it counts for in the project's quota. */
import type { Queryable } from "@andromede/platform/db/database";

/** How long an upload is believed alive after it last said so. */
const LEASE_SECONDS = 15;

/**
 * Bytes that the project may still store. Keeps the project's quota from changing until the transaction ends, so
 * that two uploads cannot both be promised the last of it.
 */
export async function lockRemainingBytes(
  sql: Queryable,
  projectId: string,
  defaultMax: number,
  options: { except: string },
): Promise<number> {
  await sql`insert into image_quota (project_id) values (${projectId}) on conflict do nothing`;
  const [quota] = await sql<
    { maxBytes: number | null }[]
  >`select max_bytes from image_quota where project_id = ${projectId} for update`;
  const [usage] = await sql<{ bytes: number }[]>`
    select coalesce(sum(coalesce(size_bytes, 0) + reserved_bytes), 0)::bigint as bytes
    from image where project_id = ${projectId} and status in ('saving', 'uploading', 'importing', 'active', 'deactivated') and id <> ${options.except}`;
  return (quota?.maxBytes ?? defaultMax) - (usage?.bytes ?? 0);
}

/** The image is being saved by this upload, and by no other. */
export async function claimUpload(
  sql: Queryable,
  id: string,
  uploadId: string,
  options: { reservedBytes: number; status: "saving" | "uploading" },
): Promise<void> {
  const { reservedBytes, status } = options;
  await sql`
    update image set status = ${status}, upload_id = ${uploadId}, reserved_bytes = ${reservedBytes},
      upload_until = now() + ${LEASE_SECONDS} * interval '1 second', updated_at = now()
    where id = ${id} and status = 'queued'`;
}

export async function renewUpload(sql: Queryable, id: string, uploadId: string): Promise<void> {
  await sql`
    update image set upload_until = now() + ${LEASE_SECONDS} * interval '1 second'
    where id = ${id} and upload_id = ${uploadId} and status in ('saving', 'uploading') and staged_bytes is null`;
}

/** How long staged bytes wait for somebody to import them. */
const STAGED_HOURS = 24;

/** The bytes are all there. False: the image was deleted, or the upload was given up, meanwhile. */
export async function keepStaged(
  sql: Queryable,
  id: string,
  uploadId: string,
  staged: { sizeBytes: number; sha512: string },
): Promise<boolean> {
  const rows = await sql`
    update image set staged_bytes = ${staged.sizeBytes}, staged_sha512 = ${staged.sha512}, reserved_bytes = ${staged.sizeBytes},
      upload_until = now() + ${STAGED_HOURS} * interval '1 hour', updated_at = now()
    where id = ${id} and upload_id = ${uploadId} and status = 'uploading' returning 1`;
  return rows.length > 0;
}

export type UploadedFile = {
  sizeBytes: number;
  virtualSizeBytes: number | null;
  checksum: string | null;
  sha512: string;
  unbootable: string | null;
};

/** False: the image was deleted, or the upload was given up, meanwhile. */
export async function activateImage(
  sql: Queryable,
  id: string,
  uploadId: string,
  file: UploadedFile,
): Promise<boolean> {
  const rows = await sql`
    update image set status = 'active', size_bytes = ${file.sizeBytes}, virtual_size_bytes = ${file.virtualSizeBytes},
      checksum = ${file.checksum}, sha512 = ${file.sha512}, unbootable = ${file.unbootable}, reserved_bytes = 0, upload_until = null,
      staged_bytes = null, staged_sha512 = null, updated_at = now()
    where id = ${id} and upload_id = ${uploadId} and status in ('saving', 'importing') returning 1`;
  return rows.length > 0;
}

/** Back to `queued`, as if nobody had tried. False: it was no longer this upload's. `lapsed`: only if it was given up. */
export async function releaseUpload(
  sql: Queryable,
  id: string,
  uploadId: string,
  options: { lapsed: boolean },
): Promise<boolean> {
  const rows = await sql`
    update image set status = 'queued', upload_id = null, upload_until = null, reserved_bytes = 0, staged_bytes = null,
      staged_sha512 = null, updated_at = now()
    where id = ${id} and upload_id = ${uploadId} and status in ('saving', 'uploading') and (not ${options.lapsed} or upload_until < now()) returning 1`;
  return rows.length > 0;
}

/** The project's row; a null limit is the default one. */
export async function findImageQuota(sql: Queryable, projectId: string): Promise<{ maxBytes: number | null } | null> {
  const [row] = await sql<
    { maxBytes: number | null }[]
  >`select max_bytes from image_quota where project_id = ${projectId}`;
  return row ?? null;
}

/** For a project that ends. */
export async function deleteImageQuota(sql: Queryable, projectId: string): Promise<void> {
  await sql`delete from image_quota where project_id = ${projectId}`;
}

export type ImageUsage = { bytes: number; stagedBytes: number; images: number; uploading: number };

export async function findUsage(sql: Queryable, projectId: string): Promise<ImageUsage & { maxBytes: number | null }> {
  const [row] = await sql<(ImageUsage & { maxBytes: number | null })[]>`
    select coalesce(sum(size_bytes), 0)::bigint as bytes, coalesce(sum(staged_bytes), 0)::bigint as staged_bytes,
      count(*)::int as images, (count(*) filter (where status in ('saving', 'uploading', 'importing')))::int as uploading,
      (select max_bytes from image_quota where project_id = ${projectId}) as max_bytes
    from image where project_id = ${projectId} and status <> 'deleting'`;
  return row ?? { bytes: 0, stagedBytes: 0, images: 0, uploading: 0, maxBytes: null };
}
