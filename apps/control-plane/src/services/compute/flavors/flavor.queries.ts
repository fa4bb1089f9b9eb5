/** Every statement on flavors. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import { FLAVOR_SORT, type Flavor, type FlavorSortKey } from "./flavor.model.ts";

const columns = (sql: Queryable) => sql`
  f.id, f.name, f.vcpus, f.ram_mib, f.disk_gib, f.ephemeral_gib, f.swap_mib, f.rxtx_factor, f.is_public, f.disabled, f.description, f.extra_specs,
  f.created_at, f.updated_at`;

/** Public ones, and those the project was let in to; null: all. */
const visible = (sql: Queryable, projectId: string | null) =>
  projectId === null
    ? sql`true`
    : sql`(f.is_public or exists (select 1 from flavor_access a where a.flavor_id = f.id and a.project_id = ${projectId}))`;

/** A flavor that the project may use; null project: any. */
export async function findFlavor(sql: Queryable, id: string, projectId: string | null): Promise<Flavor | null> {
  const [row] = await sql<
    Flavor[]
  >`select ${columns(sql)} from flavor f where f.id = ${id} and ${visible(sql, projectId)}`;
  return row ?? null;
}

export type FlavorPage = {
  projectId: string | null;
  isPublic: boolean | null;
  minDiskGib: number;
  minRamMib: number;
  sortKey: FlavorSortKey;
  descending: boolean;
  marker: string | undefined;
  limit: number;
};

/** One page. */
export function listFlavors(sql: Queryable, page: FlavorPage): postgres.PendingQuery<Flavor[]> {
  const sort = sql`f.${sql(FLAVOR_SORT[page.sortKey])}`;
  const key =
    page.sortKey === "description"
      ? sql`coalesce(f.description, '')`
      : page.sortKey === "updated_at"
        ? sql`coalesce(f.updated_at, f.created_at)`
        : sort;
  const markerKey = sql`(select ${key} from flavor f where f.id = ${page.marker ?? ""})`;
  const direction = page.descending ? sql`desc` : sql`asc`;
  const after = page.descending
    ? sql`(${key}, f.id) < (${markerKey}, ${page.marker ?? ""})`
    : sql`(${key}, f.id) > (${markerKey}, ${page.marker ?? ""})`;
  return sql<Flavor[]>`
    select ${columns(sql)} from flavor f
    where ${visible(sql, page.projectId)} and not f.disabled
      and f.disk_gib >= ${page.minDiskGib} and f.ram_mib >= ${page.minRamMib}
      ${page.isPublic === null ? sql`` : sql`and f.is_public = ${page.isPublic}`}
      ${page.marker === undefined ? sql`` : sql`and ${after}`}
    order by ${key} ${direction}, f.id ${direction} limit ${page.limit}`;
}

/** False: there is one of that id or name. */
export async function insertFlavor(
  sql: postgres.ISql,
  flavor: Omit<Flavor, "extraSpecs" | "updatedAt">,
): Promise<boolean> {
  const rows =
    await sql`insert into flavor ${(sql as postgres.Sql)(flavor as never)} on conflict do nothing returning id`;
  return rows.length > 0;
}

/** Servers made from it keep their copy. */
export async function deleteFlavor(sql: Queryable, id: string): Promise<boolean> {
  return (await sql`delete from flavor where id = ${id} returning id`).length > 0;
}

/** Only the description of a flavor may change (microversion 2.55). */
export async function setFlavorDescription(
  sql: Queryable,
  id: string,
  description: string | null,
  at: Date,
): Promise<Flavor | null> {
  const [row] = await sql<
    Flavor[]
  >`update flavor f set description = ${description}, updated_at = ${at} where id = ${id} returning ${columns(sql)}`;
  return row ?? null;
}

/** Merges extra specs. Null: no such flavor. */
export async function mergeExtraSpecs(
  sql: postgres.ISql,
  id: string,
  specs: { [key: string]: string },
): Promise<Flavor | null> {
  const [row] = await sql<
    Flavor[]
  >`update flavor f set extra_specs = extra_specs || ${sql.json(specs)} where id = ${id} returning ${columns(sql)}`;
  return row ?? null;
}

/** False: the flavor has no such key. */
export async function removeExtraSpec(sql: Queryable, id: string, key: string): Promise<boolean> {
  return (
    (
      await sql`update flavor set extra_specs = extra_specs - ${key}::text where id = ${id} and extra_specs ? ${key} returning id`
    ).length > 0
  );
}

/** Projects let in to a flavor. */
export async function listFlavorAccess(sql: Queryable, id: string): Promise<string[]> {
  const rows = await sql<
    { projectId: string }[]
  >`select project_id from flavor_access where flavor_id = ${id} order by project_id`;
  return rows.map((row) => row.projectId);
}

/** False: the project had access already. */
export async function insertFlavorAccess(sql: Queryable, id: string, projectId: string): Promise<boolean> {
  return (
    (
      await sql`insert into flavor_access (flavor_id, project_id) values (${id}, ${projectId}) on conflict do nothing returning flavor_id`
    ).length > 0
  );
}

/** False: the project had no access. */
export async function deleteFlavorAccess(sql: Queryable, id: string, projectId: string): Promise<boolean> {
  return (
    (await sql`delete from flavor_access where flavor_id = ${id} and project_id = ${projectId} returning flavor_id`)
      .length > 0
  );
}

/** Flavors that a project was let in to. */
export async function listFlavorsShared(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { flavorId: string }[]
  >`select flavor_id from flavor_access where project_id = ${projectId} order by flavor_id`;
  return rows.map((row) => row.flavorId);
}
