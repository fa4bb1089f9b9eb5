/** Every statement on volume types, who may use them, and which is whose default. */
import type postgres from "postgres";

import { conflict } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import { type SortColumn, pageOf } from "../common/list.queries.ts";
import type { Encryption, VolumeType } from "./type.model.ts";

const columns = (sql: Queryable) => sql`
  t.id, t.name, t.description, t.is_public, t.extra_specs, t.qos_specs_id, t.encryption, t.created_at, t.updated_at`;

/** May the project use it? `projectId` null: an operator asks. */
const visible = (sql: Queryable, projectId: string | null) =>
  projectId === null
    ? sql`true`
    : sql`(t.is_public or exists (select 1 from volume_type_access a where a.volume_type_id = t.id and a.project_id = ${projectId}))`;

/** By id, or by name where `orName`. */
export async function findType(
  sql: Queryable,
  idOrName: string,
  projectId: string | null,
  orName = false,
): Promise<VolumeType | null> {
  const [row] = await sql<VolumeType[]>`
    select ${columns(sql)} from volume_type t
    where (t.id = ${idOrName} ${orName ? sql`or t.name = ${idOrName}` : sql``}) and ${visible(sql, projectId)}
    order by t.id = ${idOrName} desc limit 1`;
  return row ?? null;
}

export async function findTypeName(sql: Queryable, id: string): Promise<string | null> {
  const [row] = await sql<{ name: string }[]>`select name from volume_type where id = ${id}`;
  return row?.name ?? null;
}

export const STANDARD_TYPE = "standard";

/** The project's default type, else the cloud's. */
export async function findDefaultType(sql: Queryable, projectId: string | null): Promise<VolumeType | null> {
  const [row] = await sql<VolumeType[]>`
    select ${columns(sql)} from volume_type t
    where t.id = (select volume_type_id from default_volume_type where project_id = ${projectId}) or t.name = ${STANDARD_TYPE}
    order by t.name = ${STANDARD_TYPE} limit 1`;
  return row ?? null;
}

const COLUMNS: { readonly [key: string]: SortColumn } = {
  created_at: { expression: "created_at", type: "timestamptz" },
  updated_at: { expression: "coalesce(updated_at, created_at)", type: "timestamptz" },
  id: { expression: 'id collate "C"', type: "text" },
  display_name: { expression: "name", type: "text" },
};
export const TYPE_SORT_KEYS = Object.keys(COLUMNS);

/** `isPublic` undefined: both kinds. `list.projectId`: whose eyes; null: an operator's. */
export async function listTypes(
  sql: postgres.ISql,
  list: ListRequest,
  filter: { isPublic?: boolean; extraSpecs?: { [key: string]: string } },
): Promise<VolumeType[]> {
  const { after, order } = await pageOf(
    sql,
    "volume_type",
    { ...list, projectId: null },
    COLUMNS,
    (id) => `Volume type ${id} could not be found.`,
  );
  return sql<VolumeType[]>`
    select ${columns(sql)} from volume_type t
    where ${visible(sql, list.projectId)} ${filter.isPublic === undefined ? sql`` : sql`and t.is_public = ${filter.isPublic}`}
      ${filter.extraSpecs === undefined ? sql`` : sql`and t.extra_specs @> ${sql.json(filter.extraSpecs)}`} ${after} ${order}`;
}

export async function listTypeRefs(sql: Queryable): Promise<{ id: string; name: string }[]> {
  return sql<{ id: string; name: string }[]>`select id, name from volume_type order by name`;
}

/** False: there is one of that name. */
export async function insertType(
  sql: postgres.ISql,
  type: {
    id: string;
    name: string;
    description: string | null;
    isPublic: boolean;
    extraSpecs: { [key: string]: string };
  },
  at: Date,
): Promise<boolean> {
  const rows = await sql`
    insert into volume_type (id, name, description, is_public, extra_specs, created_at)
    values (${type.id}, ${type.name}, ${type.description}, ${type.isPublic}, ${sql.json(type.extraSpecs)}, ${at})
    on conflict (name) do nothing returning 1`;
  return rows.length > 0;
}

