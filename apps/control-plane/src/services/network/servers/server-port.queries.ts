import type { Queryable } from "@andromede/platform/db/database";

import type { ObservedPorts, ServerInterface } from "./server-ports.model.ts";

/** Networks that a server gets an interface on when it names none: the project's own and those shared with it. */
export async function listImplicitNetworks(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from network where (project_id = ${projectId} or shared_with && array['*', ${projectId}]::text[]) and not external order by id limit 2`;
  return rows.map(({ id }) => id);
}

export async function hasSubnets(sql: Queryable, networkId: string): Promise<boolean> {
  const [row] = await sql<
    { there: boolean }[]
  >`select exists (select 1 from subnet where network_id = ${networkId}) as there`;
  return row?.there ?? false;
}

/** The order of a server's interfaces is when they were attached. */
export async function setAttachOrder(sql: Queryable, portIds: string[]): Promise<void> {
  await sql`
    update port p set attached_at = now() + c.place * interval '1 microsecond'
    from unnest(${portIds}::text[]) with ordinality as c(id, place) where p.id = c.id`;
}

/** Ports whose place changes by this; none when they are there already. */
export async function setHost(sql: Queryable, serverId: string, host: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    update port set host_id = ${host}, observed_up = false, revision_number = revision_number + 1, updated_at = now()
    where server_id = ${serverId} and host_id <> ${host} returning id`;
  return rows.map(({ id }) => id);
}

/** Only observed columns are written, and only where something changed. A port that is bound to another host is not this one's to judge. */
export async function storeObserved(sql: Queryable, host: string, guests: ObservedPorts[]): Promise<string[]> {
  // a trunk's ports are plugged where their parent is
  const rows = await sql<{ serverId: string }[]>`
    with changed as (update port p set observed_up = (p.id = any(${guests.flatMap((guest) => guest.portsUp)}::text[]))
    where p.server_id = any(${guests.map((guest) => guest.serverId)}::text[]) and p.host_id = ${host}
      and p.observed_up <> (p.id = any(${guests.flatMap((guest) => guest.portsUp)}::text[]))
    returning p.id, p.server_id, p.observed_up),
    carried as (update port c set observed_up = changed.observed_up
      from changed join trunk k on k.port_id = changed.id join trunk_subport s on s.trunk_id = k.id where c.id = s.port_id)
    select server_id from changed`;
  return [...new Set(rows.map(({ serverId }) => serverId))];
}

/** The first port, else the first group, that OVN does not have as it should. */
export async function findUnrealised(
  sql: Queryable,
  serverId: string,
): Promise<{ kind: "port" | "security_group"; id: string } | null> {
  const [row] = await sql<{ kind: "port" | "security_group"; id: string }[]>`
    (select 'port' as kind, id from port where server_id = ${serverId} and observed_revision is distinct from revision_number order by id limit 1)
    union all
    (select 'security_group' as kind, g.id from security_group g
      where g.id in (select unnest(security_group_ids) from port where server_id = ${serverId}) and g.observed_revision is null limit 1)
    limit 1`;
  return row ?? null;
}

type InterfaceRow = Omit<ServerInterface, "fixedIps" | "addresses"> & {
  fixedIps: { subnet_id: string; ip_address: string }[];
  subnets: ServerInterface["addresses"][number]["subnet"][];
};

export async function listServerInterfaces(sql: Queryable, serverId: string): Promise<ServerInterface[]> {
  const rows = await sql<InterfaceRow[]>`
    select p.id, p.network_id, p.mac_address, p.status, p.fixed_ips, p.device_tag as tag, n.name as network_name, n.mtu,
      coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'cidr', s.cidr::text, 'version', s.ip_version, 'gatewayIp', s.gateway_ip,
        'dnsNameservers', to_jsonb(s.dns_nameservers), 'hostRoutes', s.host_routes, 'enableDhcp', s.enable_dhcp, 'ipv6RaMode', s.ipv6_ra_mode,
        'ipv6AddressMode', s.ipv6_address_mode)) from subnet s where s.network_id = n.id), '[]') as subnets,
      (select jsonb_build_object('id', m.id, 'macAddress', m.mac_address, 'addresses', coalesce((
        select jsonb_agg(host(a.address) || '/' || masklen(s.cidr) order by a.address)
        from ip_allocation a join subnet s on s.id = a.subnet_id where a.port_id = m.id), '[]'))
        from port m where m.network_id = n.id and m.device_owner = 'network:distributed' and m.fixed_ips <> '[]') as metadata_port
    from port p join network n on n.id = p.network_id where p.server_id = ${serverId} order by p.attached_at, p.id`;
  return rows.map(({ subnets, fixedIps, ...row }) => ({
    ...row,
    fixedIps: fixedIps.map((ip) => ({ subnetId: ip.subnet_id, ipAddress: ip.ip_address })),
    addresses: fixedIps.flatMap((ip) => {
      const subnet = subnets.find((one) => one.id === ip.subnet_id);
      return subnet === undefined ? [] : [{ address: ip.ip_address, subnet }];
    }),
  }));
}

/**
 * Of each of many servers, what its views say of its network, as JSON (`NetworkingFacts`): of each port its network's name,
 * its MAC address, its fixed IPs and the floating ones of each; then the sets of security groups its ports have. The ports
 * are read once, and text is put together here because a row of fifty columns less is what makes a long page fast.
 */
export async function listServerNetworking(
  sql: Queryable,
  serverIds: string[],
): Promise<{ serverId: string; facts: string }[]> {
  return sql<{ serverId: string; facts: string }[]>`
    with held as materialized (
        select server_id, id, network_id, mac_address, fixed_ips, security_group_ids, attached_at
        from port where server_id = any(${serverIds}::text[])),
      named as materialized (
        select id, to_json(name)::text as name from network where id = any(array(select distinct network_id from held))),
      grouped as materialized (
        select s.ids, (select json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name, g.id)::text
          from security_group g where g.id = any(s.ids)) as groups
        from (select distinct security_group_ids as ids from held) s),
      floating as materialized (
        select port_id, json_agg(json_build_array(fixed_ip_address, floating_ip_address) order by id)::text as ips
        from floatingip where port_id = any(array(select id from held)) group by port_id)
    select h.server_id, '{"ports":[' || string_agg('[' || n.name || ',' || to_json(h.mac_address)::text || ',' || h.fixed_ips::text || ',' ||
        coalesce(f.ips, '[]') || ']', ',' order by h.attached_at, h.id)
      || '],"groups":[' || coalesce(string_agg(distinct g.groups, ','), '') || ']}' as facts
    from held h join named n on n.id = h.network_id join grouped g on g.ids = h.security_group_ids
      left join floating f on f.port_id = h.id
    group by h.server_id`;
}

export async function listServersAt(
  sql: Queryable,
  projectId: string | null,
  version: 4 | 6,
  regex: string,
): Promise<string[]> {
  const rows = await sql<{ serverId: string }[]>`
    select distinct p.server_id from port p join ip_allocation a on a.port_id = p.id
    where p.server_id is not null ${projectId === null ? sql`` : sql`and p.project_id = ${projectId}`}
      and family(a.address) = ${version} and host(a.address) ~ ${regex}`;
  return rows.map(({ serverId }) => serverId);
}
