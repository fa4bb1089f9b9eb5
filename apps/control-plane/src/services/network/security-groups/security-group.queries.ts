import type { Queryable } from "@andromede/platform/db/database";

import { afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { openTo } from "../common/sharing.queries.ts";
import type { SecurityGroup } from "./security-group.model.ts";

const columns = (sql: Queryable) =>
  sql`t.id, t.project_id, t.name, t.description, t.stateful, t.is_default, t.shared_with, t.tags, t.revision_number, t.created_at, t.updated_at`;
const scope = openTo;

export async function insertSecurityGroup(
  sql: Queryable,
  group: Pick<SecurityGroup, "id" | "projectId" | "name" | "description" | "stateful" | "isDefault">,
): Promise<SecurityGroup> {
  const [row] = await sql<SecurityGroup[]>`
    insert into security_group as t (id, project_id, name, description, stateful, is_default)
    values (${group.id}, ${group.projectId}, ${group.name}, ${group.description}, ${group.stateful}, ${group.isDefault})
    returning ${columns(sql)}`;
  return row as SecurityGroup;
}

export async function setDefaultGroup(sql: Queryable, projectId: string, securityGroupId: string): Promise<void> {
  await sql`update network_project set default_security_group_id = ${securityGroupId} where project_id = ${projectId}`;
}

export async function findSecurityGroup(
  sql: Queryable,
  requester: Requester,
  id: string,
): Promise<SecurityGroup | null> {
  const [row] = await sql<
    SecurityGroup[]
  >`select ${columns(sql)} from security_group t where t.id = ${id} and ${scope(sql, requester)}`;
  return row ?? null;
}

/** Held against deletion, or (`exclusive`) against being taken into use, until the transaction ends. In order of id. */
export async function lockSecurityGroups(
  sql: Queryable,
  requester: Requester,
  ids: string[],
  exclusive = false,
): Promise<SecurityGroup[]> {
  return sql<SecurityGroup[]>`
    select ${columns(sql)} from security_group t where t.id = any(${ids}::text[]) and ${scope(sql, requester)}
    order by t.id ${exclusive ? sql`for update` : sql`for key share`}`;
}

/** Groups that a name or id may mean. */
export async function findSecurityGroupsNamed(
  sql: Queryable,
  requester: Requester,
  names: string[],
): Promise<{ id: string; name: string }[]> {
  return sql<{ id: string; name: string }[]>`
    select t.id, t.name from security_group t where t.project_id = ${requester.projectId} and t.name = any(${names}::text[])
    union select t.id, t.name from security_group t where t.id = any(${names}::text[]) and ${scope(sql, requester)}`;
}

export async function listSecurityGroups(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<SecurityGroup[]> {
  const marker = await findMarker(sql, "security_group", scope(sql, requester), request);
  const rows = await sql<SecurityGroup[]>`
    select ${columns(sql)} from security_group t where ${scope(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateSecurityGroupRow(
  sql: Queryable,
  id: string,
  change: Partial<Pick<SecurityGroup, "name" | "description" | "stateful">>,
): Promise<SecurityGroup> {
  const [row] = await sql<SecurityGroup[]>`
    update security_group t set name = coalesce(${change.name ?? null}, t.name), description = coalesce(${change.description ?? null}, t.description),
      stateful = coalesce(${change.stateful ?? null}::boolean, t.stateful), revision_number = t.revision_number + 1, updated_at = now()
    where t.id = ${id} returning ${columns(sql)}`;
  return row as SecurityGroup;
}

/** A rule came or went. */
export async function touchSecurityGroup(sql: Queryable, id: string): Promise<void> {
  await sql`update security_group set revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

export async function isSecurityGroupUsed(sql: Queryable, id: string): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    select exists (select 1 from port where security_group_ids @> array[${id}]::text[]) as used`;
  return row?.used ?? false;
}

export async function deleteSecurityGroupRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from security_group where id = ${id}`;
}

/** Groups whose rules let in the members of this one: they change when it goes. */
export async function listGroupsNaming(sql: Queryable, id: string): Promise<string[]> {
  const rows = await sql<{ securityGroupId: string }[]>`
    select distinct security_group_id from security_group_rule where remote_group_id = ${id} and security_group_id <> ${id}`;
  return rows.map((row) => row.securityGroupId);
}

/** A page of a project's groups (null: of everybody's), by owner and name. */
export async function listGroupsOf(
  sql: Queryable,
  projectId: string | null,
  page: { limit: number; offset: number },
): Promise<SecurityGroup[]> {
  return sql<SecurityGroup[]>`
    select ${columns(sql)} from security_group t where ${projectId === null ? sql`true` : sql`t.project_id = ${projectId}`}
    order by t.project_id, t.name, t.id limit ${page.limit} offset ${page.offset}`;
}

export async function listGroupsById(sql: Queryable, ids: string[]): Promise<SecurityGroup[]> {
  return sql<SecurityGroup[]>`
    select ${columns(sql)} from security_group t where t.id = any(${ids}::text[]) order by t.name, t.id`;
}
