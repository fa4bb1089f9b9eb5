import type { Queryable } from "@andromede/platform/db/database";

import type { ImageTask } from "./task.model.ts";

/** An import is given up after a day; what became of it is told for two. */
const UNFINISHED_HOURS = 24;
const FINISHED_HOURS = 48;

export async function insertTask(
  sql: Queryable,
  task: Pick<ImageTask, "id" | "imageId" | "projectId" | "userId" | "requestId" | "input">,
): Promise<void> {
  await sql`
    insert into image_task (id, image_id, project_id, user_id, request_id, input, expires_at)
    values (${task.id}, ${task.imageId}, ${task.projectId}, ${task.userId}, ${task.requestId}, ${sql.json(task.input)},
      now() + ${UNFINISHED_HOURS} * interval '1 hour')`;
}

export async function findTask(sql: Queryable, id: string): Promise<ImageTask | null> {
  const [row] = await sql<ImageTask[]>`select * from image_task where id = ${id}`;
  return row ?? null;
}

export async function listTasksOfImage(sql: Queryable, imageId: string): Promise<ImageTask[]> {
  return sql<ImageTask[]>`select * from image_task where image_id = ${imageId} order by created_at desc limit 1000`;
}

/** Newest first; after `marker`. */
export async function listTasks(
  sql: Queryable,
  page: { limit: number; marker: ImageTask | null; status: string | undefined },
): Promise<ImageTask[]> {
  const { marker } = page;
  return sql<ImageTask[]>`
    select * from image_task
    where true ${page.status === undefined ? sql`` : sql`and status = ${page.status}`}
      ${marker === null ? sql`` : sql`and (created_at, id) < (${marker.createdAt}, ${marker.id})`}
    order by created_at desc, id desc limit ${page.limit}`;
}

export async function listUnfinishedTasks(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from image_task where status in ('pending', 'processing') order by id limit 1000`;
  return rows.map((row) => row.id);
}

export async function startTask(sql: Queryable, id: string): Promise<void> {
  await sql`update image_task set status = 'processing', updated_at = now() where id = ${id} and status = 'pending'`;
}

export async function endTask(
  sql: Queryable,
  id: string,
  end: { status: "success" | "failure"; message: string },
): Promise<void> {
  await sql`
    update image_task set status = ${end.status}, message = ${end.message}, updated_at = now(),
      expires_at = now() + ${FINISHED_HOURS} * interval '1 hour'
    where id = ${id}`;
}

export async function deleteForgottenTasks(sql: Queryable): Promise<void> {
  await sql`delete from image_task where expires_at < now() and status in ('success', 'failure')`;
}

/** An image under import, as its task needs it. */
export type ImportState = {
  id: string;
  projectId: string | null;
  diskFormat: string | null;
  uploadId: string | null;
  stagedBytes: number | null;
  stagedSha512: string | null;
};

export async function findImporting(sql: Queryable, imageId: string): Promise<ImportState | null> {
  const [row] = await sql<ImportState[]>`
    select id, project_id, disk_format, upload_id, staged_bytes, staged_sha512 from image
    where id = ${imageId} and status = 'importing'`;
  return row ?? null;
}

/** From here on only the task says what becomes of the image. */
export async function beginImport(sql: Queryable, imageId: string): Promise<void> {
  await sql`update image set status = 'importing', upload_until = null, updated_at = now() where id = ${imageId}`;
}

export async function findStaged(sql: Queryable, imageId: string): Promise<{ stagedBytes: number | null } | null> {
  const [row] = await sql<{ stagedBytes: number | null }[]>`select staged_bytes from image where id = ${imageId}`;
  return row ?? null;
}

/** The file of another attempt. False: the image is not under import any more. */
export async function claimAttempt(sql: Queryable, imageId: string, uploadId: string): Promise<boolean> {
  const rows = await sql`
    update image set upload_id = ${uploadId}, updated_at = now() where id = ${imageId} and status = 'importing' returning 1`;
  return rows.length > 0;
}

/** Back to `queued`, as if nobody had tried. */
export async function releaseImport(sql: Queryable, imageId: string): Promise<void> {
  await sql`
    update image set status = 'queued', upload_id = null, upload_until = null, reserved_bytes = 0, staged_bytes = null,
      staged_sha512 = null, updated_at = now()
    where id = ${imageId} and status = 'importing'`;
}
