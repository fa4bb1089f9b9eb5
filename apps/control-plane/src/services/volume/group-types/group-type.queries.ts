/** Every statement on types of groups. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import { conflict } from "@andromede/base/errors";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, pageOf } from "../common/list.queries.ts";
import type { GroupType } from "./group-type.model.ts";

const columns = (sql: Queryable) => sql`id, name, description, is_public, group_specs, created_at, updated_at`;

export async function findGroupType(
  sql: Queryable,
  idOrName: string,
  options: { onlyPublic: boolean; orName?: boolean },
): Promise<GroupType | null> {
  const [row] = await sql<GroupType[]>`
    select ${columns(sql)} from volume_group_type
    where (id = ${idOrName} ${options.orName === true ? sql`or name = ${idOrName}` : sql``})
      ${options.onlyPublic ? sql`and is_public` : sql``}
    order by id = ${idOrName} desc limit 1`;
  return row ?? null;
}

/** Held until the transaction ends. */
export async function lockGroupType(sql: Queryable, id: string): Promise<GroupType | null> {
  const [row] = await sql<GroupType[]>`select ${columns(sql)} from volume_group_type where id = ${id} for update`;
  return row ?? null;
}

/** False: there is one of that name. */
export async function insertGroupType(sql: postgres.ISql, type: GroupType): Promise<boolean> {
  const rows = await sql`
    insert into volume_group_type (id, name, description, is_public, group_specs, created_at)
    values (${type.id}, ${type.name}, ${type.description}, ${type.isPublic}, ${sql.json(type.groupSpecs)}, ${type.createdAt})
    on conflict (name) do nothing returning 1`;
  return rows.length > 0;
}

export async function setGroupTypeFacts(
  sql: Queryable,
  id: string,
  facts: Pick<GroupType, "name" | "description" | "isPublic">,
  at: Date,
): Promise<void> {
  const clash = await sql`select 1 from volume_group_type where name = ${facts.name} and id <> ${id}`;
  if (clash.length > 0) throw conflict(`Group Type ${facts.name} already exists.`);
  await sql`
    update volume_group_type set name = ${facts.name}, description = ${facts.description}, is_public = ${facts.isPublic}, updated_at = ${at}
    where id = ${id}`;
}

export async function setGroupSpecs(
  sql: postgres.ISql,
  id: string,
  specs: { [key: string]: string },
  at: Date,
): Promise<void> {
  await sql`update volume_group_type set group_specs = ${sql.json(specs)}, updated_at = ${at} where id = ${id}`;
}

export async function isGroupTypeUsed(sql: Queryable, id: string): Promise<boolean> {
  return (await sql`select 1 from volume_group where group_type_id = ${id} limit 1`).length > 0;
}

export async function deleteGroupType(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_group_type where id = ${id}`;
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  id: { expression: 'id collate "C"', type: "text" },
  display_name: { expression: "name", type: "text" },
};
export const GROUP_TYPE_SORT_KEYS = Object.keys(COLUMNS);

/** `isPublic` undefined: both kinds. */
export async function listGroupTypes(
  sql: Queryable,
  list: ListRequest,
  isPublic: boolean | undefined,
): Promise<GroupType[]> {
  const { after, order } = await pageOf(
    sql,
    "volume_group_type",
    { ...list, projectId: null },
    COLUMNS,
    (id) => `Group type ${id} could not be found.`,
  );
  return sql<GroupType[]>`
    select ${columns(sql)} from volume_group_type
    where true ${isPublic === undefined ? sql`` : sql`and is_public = ${isPublic}`} ${after} ${order}`;
}
