import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { openTo } from "../common/sharing.queries.ts";
import type { AddressGroup } from "./address-group.model.ts";

const columns = (sql: Queryable): Fragment =>
  sql`t.id, t.project_id, t.name, t.description, t.addresses, t.shared_with, t.revision_number, t.created_at, t.updated_at`;

export async function insertAddressGroup(
  sql: Queryable,
  group: Pick<AddressGroup, "id" | "projectId" | "name" | "description" | "addresses">,
): Promise<AddressGroup> {
  const [row] = await sql<AddressGroup[]>`
    insert into address_group as t (id, project_id, name, description, addresses)
    values (${group.id}, ${group.projectId}, ${group.name}, ${group.description}, ${group.addresses}) returning ${columns(sql)}`;
  return row as AddressGroup;
}

export async function findAddressGroup(sql: Queryable, requester: Requester, id: string): Promise<AddressGroup | null> {
  const [row] = await sql<
    AddressGroup[]
  >`select ${columns(sql)} from address_group t where t.id = ${id} and ${openTo(sql, requester)}`;
  return row ?? null;
}

export async function lockAddressGroup(sql: Queryable, requester: Requester, id: string): Promise<AddressGroup | null> {
  const [row] = await sql<
    AddressGroup[]
  >`select ${columns(sql)} from address_group t where t.id = ${id} and ${openTo(sql, requester)} for update`;
  return row ?? null;
}

export async function listAddressGroups(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<AddressGroup[]> {
  const marker = await findMarker(sql, "address_group", openTo(sql, requester), request);
  const rows = await sql<AddressGroup[]>`
    select ${columns(sql)} from address_group t where ${openTo(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateAddressGroupRow(
  sql: Queryable,
  id: string,
  change: Pick<AddressGroup, "name" | "description" | "addresses">,
): Promise<AddressGroup> {
  const [row] = await sql<AddressGroup[]>`
    update address_group t set name = ${change.name}, description = ${change.description}, addresses = ${change.addresses},
      revision_number = t.revision_number + 1, updated_at = now() where t.id = ${id} returning ${columns(sql)}`;
  return row as AddressGroup;
}

export async function deleteAddressGroupRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from address_group where id = ${id}`;
}

/** Security groups with rules that name it. */
export async function listGroupsWithAddressGroup(sql: Queryable, id: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select distinct security_group_id as id from security_group_rule where remote_address_group_id = ${id} order by 1`;
  return rows.map((row) => row.id);
}
