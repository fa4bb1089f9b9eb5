/** Every statement on volumes that are on their way to the image service. */
import type { ExportReport } from "@andromede/agent-api/types";
import type { Queryable } from "@andromede/platform/db/database";

import type postgres from "postgres";

export type VolumeUpload = {
  id: string;
  projectId: string;
  volumeId: string;
  imageId: string;
  format: "qcow2" | "raw";
  host: string | null;
  createdAt: Date;
  observedState: "working" | "ready" | "failed" | null;
  observedSizeBytes: number | null;
  observedFault: string | null;
};

const columns = (sql: Queryable) => sql`
  id, project_id, volume_id, image_id, format, host, created_at, observed_state, observed_size_bytes, observed_fault`;

export async function findUpload(sql: Queryable, id: string): Promise<VolumeUpload | null> {
  const [row] = await sql<VolumeUpload[]>`select ${columns(sql)} from volume_upload where id = ${id}`;
  return row ?? null;
}

export async function insertUpload(
  sql: Queryable,
  row: Pick<VolumeUpload, "id" | "projectId" | "volumeId" | "imageId" | "format">,
  at: Date,
): Promise<void> {
  await sql`
    insert into volume_upload (id, project_id, volume_id, image_id, format, created_at)
    values (${row.id}, ${row.projectId}, ${row.volumeId}, ${row.imageId}, ${row.format}, ${at})`;
}

/** The host whose agent makes the export, written before it is asked: what it keeps is removed there. */
export async function setUploadHost(sql: Queryable, id: string, host: string): Promise<void> {
  await sql`
    update volume_upload set host = ${host}, observed_state = case when host = ${host} then observed_state end where id = ${id}`;
}

export async function deleteUploadRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_upload where id = ${id}`;
}

/** Those of a volume: while there are any, it is `uploading`. */
export async function listUploadsOf(sql: Queryable, volumeId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from volume_upload where volume_id = ${volumeId}`;
  return rows.map(({ id }) => id);
}

export async function listUploadIds(sql: Queryable, projectId: string | null): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from volume_upload ${projectId === null ? sql`` : sql`where project_id = ${projectId}`} order by id`;
  return rows.map(({ id }) => id);
}

/** Takes in what agents say of exports; returns what changed. */
export async function storeUploadReports(sql: postgres.ISql, reports: readonly ExportReport[]): Promise<string[]> {
  if (reports.length === 0) return [];
  const said = reports.map(({ id, state, sizeBytes, fault }) => ({
    id,
    state,
    size_bytes: sizeBytes,
    fault: fault ?? null,
  }));
  const rows = await sql<{ id: string }[]>`
    update volume_upload u set observed_state = r.state, observed_size_bytes = r.size_bytes, observed_fault = r.fault
    from jsonb_to_recordset(${sql.json(said)}) as r (id text, state text, size_bytes bigint, fault text)
    where u.id = r.id and (u.observed_state, u.observed_size_bytes, u.observed_fault) is distinct from (r.state, r.size_bytes, r.fault)
    returning u.id`;
  return rows.map(({ id }) => id);
}
