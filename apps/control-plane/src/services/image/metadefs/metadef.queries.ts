import type { JsonObject } from "@andromede/base/json";
import type { Queryable } from "@andromede/platform/db/database";

import { isAdmin } from "../../../http/policy.ts";
import type { Who } from "../images/image.queries.ts";
import type { Item, ItemKind, Namespace } from "./metadef.model.ts";

const isVisibleTo = (sql: Queryable, who: Who) =>
  isAdmin(who.actor, who.plane) ? sql`true` : sql`(n.visibility = 'public' or n.project_id = ${who.actor.projectId})`;

export async function findNamespace(sql: Queryable, who: Who, name: string): Promise<Namespace | null> {
  const [row] = await sql<Namespace[]>`
    select n.* from metadef_namespace n where n.namespace = ${name} and ${isVisibleTo(sql, who)}`;
  return row ?? null;
}

export async function findNamespaceById(sql: Queryable, name: string): Promise<Namespace | null> {
  const [row] = await sql<Namespace[]>`select * from metadef_namespace where namespace = ${name}`;
  return row ?? null;
}

export async function lockNamespace(sql: Queryable, name: string): Promise<Namespace | null> {
  const [row] = await sql<Namespace[]>`select * from metadef_namespace where namespace = ${name} for update`;
  return row ?? null;
}

export type NamespaceFilter = {
  visibility: string | undefined;
  resourceTypes: string[] | undefined;
  marker: string | undefined;
  limit: number;
};

export async function listNamespaces(sql: Queryable, who: Who, filter: NamespaceFilter): Promise<Namespace[]> {
  const { visibility, resourceTypes, marker } = filter;
  return sql<Namespace[]>`
    select n.* from metadef_namespace n
    where ${isVisibleTo(sql, who)}
      ${visibility === undefined ? sql`` : sql`and n.visibility = ${visibility}`}
      ${marker === undefined ? sql`` : sql`and n.namespace > ${marker}`}
      ${
        resourceTypes === undefined
          ? sql``
          : sql`and exists (select 1 from metadef_item i
              where i.namespace = n.namespace and i.kind = 'resource_type' and i.name = any(${resourceTypes}::text[]))`
      }
    order by n.namespace limit ${filter.limit}`;
}

export async function listNamespacesOfProject(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { namespace: string }[]
  >`select namespace from metadef_namespace where project_id = ${projectId} order by namespace`;
  return rows.map((row) => row.namespace);
}

export type WrittenNamespace = Omit<Namespace, "createdAt" | "updatedAt">;

/** null: there is one of that name. */
export async function insertNamespace(sql: Queryable, wanted: WrittenNamespace): Promise<Namespace | null> {
  const [row] = await sql<Namespace[]>`
    insert into metadef_namespace (namespace, project_id, display_name, description, visibility, protected)
    values (${wanted.namespace}, ${wanted.projectId}, ${wanted.displayName}, ${wanted.description}, ${wanted.visibility}, ${wanted.protected})
    on conflict do nothing returning *`;
  return row ?? null;
}

export async function updateNamespaceRow(sql: Queryable, name: string, wanted: WrittenNamespace): Promise<Namespace> {
  const [row] = await sql<Namespace[]>`
    update metadef_namespace set namespace = ${wanted.namespace}, project_id = ${wanted.projectId}, display_name = ${wanted.displayName},
      description = ${wanted.description}, visibility = ${wanted.visibility}, protected = ${wanted.protected}, updated_at = now()
    where namespace = ${name} returning *`;
  if (row === undefined) throw new Error(`namespace ${name} was locked and is gone`);
  return row;
}

export async function deleteNamespaceRow(sql: Queryable, name: string): Promise<void> {
  await sql`delete from metadef_namespace where namespace = ${name}`;
}

export async function listItems(sql: Queryable, namespaces: string[], kind: ItemKind | null) {
  return sql<(Item & { namespace: string })[]>`
    select namespace, kind, name, body, created_at, updated_at from metadef_item
    where namespace = any(${namespaces}::text[]) ${kind === null ? sql`` : sql`and kind = ${kind}`}
    order by namespace, kind, name`;
}

export async function findItem(sql: Queryable, namespace: string, kind: ItemKind, name: string): Promise<Item | null> {
  const [row] = await sql<Item[]>`
    select kind, name, body, created_at, updated_at from metadef_item
    where namespace = ${namespace} and kind = ${kind} and name = ${name}`;
  return row ?? null;
}

export async function countItems(sql: Queryable, namespace: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from metadef_item where namespace = ${namespace}`;
  return row?.n ?? 0;
}

/** null: there is one of that name. */
export async function insertItem(
  sql: Queryable,
  namespace: string,
  item: { kind: ItemKind; name: string; body: JsonObject },
): Promise<Item | null> {
  const [row] = await sql<Item[]>`
    insert into metadef_item (namespace, kind, name, body) values (${namespace}, ${item.kind}, ${item.name}, ${sql.json(item.body)})
    on conflict do nothing returning kind, name, body, created_at, updated_at`;
  return row ?? null;
}

export async function updateItemRow(
  sql: Queryable,
  namespace: string,
  old: { kind: ItemKind; name: string },
  wanted: { name: string; body: JsonObject },
): Promise<Item | null> {
  const [row] = await sql<Item[]>`
    update metadef_item set name = ${wanted.name}, body = ${sql.json(wanted.body)}, updated_at = now()
    where namespace = ${namespace} and kind = ${old.kind} and name = ${old.name}
    returning kind, name, body, created_at, updated_at`;
  return row ?? null;
}

/** `name` null: all of that kind. How many there were. */
export async function deleteItems(
  sql: Queryable,
  namespace: string,
  kind: ItemKind,
  name: string | null,
): Promise<number> {
  const rows = await sql`
    delete from metadef_item where namespace = ${namespace} and kind = ${kind} ${name === null ? sql`` : sql`and name = ${name}`}
    returning 1`;
  return rows.length;
}

/** Every type that some namespace names. */
export async function listResourceTypes(sql: Queryable): Promise<{ name: string; createdAt: Date; updatedAt: Date }[]> {
  return sql<{ name: string; createdAt: Date; updatedAt: Date }[]>`
    select name, min(created_at) as created_at, max(updated_at) as updated_at
    from metadef_item where kind = 'resource_type' group by name order by name limit 10000`;
}
