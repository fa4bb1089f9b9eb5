/** What the keepers of rows look for. */
import type { Queryable } from "@andromede/platform/db/database";

import type { ContainerSettings } from "../namespace/container.model.ts";
import type { ObjectDetails } from "../namespace/object.model.ts";
import type { KeptContainer } from "./log-removals.ts";

export type EndedRow = Pick<KeptContainer, "projectId" | "name" | "logging"> & {
  containerId: number;
  key: string;
  sequence: number;
};

/** What plain requests would see if its time were not over, the longest over first. */
export async function listEnded(sql: Queryable, now: Date, limit: number): Promise<EndedRow[]> {
  return sql<EndedRow[]>`
    select o.container_id, c.project_id, c.name, c.settings -> 'logging' as logging, o.key, o.sequence from object o join object_container c on c.id = o.container_id
    where o.delete_at is not null and o.is_current and o.delete_at <= ${now} and c.removed_at is null
    order by o.delete_at limit ${limit}`;
}

export type LifecycleContainer = KeptContainer & { lifecycle: ContainerSettings["lifecycle"] };

/** One whose rules were not seen to since `since`; null: none. */
export async function findDueLifecycle(sql: Queryable, since: Date): Promise<LifecycleContainer | null> {
  const [row] = await sql<LifecycleContainer[]>`
    select id, project_id, name, settings -> 'lifecycle' as lifecycle, settings -> 'logging' as logging from object_container
    where settings ? 'lifecycle' and removed_at is null and (lifecycle_at is null or lifecycle_at < ${since})
    order by lifecycle_at nulls first, id limit 1`;
  return row ?? null;
}

/** Unless the rules were changed meanwhile: the new ones are seen to in their own turn. */
export async function recordLifecycle(sql: Queryable, container: LifecycleContainer, at: Date): Promise<void> {
  await sql`
    update object_container set lifecycle_at = ${at}
    where id = ${container.id} and settings -> 'lifecycle' = ${sql.json(container.lifecycle as never)}`;
}

export type LifecycleRow = {
  key: string;
  sequence: number;
  versionId: string;
  isCurrent: boolean;
  isDeleteMarker: boolean;
  size: number;
  modifiedAt: Date;
  tags: ObjectDetails["tags"] | null;
};

const columns = (sql: Queryable) => sql`
  key, sequence, version_id, is_current, is_delete_marker, size, modified_at, details -> 'tags' as tags`;

/** Versions behind the one named, by key, the newest of a key first; a page may end inside a key. */
export async function listLifecycleRows(
  sql: Queryable,
  containerId: number,
  last: Pick<LifecycleRow, "key" | "sequence">,
  limit: number,
): Promise<LifecycleRow[]> {
  const older = await sql<LifecycleRow[]>`
    select ${columns(sql)} from object
    where container_id = ${containerId} and key = ${last.key} and sequence < ${last.sequence}
    order by sequence desc limit ${limit}`;
  if (older.length === limit) return older;
  const rest = await sql<LifecycleRow[]>`
    select ${columns(sql)} from object where container_id = ${containerId} and key > ${last.key}
    order by key, sequence desc limit ${limit - older.length}`;
  return [...older, ...rest];
}

export async function listOldUploads(
  sql: Queryable,
  containerId: number,
  which: { before: Date; last: { initiatedAt: Date; id: string } },
  limit: number,
): Promise<{ id: string; key: string; initiatedAt: Date }[]> {
  return sql<{ id: string; key: string; initiatedAt: Date }[]>`
    select id, key, initiated_at from object_upload
    where container_id = ${containerId} and (initiated_at, id) > (${which.last.initiatedAt}, ${which.last.id})
      and initiated_at < ${which.before}
    order by initiated_at, id limit ${limit}`;
}
