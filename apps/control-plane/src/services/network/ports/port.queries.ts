import type { Queryable } from "@andromede/platform/db/database";

import { canonicalAddress } from "../common/addresses.ts";
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
import type { RowVersion } from "../../../http/row-json.ts";
import { OWNER, type Port } from "./port.model.ts";

export const portColumns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.network_id, t.network_project_id, t.name, t.description,
  t.admin_state_up, t.mac_address, t.device_id, t.device_owner, t.fixed_ips, t.security_group_ids, t.allowed_address_pairs, t.extra_dhcp_opts,
  t.port_security_enabled, t.dns_name, t.qos_policy_id,
  (select n.qos_policy_id from network n where n.id = t.network_id) as qos_network_policy_id,
  (select jsonb_build_object('id', k.id, 'subPorts', coalesce((select jsonb_agg(jsonb_build_object('portId', s.port_id,
      'segmentationId', s.segmentation_id, 'macAddress', c.mac_address) order by s.segmentation_id)
      from trunk_subport s join port c on c.id = s.port_id where s.trunk_id = k.id), '[]'))
    from trunk k where k.port_id = t.id) as trunk, t.host_id, t.vnic_type, t.binding_profile, t.server_id, t.delete_with_server, t.device_tag, t.tags, t.revision_number,
  t.created_at, t.updated_at, t.observed_revision, t.observed_up, t.status`;
/** A tenant's own, and all on its networks. */
const visible = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin
    ? sql`true`
    : sql`(t.project_id = ${requester.projectId} or t.network_project_id = ${requester.projectId})`;

export type InsertedPort = Omit<
  Port,
  | "tags"
  | "revisionNumber"
  | "createdAt"
  | "updatedAt"
  | "observedRevision"
  | "observedUp"
  | "status"
  | "qosNetworkPolicyId"
  | "trunk"
>;

export async function insertPort(sql: Queryable, port: InsertedPort): Promise<Port> {
  const [row] = await sql<Port[]>`
    insert into port as t (id, project_id, network_id, network_project_id, name, description, admin_state_up, mac_address, device_id, device_owner,
      fixed_ips, security_group_ids, allowed_address_pairs, extra_dhcp_opts, port_security_enabled, dns_name, qos_policy_id, host_id, vnic_type, binding_profile,
      server_id, delete_with_server, device_tag, attached_at)
    values (${port.id}, ${port.projectId}, ${port.networkId}, ${port.networkProjectId}, ${port.name}, ${port.description}, ${port.adminStateUp},
      ${port.macAddress}, ${port.deviceId}, ${port.deviceOwner}, ${sql.json(port.fixedIps)}, ${port.securityGroupIds},
      ${sql.json(port.allowedAddressPairs)}, ${sql.json(port.extraDhcpOpts)}, ${port.portSecurityEnabled}, ${port.dnsName}, ${port.qosPolicyId}, ${port.hostId},
      ${port.vnicType}, ${sql.json(port.bindingProfile)}, ${port.serverId}, ${port.deleteWithServer}, ${port.deviceTag},
      case when ${port.serverId}::text is not null then clock_timestamp() end)
    returning ${portColumns(sql)}`;
  return row as Port;
}

/** The first of the MAC addresses that nobody on the network has. */
export async function chooseMac(sql: Queryable, networkId: string, candidates: string[]): Promise<string | null> {
  const [row] = await sql<{ mac: string }[]>`
    select c.mac from unnest(${candidates}::text[]) as c(mac)
    where not exists (select 1 from port p where p.network_id = ${networkId} and p.mac_address = c.mac) limit 1`;
  return row?.mac ?? null;
}

export async function findVisiblePort(sql: Queryable, requester: Requester, id: string): Promise<Port | null> {
  const [row] = await sql<
    Port[]
  >`select ${portColumns(sql)} from port t where t.id = ${id} and ${visible(sql, requester)}`;
  return row ?? null;
}

/** Scoped to nobody: for the service's own use. */
export async function findPort(sql: Queryable, id: string): Promise<Port | null> {
  const [row] = await sql<Port[]>`select ${portColumns(sql)} from port t where t.id = ${id}`;
  return row ?? null;
}

/** Held until the transaction ends. */
export async function lockVisiblePort(sql: Queryable, requester: Requester, id: string): Promise<Port | null> {
  const [row] = await sql<
    Port[]
  >`select ${portColumns(sql)} from port t where t.id = ${id} and ${visible(sql, requester)} for update`;
  return row ?? null;
}

export async function lockPortsOfServer(sql: Queryable, serverId: string): Promise<Port[]> {
  return sql<Port[]>`select ${portColumns(sql)} from port t where t.server_id = ${serverId} order by t.id for update`;
}

export async function listPortsOfDevice(sql: Queryable, deviceId: string, deviceOwner: string): Promise<Port[]> {
  return sql<Port[]>`
    select ${portColumns(sql)} from port t where t.device_id = ${deviceId} and t.device_id <> '' and t.device_owner = ${deviceOwner} order by t.id`;
}

/** `columns` of the ports that the list has. */
async function listPortRows<Row>(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
  columns: Fragment,
): Promise<Row[]> {
  const marker = await findMarker(sql, "port", visible(sql, requester), request);
  const rows = await sql<object[]>`
    select ${columns} from port t where ${visible(sql, requester)}
      ${filtersOf(sql, request)} ${specialFilters(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows as unknown as Row[]);
}

