/** Every statement on attachments. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ListRequest } from "../common/list-request.ts";
import { type Fragment, type SortColumn, pageOf } from "../common/list.queries.ts";
import type { Attachment, AttachmentStatus } from "../volumes/volume.model.ts";

const columns = (sql: Queryable) => sql`
  id, volume_id, project_id, server_id, host, device, mode, status, connector, attached_at, created_at, updated_at`;

export async function findAttachment(sql: Queryable, id: string, projectId: string | null): Promise<Attachment | null> {
  const [row] = await sql<Attachment[]>`
    select ${columns(sql)} from volume_attachment
    where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}`;
  return row ?? null;
}

export type NewAttachment = Pick<
  Attachment,
  "id" | "volumeId" | "projectId" | "serverId" | "host" | "device" | "mode" | "status"
> & { connector?: { [key: string]: unknown } | null };

export async function insertAttachment(sql: postgres.ISql, row: NewAttachment, at: Date): Promise<void> {
  await sql`
    insert into volume_attachment (id, volume_id, project_id, server_id, host, device, mode, status, connector, attached_at, created_at)
    values (${row.id}, ${row.volumeId}, ${row.projectId}, ${row.serverId}, ${row.host}, ${row.device}, ${row.mode}, ${row.status},
      ${(row.connector ?? null) === null ? null : sql.json(row.connector as postgres.JSONValue)}, ${row.status === "attached" ? at : null}, ${at})`;
}

export async function setAttachment(
  sql: postgres.ISql,
  id: string,
  change: {
    status: AttachmentStatus;
    serverId?: string;
    host?: string | null;
    device?: string | null;
    mode?: string;
    connector?: object;
  },
  at: Date,
): Promise<void> {
  const kept = <T>(value: T | undefined, column: Fragment) => (value === undefined ? column : sql`${value as string}`);
  await sql`
    update volume_attachment set status = ${change.status}, server_id = ${kept(change.serverId, sql`server_id`)},
      host = ${kept(change.host, sql`host`)}, device = ${kept(change.device, sql`device`)}, mode = ${kept(change.mode, sql`mode`)},
      connector = ${change.connector === undefined ? sql`connector` : sql`${sql.json(change.connector as postgres.JSONValue)}`},
      attached_at = case when ${change.status} = 'attached' then coalesce(attached_at, ${at}) else attached_at end, updated_at = ${at}
    where id = ${id}`;
}

export async function deleteAttachmentRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_attachment where id = ${id}`;
}

/** All of a volume at once: an operator says that nobody has it. */
export async function deleteAttachmentsOf(sql: Queryable, volumeId: string): Promise<void> {
  await sql`delete from volume_attachment where volume_id = ${volumeId}`;
}

/** A volume that changes hands takes them along. */
export async function setAttachmentsOwner(sql: Queryable, volumeId: string, projectId: string): Promise<void> {
  await sql`update volume_attachment set project_id = ${projectId} where volume_id = ${volumeId}`;
}

export type ServerDiskRow = {
  serverId: string;
  attachmentId: string;
  volumeId: string;
  projectId: string;
  sizeGib: number;
  wrappedKey: Buffer;
  readonly: boolean | null;
  mode: string;
  multiattach: boolean;
  consumer: string | null;
  specs: { [key: string]: string } | null;
  status: AttachmentStatus;
};

/** What a guest's spec says of each volume. */
export async function listServerDiskRows(sql: Queryable, serverIds: readonly string[]): Promise<ServerDiskRow[]> {
  return sql<ServerDiskRow[]>`
    select a.server_id, a.id as attachment_id, a.volume_id, v.project_id, v.size_gib, v.wrapped_key, v.readonly, a.mode, v.multiattach,
      q.consumer, q.specs, a.status
    from volume_attachment a join volume v on v.id = a.volume_id join volume_type t on t.id = v.volume_type_id
      left join qos_specs q on q.id = t.qos_specs_id
    where a.server_id = any(${[...serverIds]}::text[]) and a.status <> 'reserved' order by a.created_at, a.id`;
}

/** Servers that have a volume of a type with these QoS specs: their disks' limits follow. */
export async function serversWithType(sql: Queryable, typeIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ serverId: string }[]>`
    select distinct a.server_id from volume_attachment a join volume v on v.id = a.volume_id
    where v.volume_type_id = any(${[...typeIds]}::text[]) and a.server_id is not null and a.status <> 'reserved'`;
  return rows.map(({ serverId }) => serverId);
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  id: { expression: 'id collate "C"', type: "text" },
};
export const ATTACHMENT_SORT_KEYS = Object.keys(COLUMNS);

export type AttachmentFilter = { volumeId?: string; status?: string; serverId?: string };

export async function listAttachments(
  sql: Queryable,
  list: ListRequest,
  filter: AttachmentFilter,
): Promise<Attachment[]> {
  const { after, order } = await pageOf(
    sql,
    "volume_attachment",
    list,
    COLUMNS,
    (id) => `Volume attachment could not be found with filter: attachment_id = ${id}.`,
  );
  return sql<Attachment[]>`
    select ${columns(sql)} from volume_attachment
    where true ${list.projectId === null ? sql`` : sql`and project_id = ${list.projectId}`}
      ${filter.volumeId === undefined ? sql`` : sql`and volume_id = ${filter.volumeId}`}
      ${filter.status === undefined ? sql`` : sql`and status = ${filter.status}`}
      ${filter.serverId === undefined ? sql`` : sql`and server_id = ${filter.serverId}`} ${after} ${order}`;
}

export async function listProjectAttachments(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume_attachment where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}
