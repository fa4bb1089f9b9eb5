/** Every statement on server groups. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { ServerGroup, ServerGroupWithMembers } from "./server-group.model.ts";

const columns = (sql: Queryable) => sql`
  g.id, g.number, g.project_id, g.user_id, g.name, g.policy, g.max_server_per_host, g.created_at`;
const members = (sql: Queryable) => sql`
  array(select m.server_id from server_group_member m where m.group_id = g.id order by m.server_id) as members`;

export type NewServerGroup = Omit<ServerGroup, "number">;

export async function insertServerGroup(sql: postgres.ISql, group: NewServerGroup): Promise<void> {
  await sql`insert into server_group ${(sql as postgres.Sql)(group as never)}`;
}

/** `projectId` null: anybody's. */
export async function findServerGroup(
  sql: Queryable,
  id: string,
  projectId: string | null,
): Promise<ServerGroupWithMembers | null> {
  const [row] = await sql<ServerGroupWithMembers[]>`
    select ${columns(sql)}, ${members(sql)} from server_group g
    where g.id = ${id} ${projectId === null ? sql`` : sql`and g.project_id = ${projectId}`}`;
  return row ?? null;
}

/** Held until the transaction ends: whoever places a server of the group waits here, and then sees where the others went. */
export async function lockServerGroup(sql: Queryable, id: string, projectId: string): Promise<ServerGroup | null> {
  const [row] = await sql<ServerGroup[]>`
    select ${columns(sql)} from server_group g where g.id = ${id} and g.project_id = ${projectId} for update`;
  return row ?? null;
}

/** Oldest first. `projectId` null: everybody's. */
export function listServerGroups(
  sql: Queryable,
  projectId: string | null,
  window: { limit: number; offset: number },
): postgres.PendingQuery<ServerGroupWithMembers[]> {
  return sql<ServerGroupWithMembers[]>`
    select ${columns(sql)}, ${members(sql)} from server_group g
    ${projectId === null ? sql`` : sql`where g.project_id = ${projectId}`}
    order by g.number limit ${window.limit} offset ${window.offset}`;
}

export async function listServerGroupIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from server_group where project_id = ${projectId} order by number`;
  return rows.map((row) => row.id);
}

export async function countServerGroups(sql: Queryable, projectId: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from server_group where project_id = ${projectId}`;
  return row?.n ?? 0;
}

/** Its servers stay, and stay where they are. */
export async function deleteServerGroup(sql: Queryable, id: string, projectId: string | null): Promise<string | null> {
  const [row] = await sql<{ projectId: string }[]>`
    delete from server_group where id = ${id} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`} returning project_id`;
  return row?.projectId ?? null;
}

export async function insertServerGroupMember(sql: Queryable, groupId: string, serverId: string): Promise<void> {
  await sql`insert into server_group_member (server_id, group_id) values (${serverId}, ${groupId})`;
}

/** How many servers of the group there are, and how many of them on which host; `except` is counted nowhere. */
export async function countGroupMembers(
  sql: Queryable,
  groupId: string,
  except: string | null,
): Promise<{ host: string | null; servers: number }[]> {
  return sql<{ host: string | null; servers: number }[]>`
    select s.host, count(*)::int as servers from server_group_member m join server s on s.id = m.server_id
    where m.group_id = ${groupId} and m.server_id is distinct from ${except} group by s.host`;
}

/** The groups of servers, for their views. */
export async function groupsOfServers(sql: Queryable, serverIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql<{ serverId: string; groupId: string }[]>`
    select server_id, group_id from server_group_member where server_id = any(${serverIds as string[]})`;
  return new Map(rows.map((row) => [row.serverId, row.groupId]));
}
