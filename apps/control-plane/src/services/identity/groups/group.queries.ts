import type { Queryable } from "@andromede/platform/db/database";

import type { ListFilter } from "../shared/list-filter.ts";
import { listConditions } from "../shared/list.queries.ts";
import type { Group } from "./group.model.ts";

const columns = (sql: Queryable) => sql`id, domain_id, name, description, extra`;

/** One outside the given domain (null: any) is not there. */
export async function findGroupInDomain(sql: Queryable, id: string, domainId: string | null): Promise<Group | null> {
  const [row] = await sql<Group[]>`
    select ${columns(sql)} from user_group where id = ${id} ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`}`;
  return row ?? null;
}

export async function lockGroup(sql: Queryable, id: string, domainId: string | null): Promise<Group | null> {
  const [row] = await sql<Group[]>`
    select ${columns(sql)} from user_group
    where id = ${id} ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`} for update`;
  return row ?? null;
}

export async function listGroups(sql: Queryable, filter: ListFilter, domainId: string | null): Promise<Group[]> {
  return sql<Group[]>`
    select ${columns(sql)} from user_group
    where true ${listConditions(sql, filter)} ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`}
    order by id limit ${filter.limit + 1}`;
}

export async function listGroupsOfUser(sql: Queryable, userId: string, filter: ListFilter): Promise<Group[]> {
  return sql<Group[]>`
    select ${columns(sql)} from user_group
    where id in (select group_id from group_member where user_id = ${userId}) ${listConditions(sql, filter)}
    order by id limit ${filter.limit + 1}`;
}

export async function insertGroup(sql: Queryable, group: Group): Promise<void> {
  await sql`
    insert into user_group (id, domain_id, name, description, extra)
    values (${group.id}, ${group.domainId}, ${group.name}, ${group.description}, ${sql.json(group.extra)})`;
}

export async function updateGroupRow(sql: Queryable, group: Group): Promise<void> {
  await sql`
    update user_group set name = ${group.name}, description = ${group.description}, extra = ${sql.json(group.extra)}
    where id = ${group.id}`;
}

export async function deleteGroupRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from user_group where id = ${id}`;
}

export async function isMember(sql: Queryable, groupId: string, userId: string): Promise<boolean> {
  const rows = await sql`select 1 from group_member where group_id = ${groupId} and user_id = ${userId}`;
  return rows.length > 0;
}

export async function insertMember(sql: Queryable, groupId: string, userId: string): Promise<void> {
  await sql`insert into group_member (group_id, user_id) values (${groupId}, ${userId}) on conflict do nothing`;
}

/** Was there one to remove? */
export async function deleteMember(sql: Queryable, groupId: string, userId: string): Promise<boolean> {
  const rows = await sql`delete from group_member where group_id = ${groupId} and user_id = ${userId} returning 1`;
  return rows.length > 0;
}

export async function listMemberIds(sql: Queryable, groupId: string): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`select user_id from group_member where group_id = ${groupId}`;
  return rows.map((row) => row.userId);
}
