import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { EVERYBODY } from "../common/sharing.ts";
import type { Subnet } from "./subnet.model.ts";

export const subnetColumns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.network_id, t.subnetpool_id, t.name, t.description, t.ip_version,
  t.cidr::text as cidr, t.gateway_ip, t.allocation_pools, t.dns_nameservers, t.host_routes, t.enable_dhcp, t.ipv6_ra_mode, t.ipv6_address_mode,
  t.service_types, t.tags, t.revision_number, t.created_at, t.updated_at`;
/** A tenant's own, and those of networks shared with it. What an external network has is the operator's business. */
const visible = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin
    ? sql`true`
    : sql`(t.project_id = ${requester.projectId}
        or t.network_id = any(array(select n.id from network n where n.project_id = ${requester.projectId}
          or n.shared_with && ${[EVERYBODY, requester.projectId]}::text[])))`;

export type InsertedSubnet = Omit<Subnet, "tags" | "revisionNumber" | "createdAt" | "updatedAt">;

export async function insertSubnet(sql: Queryable, subnet: InsertedSubnet): Promise<Subnet> {
  const [row] = await sql<Subnet[]>`
    insert into subnet as t (id, project_id, network_id, subnetpool_id, name, description, ip_version, cidr, gateway_ip, allocation_pools,
      dns_nameservers, host_routes, enable_dhcp, ipv6_ra_mode, ipv6_address_mode, service_types)
    values (${subnet.id}, ${subnet.projectId}, ${subnet.networkId}, ${subnet.subnetpoolId}, ${subnet.name}, ${subnet.description}, ${subnet.ipVersion},
      ${subnet.cidr}, ${subnet.gatewayIp}, ${sql.json(subnet.allocationPools)}, ${subnet.dnsNameservers}, ${sql.json(subnet.hostRoutes)},
      ${subnet.enableDhcp}, ${subnet.ipv6RaMode}, ${subnet.ipv6AddressMode}, ${subnet.serviceTypes})
    returning ${subnetColumns(sql)}`;
  return row as Subnet;
}

export async function findVisibleSubnet(sql: Queryable, requester: Requester, id: string): Promise<Subnet | null> {
  const [row] = await sql<
    Subnet[]
  >`select ${subnetColumns(sql)} from subnet t where t.id = ${id} and ${visible(sql, requester)}`;
  return row ?? null;
}

/** Scoped to nobody: callers have checked the network. */
export async function listSubnetsOfNetwork(sql: Queryable, networkId: string): Promise<Subnet[]> {
  return sql<
    Subnet[]
  >`select ${subnetColumns(sql)} from subnet t where t.network_id = ${networkId} order by t.created_at, t.id`;
}

export async function listSubnetsById(sql: Queryable, ids: string[]): Promise<Subnet[]> {
  return sql<Subnet[]>`select ${subnetColumns(sql)} from subnet t where t.id = any(${ids}::text[]) order by t.id`;
}

export async function findSubnet(sql: Queryable, id: string): Promise<Subnet | null> {
  return (await listSubnetsById(sql, [id]))[0] ?? null;
}

/** Nobody takes an address there until the transaction ends. */
export async function lockSubnet(sql: Queryable, id: string): Promise<Subnet | null> {
  const [row] = await sql<Subnet[]>`select ${subnetColumns(sql)} from subnet t where t.id = ${id} for update`;
  return row ?? null;
}

export async function listSubnets(sql: Queryable, requester: Requester, request: ListRequest): Promise<Subnet[]> {
  const marker = await findMarker(sql, "subnet", visible(sql, requester), request);
  const rows = await sql<Subnet[]>`
    select ${subnetColumns(sql)} from subnet t where ${visible(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export type SubnetChange = Pick<
  Subnet,
  | "name"
  | "description"
  | "gatewayIp"
  | "allocationPools"
  | "dnsNameservers"
  | "hostRoutes"
  | "enableDhcp"
  | "serviceTypes"
>;

export async function updateSubnetRow(sql: Queryable, id: string, change: SubnetChange): Promise<Subnet> {
  const [row] = await sql<Subnet[]>`
    update subnet t set name = ${change.name}, description = ${change.description}, gateway_ip = ${change.gatewayIp},
      allocation_pools = ${sql.json(change.allocationPools)}, dns_nameservers = ${change.dnsNameservers},
      host_routes = ${sql.json(change.hostRoutes)}, enable_dhcp = ${change.enableDhcp}, service_types = ${change.serviceTypes},
      revision_number = t.revision_number + 1, updated_at = now()
    where t.id = ${id} returning ${subnetColumns(sql)}`;
  return row as Subnet;
}

export async function deleteSubnetRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from subnet where id = ${id}`;
}

/** Ports with an address there, except the network's own one. */
export async function listSubnetUsers(
  sql: Queryable,
  id: string,
): Promise<{ portId: string; deviceOwner: string; deviceId: string; address: string }[]> {
  return sql`
    select a.port_id, p.device_owner, p.device_id, host(a.address) as address from ip_allocation a join port p on p.id = a.port_id
    where a.subnet_id = ${id} and p.device_owner <> 'network:distributed' order by a.port_id`;
}

/** The router port that has the subnet's gateway address. */
export async function findGatewayUser(sql: Queryable, subnetId: string, gatewayIp: string): Promise<string | null> {
  const [row] = await sql<{ portId: string }[]>`
    select port_id from ip_allocation where subnet_id = ${subnetId} and address = ${gatewayIp}::inet`;
  return row?.portId ?? null;
}
