/** Every statement on accounts and containers. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Container, ContainerSettings, Usage } from "./container.model.ts";
import type { Span } from "./names.ts";
import type { Account } from "./namespace.ts";
import type { StoredObject } from "./object.model.ts";
import { type ObjectColumns, objectColumns, objectOf } from "./object.queries.ts";

const columns = (sql: Queryable) => sql`
  c.id, c.project_id, c.name, c.global_name, c.wrapped_key, c.wrapped_name, c.metadata, c.settings, c.quota_bytes, c.quota_objects,
  c.created_by, c.created_at, c.updated_at`;

export async function findAccount(sql: Queryable, projectId: string): Promise<Account | null> {
  const [row] = await sql<Account[]>`
    select project_id, metadata, quota_bytes, quota_objects, created_at from object_account
    where project_id = ${projectId}`;
  return row ?? null;
}

export async function insertAccount(sql: Queryable, projectId: string): Promise<void> {
  await sql`insert into object_account (project_id) values (${projectId}) on conflict do nothing`;
}

/** For who changes it. */
export async function lockAccount(sql: Queryable, projectId: string): Promise<Account | null> {
  const [row] = await sql<Account[]>`
    select project_id, metadata, quota_bytes, quota_objects, created_at from object_account
    where project_id = ${projectId} for no key update`;
  return row ?? null;
}

export async function updateAccountRow(sql: Queryable, account: Account): Promise<void> {
  await sql`
    update object_account set metadata = ${sql.json(account.metadata)}, quota_bytes = ${account.quotaBytes},
      quota_objects = ${account.quotaObjects}, updated_at = now()
    where project_id = ${account.projectId}`;
}

export async function sumAccount(sql: Queryable, projectId: string): Promise<Usage & { containers: number }> {
  const [row] = await sql<(Usage & { containers: number })[]>`
    select count(distinct c.id) as containers, coalesce(sum(u.objects), 0)::bigint as objects,
      coalesce(sum(u.bytes), 0)::bigint as bytes
    from object_container c left join object_usage u on u.container_id = c.id
    where c.project_id = ${projectId} and c.removed_at is null`;
  return row ?? { containers: 0, objects: 0, bytes: 0 };
}

export async function sumContainer(sql: Queryable, containerId: number): Promise<Usage> {
  const [row] = await sql<Usage[]>`
    select coalesce(sum(objects), 0)::bigint as objects, coalesce(sum(bytes), 0)::bigint as bytes
    from object_usage where container_id = ${containerId}`;
  return row ?? { objects: 0, bytes: 0 };
}

export type ContainerRow = Pick<Container, "id" | "name" | "createdAt" | "updatedAt"> & Usage;

/** What quotas are compared with: parts of uploads that are not complete lie there as objects do. */
export async function sumForQuota(sql: Queryable, of: { projectId: string } | { containerId: number }): Promise<Usage> {
  const [row] = await sql<Usage[]>`
    select coalesce(sum(u.objects), 0)::bigint as objects, coalesce(sum(u.bytes + u.part_bytes), 0)::bigint as bytes
    from ${
      "containerId" in of
        ? sql`object_usage u where u.container_id = ${of.containerId}`
        : sql`object_container c join object_usage u on u.container_id = c.id
            where c.project_id = ${of.projectId} and c.removed_at is null`
    }`;
  return row ?? { objects: 0, bytes: 0 };
}

/** A page by name; what each holds is summed for those of the page only. */
export async function listContainerRows(
  sql: Queryable,
  projectId: string,
  { low, high }: Span,
  options: { reverse: boolean; limit: number },
): Promise<ContainerRow[]> {
  return sql<ContainerRow[]>`
    select c.id, c.name, c.created_at, c.updated_at, u.objects, u.bytes
    from (
      select id, name, created_at, updated_at from object_container
      where project_id = ${projectId} and name >= ${low} and name < ${high} and removed_at is null
      order by name ${options.reverse ? sql`desc` : sql`asc`} limit ${options.limit}
    ) c cross join lateral (
      select coalesce(sum(objects), 0)::bigint as objects, coalesce(sum(bytes), 0)::bigint as bytes
      from object_usage where container_id = c.id
    ) u
    order by c.name ${options.reverse ? sql`desc` : sql`asc`}`;
}

export async function findContainerRow(sql: Queryable, projectId: string, name: string): Promise<Container | null> {
  const [row] = await sql<Container[]>`
    select ${columns(sql)} from object_container c
    where project_id = ${projectId} and name = ${name} and removed_at is null`;
  return row ?? null;
}

