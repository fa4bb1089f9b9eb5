import type { Queryable } from "@andromede/platform/db/database";

import { EVERYBODY } from "../common/sharing.ts";
import { afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import type { Network, NetworkWithSubnets } from "./network.model.ts";

const columns = (
  sql: Queryable,
) => sql`t.id, t.project_id, t.name, t.description, t.admin_state_up, t.shared_with, t.external, t.external_to, t.qos_policy_id, t.is_default, t.mtu,
  t.port_security_enabled, t.dns_domain, t.network_type, t.physical_network, t.segmentation_id, t.availability_zone_hints, t.tags,
  t.revision_number, t.created_at, t.updated_at, t.observed_revision, t.status`;
const scopeOf = (sql: Queryable, version: 4 | 6) => sql`
  (select sp.address_scope_id from subnet s join subnetpool sp on sp.id = s.subnetpool_id
    where s.network_id = t.id and s.ip_version = ${version} limit 1)`;
const subnetIds = (sql: Queryable) => sql`
  array(select s.id from subnet s where s.network_id = t.id order by s.created_at, s.id) as subnet_ids,
  ${scopeOf(sql, 4)} as ipv4_address_scope, ${scopeOf(sql, 6)} as ipv6_address_scope`;
const visible = (sql: Queryable, requester: Requester) =>
  requester.admin
    ? sql`true`
    : sql`(t.project_id = ${requester.projectId} or t.shared_with && ${[EVERYBODY, requester.projectId]}::text[]
        or t.external_to && ${[EVERYBODY, requester.projectId]}::text[])`;

export type InsertedNetwork = Omit<
  Network,
  "createdAt" | "updatedAt" | "revisionNumber" | "tags" | "observedRevision" | "status"
>;

export async function insertNetwork(sql: Queryable, network: InsertedNetwork): Promise<Network> {
  const [row] = await sql<Network[]>`
    insert into network as t (id, project_id, name, description, admin_state_up, shared_with, external, external_to, qos_policy_id, is_default, mtu, port_security_enabled, dns_domain,
      network_type, physical_network, segmentation_id, availability_zone_hints)
    values (${network.id}, ${network.projectId}, ${network.name}, ${network.description}, ${network.adminStateUp}, ${network.sharedWith},
      ${network.external}, ${network.externalTo}, ${network.qosPolicyId}, ${network.isDefault}, ${network.mtu}, ${network.portSecurityEnabled}, ${network.dnsDomain}, ${network.networkType},
      ${network.physicalNetwork}, ${network.segmentationId}, ${network.availabilityZoneHints})
    returning ${columns(sql)}`;
  return row as Network;
}

/** Scoped to nobody: callers check who may see it. */
export async function findNetwork(sql: Queryable, id: string): Promise<Network | null> {
  const [row] = await sql<Network[]>`select ${columns(sql)} from network t where t.id = ${id}`;
  return row ?? null;
}

/** Nobody makes or takes ports or subnets there until the transaction ends. */
export async function lockNetwork(sql: Queryable, id: string): Promise<Network | null> {
  const [row] = await sql<Network[]>`select ${columns(sql)} from network t where t.id = ${id} for update`;
  return row ?? null;
}

/** Subnets of it come and go one transaction at a time; ports do not wait. */
export async function lockNetworkSubnets(sql: Queryable, id: string): Promise<Network | null> {
  const [row] = await sql<Network[]>`select ${columns(sql)} from network t where t.id = ${id} for no key update`;
  return row ?? null;
}

export async function findVisibleNetwork(
  sql: Queryable,
  requester: Requester,
  id: string,
): Promise<NetworkWithSubnets | null> {
  const [row] = await sql<NetworkWithSubnets[]>`
    select ${columns(sql)}, ${subnetIds(sql)} from network t where t.id = ${id} and ${visible(sql, requester)}`;
  return row ?? null;
}

export async function listNetworks(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<NetworkWithSubnets[]> {
  const marker = await findMarker(sql, "network", visible(sql, requester), request);
  const rows = await sql<NetworkWithSubnets[]>`
    select ${columns(sql)}, ${subnetIds(sql)} from network t where ${visible(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export type NetworkChange = Partial<
  Pick<
    Network,
    | "name"
    | "description"
    | "adminStateUp"
    | "sharedWith"
    | "external"
    | "externalTo"
    | "qosPolicyId"
    | "isDefault"
    | "mtu"
    | "portSecurityEnabled"
    | "dnsDomain"
  >
>;

export async function updateNetworkRow(sql: Queryable, id: string, change: NetworkChange): Promise<NetworkWithSubnets> {
  const [row] = await sql<NetworkWithSubnets[]>`
    update network t set
      name = coalesce(${change.name ?? null}, t.name),
      description = coalesce(${change.description ?? null}, t.description),
      admin_state_up = coalesce(${change.adminStateUp ?? null}::boolean, t.admin_state_up),
      shared_with = coalesce(${change.sharedWith ?? null}::text[], t.shared_with),
      external_to = coalesce(${change.externalTo ?? null}::text[], t.external_to),
      qos_policy_id = case when ${change.qosPolicyId !== undefined} then ${change.qosPolicyId ?? null} else t.qos_policy_id end,
      external = coalesce(${change.external ?? null}::boolean, t.external),
      is_default = coalesce(${change.isDefault ?? null}::boolean, t.is_default),
      mtu = coalesce(${change.mtu ?? null}::integer, t.mtu),
      port_security_enabled = coalesce(${change.portSecurityEnabled ?? null}::boolean, t.port_security_enabled),
      dns_domain = coalesce(${change.dnsDomain ?? null}, t.dns_domain),
      revision_number = t.revision_number + 1, updated_at = now()
    where t.id = ${id} returning ${columns(sql)}, ${subnetIds(sql)}`;
  return row as NetworkWithSubnets;
}

/** A subnet came, changed or went. */
export async function touchNetwork(sql: Queryable, id: string): Promise<void> {
  await sql`update network set revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

export async function deleteNetworkRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from network where id = ${id}`;
}

export async function isNetworkUsedAsExternal(sql: Queryable, id: string): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    select exists (select 1 from router where gateway_network_id = ${id})
      or exists (select 1 from port where network_id = ${id} and device_owner = 'network:floatingip') as used`;
  return row?.used ?? false;
}

export type NetworkDependents = {
  subnets: string[];
  routerPorts: string[];
  routers: string[];
  ports: string[];
  floatingIps: string[];
};

/** What must be brought to OVN again when the network's MTU or domain changes, or (`policy`) its QoS policy. */
export async function listNetworkDependents(sql: Queryable, id: string, policy = false): Promise<NetworkDependents> {
  const [row] = await sql<NetworkDependents[]>`
    select array(select id from subnet where network_id = ${id}) as subnets,
      array(select id from port where network_id = ${id} and device_owner = 'network:router_interface') as router_ports,
      array(select id from router where gateway_network_id = ${id}) as routers,
      array(select id from port where network_id = ${id} and device_owner not like 'network:%' and (dns_name <> '' or ${policy})) as ports,
      array(select id from floatingip where ${policy} and floating_network_id = ${id} and router_id is not null) as floating_ips`;
  return row ?? { subnets: [], routerPorts: [], routers: [], ports: [], floatingIps: [] };
}
