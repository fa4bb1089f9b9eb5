import type { Queryable } from "@andromede/platform/db/database";

import type { ListFilter } from "../shared/list-filter.ts";
import { listConditions } from "../shared/list.queries.ts";
import type { Role } from "./role.model.ts";

const columns = (sql: Queryable) => sql`id, name, domain_id, description, immutable, extra`;

export async function findRole(sql: Queryable, id: string): Promise<Role | null> {
  const [row] = await sql<Role[]>`select ${columns(sql)} from role where id = ${id}`;
  return row ?? null;
}

/** Of everybody's roles. */
export async function findRoleByName(sql: Queryable, name: string): Promise<Role | null> {
  const [row] = await sql<Role[]>`select ${columns(sql)} from role where name = ${name} and domain_id is null`;
  return row ?? null;
}

export async function lockRole(sql: Queryable, id: string): Promise<Role | null> {
  const [row] = await sql<Role[]>`select ${columns(sql)} from role where id = ${id} for update`;
  return row ?? null;
}

/** Everybody's roles, or (with a domain) those of that domain only, as Keystone. */
export async function listRoles(sql: Queryable, filter: ListFilter, domainId: string | null): Promise<Role[]> {
  return sql<Role[]>`
    select ${columns(sql)} from role
    where domain_id is not distinct from ${domainId} ${listConditions(sql, filter)}
    order by id limit ${filter.limit + 1}`;
}

export async function insertRole(sql: Queryable, role: Role): Promise<void> {
  await sql`
    insert into role (id, name, domain_id, description, immutable, extra)
    values (${role.id}, ${role.name}, ${role.domainId}, ${role.description}, ${role.immutable}, ${sql.json(role.extra)})`;
}

export async function updateRoleRow(sql: Queryable, role: Role): Promise<void> {
  await sql`
    update role set name = ${role.name}, description = ${role.description}, immutable = ${role.immutable},
      extra = ${sql.json(role.extra)} where id = ${role.id}`;
}

export async function deleteRoleRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from role where id = ${id}`;
}

/** What one role implies by itself, or (null) all there is. */
export async function listImplications(
  sql: Queryable,
  priorId: string | null,
): Promise<{ priorId: string; impliedId: string }[]> {
  return sql<{ priorId: string; impliedId: string }[]>`
    select prior_role_id as prior_id, implied_role_id as implied_id from role_implication
    ${priorId === null ? sql`` : sql`where prior_role_id = ${priorId}`}
    order by prior_role_id, implied_role_id`;
}

export async function listRolesById(sql: Queryable, ids: string[]): Promise<Role[]> {
  return sql<Role[]>`select ${columns(sql)} from role where id = any(${ids}::text[]) order by name, id`;
}

export async function insertImplication(sql: Queryable, priorId: string, impliedId: string): Promise<void> {
  await sql`
    insert into role_implication (prior_role_id, implied_role_id) values (${priorId}, ${impliedId}) on conflict do nothing`;
}

/** Was there one to remove? */
export async function deleteImplication(sql: Queryable, priorId: string, impliedId: string): Promise<boolean> {
  const rows = await sql`
    delete from role_implication where prior_role_id = ${priorId} and implied_role_id = ${impliedId} returning 1`;
  return rows.length > 0;
}
