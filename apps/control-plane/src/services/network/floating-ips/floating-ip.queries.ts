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
import type { QosRule } from "../qos/qos-policy.model.ts";
import { rulesOf } from "../qos/qos-policy.queries.ts";
import type { FloatingIp, FloatingIpWithPort } from "./floating-ip.model.ts";

const columns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.description, t.floating_network_id, t.floating_ip_address, t.floating_port_id,
  t.port_id, t.fixed_ip_address, t.router_id, t.dns_name, t.dns_domain, t.qos_policy_id,
  (select n.qos_policy_id from network n where n.id = t.floating_network_id) as qos_network_policy_id, t.tags, t.revision_number, t.created_at, t.updated_at,
  t.observed_revision, t.status`;
const details = (
  sql: Queryable,
): Fragment => sql`(select jsonb_build_object('name', p.name, 'networkId', p.network_id, 'macAddress', p.mac_address,
  'adminStateUp', p.admin_state_up, 'status', p.status, 'deviceId', p.device_id, 'deviceOwner', p.device_owner)
  from port p where p.id = t.port_id) as port_details,
  coalesce((select jsonb_agg(jsonb_build_object('id', w.id, 'projectId', w.project_id, 'floatingipId', w.floatingip_id, 'protocol', w.protocol,
    'externalPort', jsonb_build_object('first', w.external_port_first, 'last', w.external_port_last),
    'internalPort', jsonb_build_object('first', w.internal_port_first, 'last', w.internal_port_last),
    'internalPortId', w.internal_port_id, 'internalIpAddress', w.internal_ip_address, 'description', w.description) order by w.id)
    from port_forwarding w where w.floatingip_id = t.id), '[]') as forwardings`;
const scope = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin ? sql`true` : sql`t.project_id = ${requester.projectId}`;

export async function insertFloatingIp(
  sql: Queryable,
  row: Pick<
    FloatingIp,
    | "id"
    | "projectId"
    | "description"
    | "floatingNetworkId"
    | "floatingIpAddress"
    | "floatingPortId"
    | "dnsName"
    | "dnsDomain"
    | "qosPolicyId"
  >,
): Promise<FloatingIp> {
  const [made] = await sql<FloatingIp[]>`
    insert into floatingip as t (id, project_id, description, floating_network_id, floating_ip_address, floating_port_id, dns_name, dns_domain, qos_policy_id)
    values (${row.id}, ${row.projectId}, ${row.description}, ${row.floatingNetworkId}, ${row.floatingIpAddress}, ${row.floatingPortId},
      ${row.dnsName}, ${row.dnsDomain}, ${row.qosPolicyId})
    returning ${columns(sql)}`;
  return made as FloatingIp;
}

export async function findFloatingIp(
  sql: Queryable,
  requester: Requester,
  id: string,
): Promise<FloatingIpWithPort | null> {
  const [row] = await sql<FloatingIpWithPort[]>`
    select ${columns(sql)}, ${details(sql)} from floatingip t where t.id = ${id} and ${scope(sql, requester)}`;
  return row ?? null;
}

export async function lockFloatingIp(sql: Queryable, requester: Requester, id: string): Promise<FloatingIp | null> {
  const [row] = await sql<
    FloatingIp[]
  >`select ${columns(sql)} from floatingip t where t.id = ${id} and ${scope(sql, requester)} for update`;
  return row ?? null;
}

export async function listFloatingIps(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<FloatingIpWithPort[]> {
  const marker = await findMarker(sql, "floatingip", scope(sql, requester), request);
  const rows = await sql<FloatingIpWithPort[]>`
    select ${columns(sql)}, ${details(sql)} from floatingip t where ${scope(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateFloatingIpRow(
  sql: Queryable,
  id: string,
  change: Pick<FloatingIp, "description" | "portId" | "fixedIpAddress" | "routerId" | "qosPolicyId">,
): Promise<void> {
  await sql`
    update floatingip set description = ${change.description}, port_id = ${change.portId}, fixed_ip_address = ${change.fixedIpAddress},
      router_id = ${change.routerId}, qos_policy_id = ${change.qosPolicyId}, revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

/** A floating IP on the port; null: it has none. */
export async function findFloatingIpOfPort(
  sql: Queryable,
  portId: string,
): Promise<{ id: string; floatingIpAddress: string } | null> {
  const [row] = await sql<{ id: string; floatingIpAddress: string }[]>`
    select id, floating_ip_address from floatingip where port_id = ${portId} order by id limit 1`;
  return row ?? null;
}

/** What OVN must be told of a floating IP that has a router. */
export type WantedFloatingIp = FloatingIp & { gatewayPortId: string | null; qosRules: QosRule[] };

export async function findWantedFloatingIp(sql: Queryable, id: string): Promise<WantedFloatingIp | null> {
  const [row] = await sql<WantedFloatingIp[]>`
    select ${columns(sql)}, (select r.gateway_port_id from router r where r.id = t.router_id) as gateway_port_id,
      ${rulesOf(sql, sql`coalesce(t.qos_policy_id, (select n.qos_policy_id from network n where n.id = t.floating_network_id))`)} as qos_rules
    from floatingip t where t.id = ${id}`;
  return row ?? null;
}

/** Takes floating IPs off a port, or off some of its addresses. */
export async function clearFloatingIpsOf(
  sql: Queryable,
  portId: string,
  addresses?: string[],
): Promise<{ id: string; projectId: string }[]> {
  return sql`
    update floatingip set port_id = null, fixed_ip_address = null, router_id = null, revision_number = revision_number + 1, updated_at = now()
    where port_id = ${portId} ${addresses === undefined ? nothing(sql) : sql`and fixed_ip_address = any(${addresses}::text[])`}
    returning id, project_id`;
}

export async function findFloatingIpAt(
  sql: Queryable,
  networkId: string,
  portId: string,
  fixedIp: string,
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select id from floatingip where port_id = ${portId} and fixed_ip_address = ${fixedIp} and floating_network_id = ${networkId}`;
  return row?.id ?? null;
}

export async function deleteFloatingIpRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from floatingip where id = ${id}`;
}