/** `stamp`: another one when the container's row is another. */
export type Found = { id: number; stamp: string; object: StoredObject | null };

/**
 * Which container a name means, and what is current under a key of its: most requests ask for both, and this is one look. What
 * the container was told is not read but stamped: there is much of it, and it seldom changes.
 */
export async function findContainerAndCurrent(
  sql: Queryable,
  where: { projectId: string | null; name: string; global: boolean },
  key: string,
): Promise<Found | null> {
  const { projectId, name } = where;
  type Row = { id: number; stamp: string } & ObjectColumns;
  const found = (by: "own" | "global") => sql`
    select c.id, c.xmin::text as stamp, ${objectColumns(sql)}
    from object_container c left join object o on o.container_id = c.id and o.key = ${key} and o.is_current
    where ${by === "own" ? sql`c.project_id = ${projectId} and c.name = ${name}` : sql`c.global_name = ${name}`}
      and c.removed_at is null`;
  // the own one comes first, and then the other is not looked for
  const [row] =
    projectId === null
      ? await sql<Row[]>`${found("global")}`
      : where.global
        ? await sql<Row[]>`(${found("own")}) union all (${found("global")}) limit 1`
        : await sql<Row[]>`${found("own")}`;
  return row === undefined ? null : { id: row.id, stamp: row.stamp, object: objectOf(row.id, key, row) };
}

/** With the stamp of what was read. */
export async function readContainer(
  sql: Queryable,
  id: number,
): Promise<{ stamp: string; container: Container } | null> {
  const [row] = await sql<(Container & { stamp: string })[]>`
    select c.xmin::text as stamp, ${columns(sql)} from object_container c where id = ${id} and removed_at is null`;
  if (row === undefined) return null;
  const { stamp, ...container } = row;
  return { stamp, container };
}

/** As it is now; null: deleted, or being purged. */
export async function findContainerById(sql: Queryable, id: number): Promise<Container | null> {
  const [row] = await sql<Container[]>`
    select ${columns(sql)} from object_container c where id = ${id} and removed_at is null`;
  return row ?? null;
}

export type NewContainer = Pick<
  Container,
  "projectId" | "name" | "globalName" | "wrappedKey" | "wrappedName" | "createdBy" | "quotaBytes" | "quotaObjects"
> & { metadata: Container["metadata"]; settings: ContainerSettings };

/** null: one of its names is taken. */
export async function insertContainer(sql: Queryable, made: NewContainer): Promise<Container | null> {
  const [row] = await sql<Container[]>`
    insert into object_container as c (project_id, name, global_name, wrapped_key, wrapped_name, metadata, settings,
      quota_bytes, quota_objects, created_by)
    values (${made.projectId}, ${made.name}, ${made.globalName}, ${made.wrappedKey}, ${made.wrappedName},
      ${sql.json(made.metadata)}, ${sql.json(made.settings as never)}, ${made.quotaBytes}, ${made.quotaObjects},
      ${made.createdBy})
    on conflict do nothing
    returning ${columns(sql)}`;
  return row ?? null;
}

export async function updateContainerRow(sql: Queryable, container: Container): Promise<Container | null> {
  const [row] = await sql<Container[]>`
    update object_container c set metadata = ${sql.json(container.metadata)}, settings = ${sql.json(container.settings as never)},
      quota_bytes = ${container.quotaBytes}, quota_objects = ${container.quotaObjects},
      global_name = ${container.globalName}, updated_at = clock_timestamp(),
      lifecycle_at = case when settings -> 'lifecycle' is not distinct from ${sql.json(container.settings as never)}::jsonb -> 'lifecycle'
        then lifecycle_at end
    where id = ${container.id} and removed_at is null
    returning ${columns(sql)}`;
  return row ?? null;
}

/** Is there anything that somebody could still see? With versions, what has come to its end stays as one of them. */
export async function isInUse(sql: Queryable, containerId: number, now: Date): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    select exists (
      select from object where container_id = ${containerId} and (delete_at is null or delete_at > ${now} or not is_current
        or exists (select from object_container where id = ${containerId} and settings ? 'versioning'))
    ) or exists (select from object_upload where container_id = ${containerId}) as used`;
  return row?.used ?? false;
}

export async function deleteContainerRow(sql: Queryable, containerId: number): Promise<boolean> {
  return (await sql`delete from object_container where id = ${containerId}`).count > 0;
}