export const listPorts = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Port[]> =>
  listPortRows<Port>(sql, requester, request, portColumns(sql));

/** Which ports the list has, and which version of each. */
export const listPortVersions = (sql: Queryable, requester: Requester, request: ListRequest): Promise<RowVersion[]> =>
  listPortRows<RowVersion>(sql, requester, request, sql`t.id, t.xmin::text as version`);

/** Ports with the version they are read in. */
export async function listVersionedPorts(sql: Queryable, ids: string[]): Promise<(Port & { version: string })[]> {
  return sql<(Port & { version: string })[]>`
    select ${portColumns(sql)}, t.xmin::text as version from port t where t.id = any(${ids}::text[])`;
}

/** `fixed_ips=ip_address=10.0.0.3`, `fixed_ips=subnet_id=...`, `fixed_ips=ip_address_substr=10.0.`; several must hold for one port. */
function specialFilters(sql: Queryable, request: ListRequest): Fragment {
  const words = request.special.filter(({ name }) => name === "fixed_ips").flatMap(({ values }) => values);
  const valuesOf = (key: string): string[] =>
    words.filter((word) => word.startsWith(`${key}=`)).map((word) => word.slice(key.length + 1));
  // what is no address is nobody's
  const asked = valuesOf("ip_address");
  const addresses = asked.map(canonicalAddress).filter((address) => address !== null);
  const subnets = valuesOf("subnet_id");
  const parts = valuesOf("ip_address_substr");
  if (words.length === 0) return nothing(sql);
  return sql`and exists (select 1 from ip_allocation a where a.port_id = t.id
    ${asked.length === 0 ? nothing(sql) : sql`and a.address = any(${addresses}::inet[])`}
    ${subnets.length === 0 ? nothing(sql) : sql`and a.subnet_id = any(${subnets}::text[])`}
    ${parts.map((part) => sql`and position(${part} in host(a.address)) > 0`).concat(nothing(sql))})`;
}

export type PortChange = Pick<
  Port,
  | "name"
  | "description"
  | "adminStateUp"
  | "macAddress"
  | "deviceId"
  | "deviceOwner"
  | "fixedIps"
  | "securityGroupIds"
  | "allowedAddressPairs"
  | "extraDhcpOpts"
  | "portSecurityEnabled"
  | "dnsName"
  | "qosPolicyId"
  | "hostId"
  | "vnicType"
  | "bindingProfile"
  | "serverId"
  | "deleteWithServer"
  | "deviceTag"
>;

