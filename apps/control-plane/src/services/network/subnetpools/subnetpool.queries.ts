import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { openTo } from "../common/sharing.queries.ts";
import type { Subnetpool } from "./subnetpool.model.ts";

const columns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.name, t.description, t.ip_version, t.prefixes, t.default_prefixlen,
  t.min_prefixlen, t.max_prefixlen, t.default_quota, t.shared_with, t.address_scope_id, t.is_default, t.tags, t.revision_number, t.created_at, t.updated_at`;
const visible = openTo;

export type InsertedSubnetpool = Omit<Subnetpool, "tags" | "revisionNumber" | "createdAt" | "updatedAt">;

export async function insertSubnetpool(sql: Queryable, pool: InsertedSubnetpool): Promise<Subnetpool> {
  const [row] = await sql<Subnetpool[]>`
    insert into subnetpool as t (id, project_id, name, description, ip_version, prefixes, default_prefixlen, min_prefixlen, max_prefixlen,
      default_quota, shared_with, address_scope_id, is_default)
    values (${pool.id}, ${pool.projectId}, ${pool.name}, ${pool.description}, ${pool.ipVersion}, ${pool.prefixes}, ${pool.defaultPrefixlen},
      ${pool.minPrefixlen}, ${pool.maxPrefixlen}, ${pool.defaultQuota}, ${pool.sharedWith}, ${pool.addressScopeId}, ${pool.isDefault})
    returning ${columns(sql)}`;
  return row as Subnetpool;
}

export async function findSubnetpool(sql: Queryable, requester: Requester, id: string): Promise<Subnetpool | null> {
  const [row] = await sql<
    Subnetpool[]
  >`select ${columns(sql)} from subnetpool t where t.id = ${id} and ${visible(sql, requester)}`;
  return row ?? null;
}

/** Nobody else cuts from it until the transaction ends. */
export async function lockSubnetpool(sql: Queryable, requester: Requester, id: string): Promise<Subnetpool | null> {
  const [row] = await sql<
    Subnetpool[]
  >`select ${columns(sql)} from subnetpool t where t.id = ${id} and ${visible(sql, requester)} for update`;
  return row ?? null;
}

export async function findDefaultSubnetpool(sql: Queryable, ipVersion: 4 | 6): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`select id from subnetpool where is_default and ip_version = ${ipVersion}`;
  return row?.id ?? null;
}

export async function listSubnetpools(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<Subnetpool[]> {
  const marker = await findMarker(sql, "subnetpool", visible(sql, requester), request);
  const rows = await sql<Subnetpool[]>`
    select ${columns(sql)} from subnetpool t where ${visible(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateSubnetpoolRow(
  sql: Queryable,
  id: string,
  change: Pick<
    Subnetpool,
    | "name"
    | "description"
    | "prefixes"
    | "defaultPrefixlen"
    | "minPrefixlen"
    | "maxPrefixlen"
    | "defaultQuota"
    | "isDefault"
    | "addressScopeId"
  >,
): Promise<Subnetpool> {
  const [row] = await sql<Subnetpool[]>`
    update subnetpool t set name = ${change.name}, description = ${change.description}, prefixes = ${change.prefixes},
      default_prefixlen = ${change.defaultPrefixlen}, min_prefixlen = ${change.minPrefixlen}, max_prefixlen = ${change.maxPrefixlen},
      default_quota = ${change.defaultQuota}, is_default = ${change.isDefault}, address_scope_id = ${change.addressScopeId},
      revision_number = t.revision_number + 1, updated_at = now()
    where t.id = ${id} returning ${columns(sql)}`;
  return row as Subnetpool;
}

export async function deleteSubnetpoolRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from subnetpool where id = ${id}`;
}

/** What was cut from it. */
export async function listPoolSubnets(sql: Queryable, id: string): Promise<{ cidr: string; projectId: string }[]> {
  return sql`select cidr::text as cidr, project_id from subnet where subnetpool_id = ${id}`;
}
