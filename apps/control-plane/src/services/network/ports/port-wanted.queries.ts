import type { Queryable } from "@andromede/platform/db/database";

import type { QosRule } from "../qos/qos-policy.model.ts";
import { rulesOf } from "../qos/qos-policy.queries.ts";
import type { Ipv6Mode } from "../subnets/subnet.model.ts";
import type { Port } from "./port.model.ts";
import { portColumns } from "./port.queries.ts";

export type WantedPort = Port & {
  networkMtu: number;
  networkDnsDomain: string;
  networkPhysical: string | null;
  networkRealised: boolean;
  /** Of its own policy, or its network's. */
  qosRules: QosRule[];
  /** The port that carries it, and as which VLAN. */
  carriedBy: { portId: string; tag: number } | null;
};

/** A port with what its network adds to it. */
export async function findWantedPort(sql: Queryable, id: string): Promise<WantedPort | null> {
  const [row] = await sql<WantedPort[]>`
    select ${portColumns(sql)}, n.mtu as network_mtu, n.dns_domain as network_dns_domain, n.physical_network as network_physical,
      n.observed_revision is not null as network_realised,
      ${rulesOf(sql, sql`coalesce(t.qos_policy_id, case when t.device_owner not like 'network:%' then n.qos_policy_id end)`)} as qos_rules,
      (select jsonb_build_object('portId', k.port_id, 'tag', s.segmentation_id) from trunk_subport s join trunk k on k.id = s.trunk_id
        where s.port_id = t.id) as carried_by
    from port t join network n on n.id = t.network_id where t.id = ${id}`;
  return row ?? null;
}

export type LegSubnet = {
  subnetId: string;
  address: string;
  cidr: string;
  gatewayIp: string | null;
  ipVersion: 4 | 6;
  ipv6RaMode: Ipv6Mode | null;
  dnsNameservers: string[];
};

/** A port's addresses with the subnets they are in. */
export async function listLegSubnets(sql: Queryable, portId: string): Promise<LegSubnet[]> {
  return sql<LegSubnet[]>`
    select s.id as subnet_id, host(a.address) as address, s.cidr::text as cidr, s.gateway_ip, s.ip_version, s.ipv6_ra_mode, s.dns_nameservers
    from ip_allocation a join subnet s on s.id = a.subnet_id where a.port_id = ${portId} order by a.address`;
}