export async function updatePortRow(sql: Queryable, id: string, change: PortChange): Promise<Port> {
  const [row] = await sql<Port[]>`
    update port t set name = ${change.name}, description = ${change.description}, admin_state_up = ${change.adminStateUp},
      mac_address = ${change.macAddress}, device_id = ${change.deviceId}, device_owner = ${change.deviceOwner}, fixed_ips = ${sql.json(change.fixedIps)},
      security_group_ids = ${change.securityGroupIds}, allowed_address_pairs = ${sql.json(change.allowedAddressPairs)},
      extra_dhcp_opts = ${sql.json(change.extraDhcpOpts)}, port_security_enabled = ${change.portSecurityEnabled}, qos_policy_id = ${change.qosPolicyId}, dns_name = ${change.dnsName},
      host_id = ${change.hostId}, vnic_type = ${change.vnicType}, binding_profile = ${sql.json(change.bindingProfile)},
      server_id = ${change.serverId}, delete_with_server = ${change.deleteWithServer}, device_tag = ${change.deviceTag},
      attached_at = case when t.server_id is not distinct from ${change.serverId} then t.attached_at
        when ${change.serverId}::text is not null then clock_timestamp() end,
      observed_up = t.observed_up and t.host_id = ${change.hostId} and t.server_id is not distinct from ${change.serverId},
      revision_number = t.revision_number + 1, updated_at = now()
    where t.id = ${id} returning ${portColumns(sql)}`;
  return row as Port;
}

/** Its addresses go with it. */
export async function deletePortRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from port where id = ${id}`;
}

/** Ports that a network cannot be deleted under. */
export async function listPortsBlockingNetwork(sql: Queryable, networkId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from port where network_id = ${networkId} and device_owner <> ${OWNER.distributed} limit 1`;
  return rows.map(({ id }) => id);
}

/** Ports that go with their network. */
export async function listAutoPorts(sql: Queryable, networkId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from port where network_id = ${networkId} and device_owner = ${OWNER.distributed}`;
  return rows.map(({ id }) => id);
}

/** The network's own port, held: subnets come and go one at a time. */
export async function lockDistributedPort(sql: Queryable, networkId: string): Promise<Port | null> {
  const [row] = await sql<Port[]>`
    select ${portColumns(sql)} from port t where t.network_id = ${networkId} and t.device_owner = 'network:distributed' for update`;
  return row ?? null;
}

/** Sets addresses only: the ip_allocation rows are the caller's. */
export async function setFixedIps(sql: Queryable, id: string, fixedIps: Port["fixedIps"]): Promise<void> {
  await sql`update port set fixed_ips = ${sql.json(fixedIps)}, revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

/** Of a row that nobody has seen yet. */
export async function correctFixedIps(sql: Queryable, id: string, fixedIps: Port["fixedIps"]): Promise<void> {
  await sql`update port set fixed_ips = ${sql.json(fixedIps)} where id = ${id}`;
}

/** Ports of a network that address themselves: routers' do not. */
export async function listSelfAddressing(
  sql: Queryable,
  networkId: string,
): Promise<{ id: string; macAddress: string }[]> {
  return sql`
    select id, mac_address from port where network_id = ${networkId} and device_owner not like 'network:%' order by id for no key update`;
}

export async function appendFixedIps(
  sql: Queryable,
  subnetId: string,
  taken: { portId: string; address: string }[],
): Promise<void> {
  await sql`
    update port p set revision_number = p.revision_number + 1, updated_at = now(),
      fixed_ips = p.fixed_ips || jsonb_build_array(jsonb_build_object('subnet_id', ${subnetId}::text, 'ip_address', c.address))
    from unnest(${taken.map((one) => one.portId)}::text[], ${taken.map((one) => one.address)}::text[]) as c(port_id, address)
    where p.id = c.port_id`;
}

/** A subnet goes, and with it the addresses that ports made for themselves there. */
export async function dropFixedIpsOf(sql: Queryable, subnetId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    with gone as (delete from ip_allocation where subnet_id = ${subnetId} returning port_id)
    update port p set revision_number = p.revision_number + 1, updated_at = now(),
      fixed_ips = (select coalesce(jsonb_agg(ip order by place), '[]') from jsonb_array_elements(p.fixed_ips) with ordinality as each(ip, place)
        where ip ->> 'subnet_id' <> ${subnetId})
    where p.id in (select port_id from gone) returning p.id`;
  return rows.map(({ id }) => id);
}

/** Something that ports show, but do not have, is another: their rows become new versions of the same. */
export async function renewPorts(sql: Queryable, networkId: string): Promise<void> {
  await sql`update port set network_id = network_id where network_id = ${networkId}`;
}

/** The same of one. */
export async function renewPort(sql: Queryable, id: string): Promise<void> {
  await sql`update port set network_id = network_id where id = ${id}`;
}
