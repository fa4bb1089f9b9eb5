/** Every statement on messages to customers. */
import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, pageOf } from "../common/list.queries.ts";

export type Message = {
  id: string;
  projectId: string;
  requestId: string | null;
  resourceType: string;
  resourceId: string;
  eventId: string;
  level: string;
  text: string;
  createdAt: Date;
  expiresAt: Date;
};

const columns = (sql: Queryable) => sql`
  id, project_id, request_id, resource_type, resource_id, event_id, level, text, created_at, expires_at`;

export async function insertMessage(sql: Queryable, row: Message): Promise<void> {
  await sql`
    insert into volume_message (id, project_id, request_id, resource_type, resource_id, event_id, level, text, created_at, expires_at)
    values (${row.id}, ${row.projectId}, ${row.requestId}, ${row.resourceType}, ${row.resourceId}, ${row.eventId}, ${row.level}, ${row.text},
      ${row.createdAt}, ${row.expiresAt})`;
}

export async function findMessage(sql: Queryable, id: string, projectId: string | null): Promise<Message | null> {
  const [row] = await sql<Message[]>`
    select ${columns(sql)} from volume_message where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}`;
  return row ?? null;
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  id: { expression: 'id collate "C"', type: "text" },
  event_id: { expression: "event_id", type: "text" },
  resource_type: { expression: "resource_type", type: "text" },
  resource_uuid: { expression: "resource_id", type: "text" },
  request_id: { expression: "coalesce(request_id, '')", type: "text" },
  guaranteed_until: { expression: "expires_at", type: "timestamptz" },
};
export const MESSAGE_SORT_KEYS = Object.keys(COLUMNS);

export type MessageFilter = {
  resourceType?: string;
  resourceId?: string;
  eventId?: string;
  requestId?: string;
  level?: string;
};

export async function listMessages(sql: Queryable, list: ListRequest, filter: MessageFilter): Promise<Message[]> {
  const { after, order } = await pageOf(
    sql,
    "volume_message",
    list,
    COLUMNS,
    (id) => `message ${id} could not be found.`,
  );
  return sql<Message[]>`
    select ${columns(sql)} from volume_message
    where true ${list.projectId === null ? sql`` : sql`and project_id = ${list.projectId}`}
      ${filter.resourceType === undefined ? sql`` : sql`and resource_type = ${filter.resourceType}`}
      ${filter.resourceId === undefined ? sql`` : sql`and resource_id = ${filter.resourceId}`}
      ${filter.eventId === undefined ? sql`` : sql`and event_id = ${filter.eventId}`}
      ${filter.requestId === undefined ? sql`` : sql`and request_id = ${filter.requestId}`}
      ${filter.level === undefined ? sql`` : sql`and level = ${filter.level}`} ${after} ${order}`;
}

export async function deleteMessageRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_message where id = ${id}`;
}

/** Nobody came to read them. */
export async function deleteExpiredMessages(sql: Queryable, at: Date): Promise<void> {
  await sql`delete from volume_message where expires_at < ${at}`;
}

export async function listProjectMessageIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from volume_message where project_id = ${projectId} order by created_at, id`;
  return rows.map(({ id }) => id);
}
