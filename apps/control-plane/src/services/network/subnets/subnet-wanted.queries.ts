import type { Queryable } from "@andromede/platform/db/database";

import type { HostRoute, Ipv6Mode } from "./subnet.model.ts";

export type WantedSubnet = {
  id: string;
  ipVersion: 4 | 6;
  cidr: string;
  gatewayIp: string | null;
  enableDhcp: boolean;
  dnsServers: string[];
  hostRoutes: HostRoute[];
  ipv6AddressMode: Ipv6Mode | null;
  networkMtu: number;
  dnsDomain: string;
  /** The network port's address there. */
  metadataAddress: string | null;
};

/** A subnet with what its network adds to it. */
export async function findWantedSubnet(sql: Queryable, id: string): Promise<WantedSubnet | null> {
  const [row] = await sql<WantedSubnet[]>`
    select s.id, s.ip_version, s.cidr::text as cidr, s.gateway_ip, s.enable_dhcp, s.dns_nameservers as dns_servers, s.host_routes,
      s.ipv6_address_mode, n.mtu as network_mtu, n.dns_domain,
      (select host(a.address) from port p join ip_allocation a on a.port_id = p.id
        where p.network_id = s.network_id and p.device_owner = 'network:distributed' and a.subnet_id = s.id limit 1) as metadata_address
    from subnet s join network n on n.id = s.network_id where s.id = ${id}`;
  return row ?? null;
}
