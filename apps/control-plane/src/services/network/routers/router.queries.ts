import type { Queryable } from "@andromede/platform/db/database";

import {
  type Fragment,
  afterMarker,
  filtersOf,
  findMarker,
  inOrder,
  nothing,
  orderOf,
} from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import type { Router, RouterLeg } from "./router.model.ts";

const columns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.name, t.description, t.admin_state_up, t.gateway_port_id, t.gateway_network_id,
  (select g.fixed_ips from port g where g.id = t.gateway_port_id) as gateway_fixed_ips, t.enable_snat, t.gateway_qos_policy_id, t.routes, t.availability_zone_hints, t.tags,
  t.revision_number, t.created_at, t.updated_at, t.observed_revision, t.status`;
const scope = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin ? sql`true` : sql`t.project_id = ${requester.projectId}`;

export async function insertRouter(
  sql: Queryable,
  router: Pick<Router, "id" | "projectId" | "name" | "description" | "adminStateUp" | "availabilityZoneHints">,
): Promise<void> {
  await sql`
    insert into router (id, project_id, name, description, admin_state_up, availability_zone_hints)
    values (${router.id}, ${router.projectId}, ${router.name}, ${router.description}, ${router.adminStateUp}, ${router.availabilityZoneHints})`;
}

export async function findRouter(sql: Queryable, requester: Requester, id: string): Promise<Router | null> {
  const [row] = await sql<
    Router[]
  >`select ${columns(sql)} from router t where t.id = ${id} and ${scope(sql, requester)}`;
  return row ?? null;
}

/** Its legs, routes and gateway stand still until the transaction ends. */
export async function lockRouter(sql: Queryable, requester: Requester, id: string): Promise<Router | null> {
  const [row] = await sql<
    Router[]
  >`select ${columns(sql)} from router t where t.id = ${id} and ${scope(sql, requester)} for update of t`;
  return row ?? null;
}

export async function listRouters(sql: Queryable, requester: Requester, request: ListRequest): Promise<Router[]> {
  const marker = await findMarker(sql, "router", scope(sql, requester), request);
  const rows = await sql<Router[]>`
    select ${columns(sql)} from router t where ${scope(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateRouterRow(
  sql: Queryable,
  id: string,
  change: Pick<
    Router,
    | "name"
    | "description"
    | "adminStateUp"
    | "enableSnat"
    | "gatewayQosPolicyId"
    | "routes"
    | "gatewayPortId"
    | "gatewayNetworkId"
  >,
): Promise<void> {
  await sql`
    update router set name = ${change.name}, description = ${change.description}, admin_state_up = ${change.adminStateUp},
      enable_snat = ${change.enableSnat}, gateway_qos_policy_id = ${change.gatewayQosPolicyId}, routes = ${sql.json(change.routes)}, gateway_port_id = ${change.gatewayPortId},
      gateway_network_id = ${change.gatewayNetworkId}, revision_number = revision_number + 1, updated_at = now()
    where id = ${id}`;
}

/** An interface came or went. */
export async function touchRouter(sql: Queryable, id: string): Promise<void> {
  await sql`update router set revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

export async function deleteRouterRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from router where id = ${id}`;
}

/** Every address the router has, its gateway's included. */
export async function listLegs(sql: Queryable, routerId: string): Promise<RouterLeg[]> {
  return sql<RouterLeg[]>`
    select p.id as port_id, p.device_owner, p.network_id, a.subnet_id, s.cidr::text as cidr, host(a.address) as address
    from port p join ip_allocation a on a.port_id = p.id join subnet s on s.id = a.subnet_id
    where p.device_id = ${routerId} and p.device_id <> '' and p.device_owner in ('network:router_interface', 'network:router_gateway')
    order by p.created_at, p.id, a.address`;
}

export async function hasInterfaces(sql: Queryable, routerId: string): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`
    select exists (select 1 from port where device_id = ${routerId} and device_id <> '' and device_owner = 'network:router_interface') as there`;
  return row?.there ?? false;
}

/** Do floating IPs go through the router, or (with a subnet) to addresses behind that interface of it? */
export async function isUsedByFloatingIps(sql: Queryable, routerId: string, subnetId?: string): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    select exists (select 1 from floatingip f where f.router_id = ${routerId}
      ${
        subnetId === undefined
          ? nothing(sql)
          : sql`and exists (select 1 from ip_allocation a where a.port_id = f.port_id and a.subnet_id = ${subnetId}
        and host(a.address) = f.fixed_ip_address)`
      })
      ${
        subnetId === undefined
          ? nothing(sql)
          : sql`or exists (select 1 from floatingip f join port_forwarding w on w.floatingip_id = f.id
        join ip_allocation a on a.port_id = w.internal_port_id and host(a.address) = w.internal_ip_address
        where f.router_id = ${routerId} and a.subnet_id = ${subnetId})`
      } as used`;
  return row?.used ?? false;
}

/** The router that joins a subnet to an external network. */
export async function findRouterBetween(
  sql: Queryable,
  subnetId: string,
  externalNetworkId: string,
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select r.id from ip_allocation a join port p on p.id = a.port_id join router r on r.id = p.device_id
    where a.subnet_id = ${subnetId} and p.device_owner = 'network:router_interface' and r.gateway_network_id = ${externalNetworkId}
    order by (a.address = (select s.gateway_ip::inet from subnet s where s.id = a.subnet_id)) desc nulls last, r.id limit 1`;
  return row?.id ?? null;
}
