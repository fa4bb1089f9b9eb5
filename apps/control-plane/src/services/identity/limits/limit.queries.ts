import type { Queryable } from "@andromede/platform/db/database";

import type { Limit, RegisteredLimit } from "./limit.model.ts";

const registeredColumns = (sql: Queryable) => sql`id, service_id, region_id, resource_name, default_limit, description`;
const columns = (sql: Queryable) => sql`
  l.id, l.registered_limit_id, l.project_id, l.domain_id, r.service_id, r.region_id, r.resource_name, l.resource_limit, l.description`;

export type LimitFilter = {
  serviceId: string | undefined;
  regionId: string | undefined;
  resourceName: string | undefined;
};

const matches = (sql: Queryable, filter: LimitFilter) => sql`
  ${filter.serviceId === undefined ? sql`` : sql`and r.service_id = ${filter.serviceId}`}
  ${filter.regionId === undefined ? sql`` : sql`and r.region_id = ${filter.regionId}`}
  ${filter.resourceName === undefined ? sql`` : sql`and r.resource_name = ${filter.resourceName}`}`;

export async function listRegisteredLimits(sql: Queryable, filter: LimitFilter): Promise<RegisteredLimit[]> {
  return sql<RegisteredLimit[]>`
    select ${registeredColumns(sql)} from registered_limit r where true ${matches(sql, filter)} order by id limit 10000`;
}

export async function findRegisteredLimit(sql: Queryable, id: string): Promise<RegisteredLimit | null> {
  const [row] = await sql<RegisteredLimit[]>`select ${registeredColumns(sql)} from registered_limit where id = ${id}`;
  return row ?? null;
}

export async function lockRegisteredLimit(sql: Queryable, id: string): Promise<RegisteredLimit | null> {
  const [row] = await sql<
    RegisteredLimit[]
  >`select ${registeredColumns(sql)} from registered_limit where id = ${id} for update`;
  return row ?? null;
}

/** The one that limits of this kind refer to, kept from vanishing until the transaction ends. */
export async function findReference(
  sql: Queryable,
  wanted: { serviceId: string; regionId: string | null; resourceName: string },
): Promise<RegisteredLimit | null> {
  const [row] = await sql<RegisteredLimit[]>`
    select ${registeredColumns(sql)} from registered_limit
    where service_id = ${wanted.serviceId} and region_id is not distinct from ${wanted.regionId}
      and resource_name = ${wanted.resourceName} for key share`;
  return row ?? null;
}

export async function insertRegisteredLimit(sql: Queryable, limit: RegisteredLimit): Promise<void> {
  await sql`
    insert into registered_limit (id, service_id, region_id, resource_name, default_limit, description)
    values (${limit.id}, ${limit.serviceId}, ${limit.regionId}, ${limit.resourceName}, ${limit.defaultLimit}, ${limit.description})`;
}

export async function updateRegisteredLimitRow(sql: Queryable, limit: RegisteredLimit): Promise<void> {
  await sql`
    update registered_limit set service_id = ${limit.serviceId}, region_id = ${limit.regionId},
      resource_name = ${limit.resourceName}, default_limit = ${limit.defaultLimit}, description = ${limit.description}
    where id = ${limit.id}`;
}

export async function deleteRegisteredLimitRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from registered_limit where id = ${id}`;
}

export async function hasLimits(sql: Queryable, registeredLimitId: string): Promise<boolean> {
  const rows = await sql`select 1 from resource_limit where registered_limit_id = ${registeredLimitId} limit 1`;
  return rows.length > 0;
}

/** Whose limits somebody may see: all; a domain's and its projects'; a project's. */
export type LimitScope = "all" | { domainId: string } | { projectId: string };

export async function listLimits(
  sql: Queryable,
  filter: LimitFilter & { projectId: string | undefined; domainId: string | undefined },
  scope: LimitScope,
): Promise<Limit[]> {
  return sql<Limit[]>`
    select ${columns(sql)} from resource_limit l join registered_limit r on r.id = l.registered_limit_id
    where true ${matches(sql, filter)}
      ${filter.projectId === undefined ? sql`` : sql`and l.project_id = ${filter.projectId}`}
      ${filter.domainId === undefined ? sql`` : sql`and l.domain_id = ${filter.domainId}`}
      ${withinScope(sql, scope)}
    order by l.id limit 10000`;
}

function withinScope(sql: Queryable, scope: LimitScope) {
  if (scope === "all") return sql``;
  return "projectId" in scope
    ? sql`and l.project_id = ${scope.projectId}`
    : sql`and (l.domain_id = ${scope.domainId} or l.project_id = any(array(select id from project where domain_id = ${scope.domainId})))`;
}

export async function findLimit(sql: Queryable, id: string): Promise<Limit | null> {
  const [row] = await sql<Limit[]>`
    select ${columns(sql)} from resource_limit l join registered_limit r on r.id = l.registered_limit_id where l.id = ${id}`;
  return row ?? null;
}

export async function listLimitIdsOfProject(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from resource_limit where project_id = ${projectId} order by id`;
  return rows.map((row) => row.id);
}

export async function insertLimit(sql: Queryable, limit: Limit): Promise<void> {
  await sql`
    insert into resource_limit (id, registered_limit_id, project_id, domain_id, resource_limit, description)
    values (${limit.id}, ${limit.registeredLimitId}, ${limit.projectId}, ${limit.domainId}, ${limit.resourceLimit}, ${limit.description})`;
}

export async function updateLimitRow(sql: Queryable, limit: Limit): Promise<void> {
  await sql`
    update resource_limit set resource_limit = ${limit.resourceLimit}, description = ${limit.description}
    where id = ${limit.id}`;
}

export async function deleteLimitRow(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`delete from resource_limit where id = ${id} returning 1`;
  return rows.length > 0;
}
