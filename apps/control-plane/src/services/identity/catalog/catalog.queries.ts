import type { Queryable } from "@andromede/platform/db/database";

import type { CatalogService, Endpoint, Region } from "./catalog.model.ts";

const serviceColumns = (sql: Queryable) => sql`id, type, name, description, enabled, extra`;
const endpointColumns = (sql: Queryable) => sql`id, service_id, region_id, interface, url, enabled, extra`;
const regionColumns = (sql: Queryable) => sql`id, description, parent_region_id, extra`;

export const listServices = async (sql: Queryable): Promise<CatalogService[]> =>
  sql<CatalogService[]>`select ${serviceColumns(sql)} from catalog_service order by id`;

export async function findService(sql: Queryable, id: string): Promise<CatalogService | null> {
  const [row] = await sql<CatalogService[]>`select ${serviceColumns(sql)} from catalog_service where id = ${id}`;
  return row ?? null;
}

export async function lockService(sql: Queryable, id: string): Promise<CatalogService | null> {
  const [row] = await sql<
    CatalogService[]
  >`select ${serviceColumns(sql)} from catalog_service where id = ${id} for update`;
  return row ?? null;
}

export async function putService(sql: Queryable, service: CatalogService): Promise<void> {
  await sql`
    insert into catalog_service (id, type, name, description, enabled, extra)
    values (${service.id}, ${service.type}, ${service.name}, ${service.description}, ${service.enabled}, ${sql.json(service.extra)})
    on conflict (id) do update set type = excluded.type, name = excluded.name, description = excluded.description,
      enabled = excluded.enabled, extra = excluded.extra`;
}

/** With its endpoints, as Keystone. */
export async function deleteServiceRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from catalog_endpoint where service_id = ${id}`;
  await sql`delete from catalog_service where id = ${id}`;
}

export const listEndpoints = async (sql: Queryable): Promise<Endpoint[]> =>
  sql<Endpoint[]>`select ${endpointColumns(sql)} from catalog_endpoint order by id`;

export async function findEndpoint(sql: Queryable, id: string): Promise<Endpoint | null> {
  const [row] = await sql<Endpoint[]>`select ${endpointColumns(sql)} from catalog_endpoint where id = ${id}`;
  return row ?? null;
}

export async function lockEndpoint(sql: Queryable, id: string): Promise<Endpoint | null> {
  const [row] = await sql<Endpoint[]>`select ${endpointColumns(sql)} from catalog_endpoint where id = ${id} for update`;
  return row ?? null;
}

export async function putEndpoint(sql: Queryable, endpoint: Endpoint): Promise<void> {
  await sql`
    insert into catalog_endpoint (id, service_id, region_id, interface, url, enabled, extra)
    values (${endpoint.id}, ${endpoint.serviceId}, ${endpoint.regionId}, ${endpoint.interface}, ${endpoint.url},
      ${endpoint.enabled}, ${sql.json(endpoint.extra)})
    on conflict (id) do update set service_id = excluded.service_id, region_id = excluded.region_id,
      interface = excluded.interface, url = excluded.url, enabled = excluded.enabled, extra = excluded.extra`;
}

export async function deleteEndpointRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from catalog_endpoint where id = ${id}`;
}

export const listRegions = async (sql: Queryable): Promise<Region[]> =>
  sql<Region[]>`select ${regionColumns(sql)} from region order by id`;

export async function findRegion(sql: Queryable, id: string): Promise<Region | null> {
  const [row] = await sql<Region[]>`select ${regionColumns(sql)} from region where id = ${id}`;
  return row ?? null;
}

/** All of them, kept from changing until the transaction ends: what a tree looks like is decided on the whole of it. */
export async function lockRegions(sql: Queryable): Promise<Region[]> {
  await sql`lock table region in share row exclusive mode`;
  return listRegions(sql);
}

export async function insertRegion(sql: Queryable, region: Region): Promise<void> {
  await sql`
    insert into region (id, description, parent_region_id, extra)
    values (${region.id}, ${region.description}, ${region.parentRegionId}, ${sql.json(region.extra)})`;
}

/** For an endpoint that names one that nobody made, as Keystone. */
export async function ensureRegion(sql: Queryable, id: string): Promise<void> {
  await sql`insert into region (id) values (${id}) on conflict do nothing`;
}

export async function updateRegionRow(sql: Queryable, region: Region): Promise<void> {
  await sql`
    update region set description = ${region.description}, parent_region_id = ${region.parentRegionId},
      extra = ${sql.json(region.extra)} where id = ${region.id}`;
}

export async function countEndpointsIn(sql: Queryable, regionIds: string[]): Promise<number> {
  const [row] = await sql<
    { n: number }[]
  >`select count(*)::int as n from catalog_endpoint where region_id = any(${regionIds}::text[])`;
  return row?.n ?? 0;
}

export async function deleteRegions(sql: Queryable, ids: string[]): Promise<void> {
  await sql`delete from region where id = any(${ids}::text[])`;
}

export async function countLimitsOf(
  sql: Queryable,
  where: { serviceId: string } | { regionIds: string[] },
): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from registered_limit
    where ${"serviceId" in where ? sql`service_id = ${where.serviceId}` : sql`region_id = any(${where.regionIds}::text[])`}`;
  return row?.n ?? 0;
}