/** Held until the transaction ends. */
export async function lockType(sql: Queryable, id: string): Promise<VolumeType | null> {
  const [row] = await sql<VolumeType[]>`select ${columns(sql)} from volume_type t where t.id = ${id} for update`;
  return row ?? null;
}

export async function setTypeFacts(
  sql: Queryable,
  id: string,
  facts: { name: string; description: string | null; isPublic: boolean },
  at: Date,
): Promise<void> {
  const clash = await sql`select 1 from volume_type where name = ${facts.name} and id <> ${id}`;
  if (clash.length > 0) throw conflict(`Volume Type ${facts.name} already exists.`);
  await sql`
    update volume_type set name = ${facts.name}, description = ${facts.description}, is_public = ${facts.isPublic}, updated_at = ${at}
    where id = ${id}`;
}

export async function setExtraSpecs(
  sql: postgres.ISql,
  id: string,
  specs: { [key: string]: string },
  at: Date,
): Promise<void> {
  await sql`update volume_type set extra_specs = ${sql.json(specs)}, updated_at = ${at} where id = ${id}`;
}

export async function setEncryption(
  sql: postgres.ISql,
  id: string,
  encryption: Encryption | null,
  at: Date,
): Promise<void> {
  await sql`update volume_type set encryption = ${encryption === null ? null : sql.json(encryption)}, updated_at = ${at} where id = ${id}`;
}

export async function setTypeQos(sql: Queryable, id: string, qosId: string | null, at: Date): Promise<void> {
  await sql`update volume_type set qos_specs_id = ${qosId}, updated_at = ${at} where id = ${id}`;
}

/** Volumes and groups of a type. */
export async function countTypeUses(sql: Queryable, id: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select ((select count(*) from volume where volume_type_id = ${id}) + (select count(*) from default_volume_type where volume_type_id = ${id})
      + (select count(*) from volume_group_volume_type where volume_type_id = ${id}))::int as n`;
  return row?.n ?? 0;
}

export async function deleteType(sql: Queryable, id: string): Promise<void> {
  await sql`delete from volume_type where id = ${id}`;
}

export async function listAccess(sql: Queryable, typeId: string): Promise<string[]> {
  const rows = await sql<{ projectId: string }[]>`
    select project_id from volume_type_access where volume_type_id = ${typeId} order by project_id`;
  return rows.map(({ projectId }) => projectId);
}

export async function listTypesShared(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ volumeTypeId: string }[]>`
    select volume_type_id from volume_type_access where project_id = ${projectId} order by volume_type_id`;
  return rows.map(({ volumeTypeId }) => volumeTypeId);
}

/** False: it has access already. */
export async function insertAccess(sql: Queryable, typeId: string, projectId: string): Promise<boolean> {
  const rows = await sql`
    insert into volume_type_access (volume_type_id, project_id) values (${typeId}, ${projectId}) on conflict do nothing returning 1`;
  return rows.length > 0;
}

export async function deleteAccess(sql: Queryable, typeId: string, projectId: string): Promise<boolean> {
  const rows = await sql`
    delete from volume_type_access where volume_type_id = ${typeId} and project_id = ${projectId} returning 1`;
  return rows.length > 0;
}

export async function listDefaultTypes(
  sql: Queryable,
  projectId: string | null,
): Promise<{ projectId: string; volumeTypeId: string }[]> {
  return sql<{ projectId: string; volumeTypeId: string }[]>`
    select project_id, volume_type_id from default_volume_type
    ${projectId === null ? sql`` : sql`where project_id = ${projectId}`} order by project_id`;
}

export async function setDefaultType(sql: Queryable, projectId: string, typeId: string): Promise<void> {
  await sql`
    insert into default_volume_type (project_id, volume_type_id) values (${projectId}, ${typeId})
    on conflict (project_id) do update set volume_type_id = excluded.volume_type_id`;
}

export async function deleteDefaultType(sql: Queryable, projectId: string): Promise<boolean> {
  return (await sql`delete from default_volume_type where project_id = ${projectId} returning 1`).length > 0;
}
