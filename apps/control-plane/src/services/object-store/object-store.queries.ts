/** What the control plane does with rows of apps/object-store: it lists, exports and purges them. */
import type { Queryable } from "@andromede/platform/db/database";

export type AccountRow = {
  projectId: string;
  metadata: { [name: string]: string };
  quotaBytes: number | null;
  quotaObjects: number | null;
  createdAt: Date;
};
export type ContainerRow = AccountRow & {
  id: number;
  name: string;
  settings: { [name: string]: unknown };
  objects: number;
  bytes: number;
  createdBy: string;
  removedAt: Date | null;
};
export type ObjectRow = {
  key: string;
  size: number;
  etag: string;
  contentType: string;
  modifiedAt: Date;
  metadata: { [name: string]: string } | null;
};

/** As in apps/object-store (namespace/locks.queries.ts): who holds it alone is alone with the container. */
const CONTAINER_LOCK = 1_868_720_739;

export async function findAccount(sql: Queryable, projectId: string): Promise<AccountRow | null> {
  const [row] = await sql<AccountRow[]>`
    select project_id, metadata, quota_bytes, quota_objects, created_at from object_account
    where project_id = ${projectId}`;
  return row ?? null;
}

/** With what was metered of it, and what was on its way into its logs. */
export async function deleteAccount(sql: Queryable, projectId: string): Promise<boolean> {
  const [gone] = await Promise.all([
    sql`delete from object_account where project_id = ${projectId}`,
    sql`delete from object_traffic where project_id = ${projectId}`,
    sql`delete from object_access_log where project_id = ${projectId}`,
  ]);
  return gone.count > 0;
}

export async function isMetered(sql: Queryable, projectId: string): Promise<boolean> {
  const rows = await sql`select 1 from object_traffic where project_id = ${projectId} limit 1`;
  return rows.length > 0;
}

export async function listContainerIds(sql: Queryable, projectId: string): Promise<number[]> {
  const rows = await sql<
    { id: number }[]
  >`select id from object_container where project_id = ${projectId} order by name`;
  return rows.map(({ id }) => id);
}

export async function findContainer(sql: Queryable, id: number): Promise<ContainerRow | null> {
  const [row] = await sql<ContainerRow[]>`
    select c.id, c.project_id, c.name, c.metadata, c.settings, c.quota_bytes, c.quota_objects, c.created_by, c.created_at,
      c.removed_at, coalesce(sum(u.objects), 0)::bigint as objects, coalesce(sum(u.bytes), 0)::bigint as bytes
    from object_container c left join object_usage u on u.container_id = c.id
    where c.id = ${id} group by c.id`;
  return row ?? null;
}

/** Waits for who writes into it; from then on, until the transaction ends, nobody does. */
export async function lockContainer(sql: Queryable, id: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(${CONTAINER_LOCK}::int, (${id}::bigint & 2147483647)::int)`;
}

/** When the last retention that nobody may shorten is over, or `legal hold`; null: nothing is locked. */
export async function findObjectLock(sql: Queryable, id: number): Promise<string | null> {
  const [row] = await sql<{ reason: string | null }[]>`
    select case when bool_or(details -> 'legalHold' = 'true') then 'legal hold'
      else max(details -> 'retention' ->> 'until') end as reason
    from object
    where container_id = ${id} and details ?| '{retention,legalHold}'
      and (details -> 'legalHold' = 'true' or (details -> 'retention' ->> 'mode' = 'COMPLIANCE'
        and (details -> 'retention' ->> 'until')::timestamptz > now()))`;
  return row?.reason ?? null;
}

export async function markRemoved(sql: Queryable, id: number): Promise<void> {
  // its name in the one name space is free at once
  await sql`update object_container set removed_at = now(), global_name = null where id = ${id} and removed_at is null`;
}

/** Some of what is in a removed container; their chunks are nobody's then, for the collector. Gives how many rows went. */
export async function deleteContents(sql: Queryable, id: number, limit: number): Promise<number> {
  const [objects, parts, uploads] = await Promise.all([
    sql<{ n: number }[]>`
      with gone as (
        delete from object where (container_id, key, sequence) in (
          select container_id, key, sequence from object where container_id = ${id}
          order by key, sequence limit ${limit})
        returning sequence
      ), freed as (
        update object_chunk set owner = null, garbage_at = now() where owner in (select sequence from gone)
      ) select count(*)::int as n from gone`,
    sql<{ n: number }[]>`
      with gone as (
        delete from object_part where (upload_id, number) in (
          select p.upload_id, p.number from object_upload u join object_part p on p.upload_id = u.id
          where u.container_id = ${id} limit ${limit})
        returning sequence
      ), freed as (
        update object_chunk set owner = null, garbage_at = now() where owner in (select sequence from gone)
      ) select count(*)::int as n from gone`,
    sql`
      delete from object_upload where id in (
        select u.id from object_upload u where u.container_id = ${id}
          and not exists (select from object_part p where p.upload_id = u.id) limit ${limit})`,
  ]);
  return (objects[0]?.n ?? 0) + (parts[0]?.n ?? 0) + uploads.count;
}

export async function deleteContainer(sql: Queryable, id: number): Promise<void> {
  await sql`delete from object_container where id = ${id}`;
}

export async function findCurrentObject(sql: Queryable, containerId: number, key: string): Promise<ObjectRow | null> {
  const [row] = await sql<ObjectRow[]>`
    select key, size, etag, content_type, modified_at, metadata from object
    where container_id = ${containerId} and key = ${key} and is_current`;
  return row ?? null;
}

export async function listKeyNames(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select name from object_key where project_id = ${projectId} order by name`;
  return rows.map(({ name }) => name);
}

export async function findKey(sql: Queryable, projectId: string, name: string): Promise<{ createdAt: Date } | null> {
  const [row] = await sql<{ createdAt: Date }[]>`
    select created_at from object_key where project_id = ${projectId} and name = ${name}`;
  return row ?? null;
}

export async function deleteKey(sql: Queryable, projectId: string, name: string): Promise<boolean> {
  return (await sql`delete from object_key where project_id = ${projectId} and name = ${name}`).count > 0;
}
