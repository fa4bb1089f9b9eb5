import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { openTo } from "../common/sharing.queries.ts";
import type { AddressScope } from "./address-scope.model.ts";

const columns = (sql: Queryable): Fragment => sql`t.id, t.project_id, t.name, t.ip_version, t.shared_with`;

export async function insertAddressScope(sql: Queryable, scope: AddressScope): Promise<void> {
  await sql`
    insert into address_scope (id, project_id, name, ip_version, shared_with)
    values (${scope.id}, ${scope.projectId}, ${scope.name}, ${scope.ipVersion}, ${scope.sharedWith})`;
}

export async function findAddressScope(sql: Queryable, requester: Requester, id: string): Promise<AddressScope | null> {
  const [row] = await sql<
    AddressScope[]
  >`select ${columns(sql)} from address_scope t where t.id = ${id} and ${openTo(sql, requester)}`;
  return row ?? null;
}

/** One pool comes into a scope at a time: that is what keeps them apart. */
export async function lockAddressScope(sql: Queryable, requester: Requester, id: string): Promise<AddressScope | null> {
  const [row] = await sql<
    AddressScope[]
  >`select ${columns(sql)} from address_scope t where t.id = ${id} and ${openTo(sql, requester)} for update`;
  return row ?? null;
}

export async function listAddressScopes(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<AddressScope[]> {
  const marker = await findMarker(sql, "address_scope", openTo(sql, requester), request);
  const rows = await sql<AddressScope[]>`
    select ${columns(sql)} from address_scope t where ${openTo(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateAddressScopeRow(
  sql: Queryable,
  id: string,
  change: Pick<AddressScope, "name" | "sharedWith">,
): Promise<void> {
  await sql`update address_scope set name = ${change.name}, shared_with = ${change.sharedWith} where id = ${id}`;
}

export async function deleteAddressScopeRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from address_scope where id = ${id}`;
}

/** What the scope's pools hold, but for one of them. */
export async function listScopePrefixes(sql: Queryable, id: string, butOf: string): Promise<string[]> {
  const rows = await sql<{ prefix: string }[]>`
    select unnest(prefixes) as prefix from subnetpool where address_scope_id = ${id} and id <> ${butOf}`;
  return rows.map(({ prefix }) => prefix);
}

export async function hasPools(sql: Queryable, id: string): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`
    select exists (select 1 from subnetpool where address_scope_id = ${id}) as there`;
  return row?.there ?? false;
}

/** Routers with a leg in a subnet of the pool. */
export async function listRoutersOfPool(sql: Queryable, poolId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select distinct r.id from subnet s join ip_allocation a on a.subnet_id = s.id join port p on p.id = a.port_id
      join router r on r.id = p.device_id
    where s.subnetpool_id = ${poolId} and p.device_owner in ('network:router_interface', 'network:router_gateway') order by r.id`;
  return rows.map(({ id }) => id);
}
