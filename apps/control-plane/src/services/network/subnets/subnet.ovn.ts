/**
 * subnet -> DHCP_Options. Ports point at their subnet's options, or at a row of their own that extends it; whichever of
 * port and subnet comes last makes the tie.
 */
import type { RowWrite } from "@andromede/ovsdb/types";

import { serviceMac } from "../ovn/addresses.ts";
import { type Draft, writeOvn } from "../ovn/draft.ts";
import { ID, SUBNETS, marks } from "../ovn/names.ts";
import { type OvnNorthbound, type Tables, indexKey } from "../ovn/northbound.ts";
import { type DhcpSource, tieDhcp } from "./port-dhcp.ovn.ts";

/** What OVN must know of a subnet. */
export type OvnSubnet = {
  readonly id: string;
  readonly ipVersion: 4 | 6;
  readonly cidr: string;
  readonly gatewayIp: string | null;
  readonly enableDhcp: boolean;
  readonly dnsServers: readonly string[];
  readonly hostRoutes: readonly { readonly destination: string; readonly nexthop: string }[];
  readonly ipv6AddressMode: "slaac" | "dhcpv6-stateful" | "dhcpv6-stateless" | null;
  readonly networkMtu: number;
  /** Address of the network's metadata port in this subnet: 169.254.169.254 is routed to it. */
  readonly metadataAddress: string | null;
  readonly dnsDomain: string | null;
};

const METADATA_CIDR = "169.254.169.254/32";
/** Half a day, as Neutron's `ovn_dhcp4_default_lease_time`. */
const LEASE_SECONDS = 43_200;

const list = (items: readonly string[]): string => `{${items.join(", ")}}`;

function dhcpV4(subnet: OvnSubnet): { readonly [option: string]: string } | null {
  const serverId = subnet.gatewayIp ?? subnet.metadataAddress;
  if (serverId === null) return null;
  const routes = subnet.hostRoutes.map(({ destination, nexthop }) => `${destination},${nexthop}`);
  if (subnet.metadataAddress !== null) routes.unshift(`${METADATA_CIDR},${subnet.metadataAddress}`);
  // RFC 3442: who takes option 121 ignores option 3, so the default route is in both.
  if (routes.length > 0 && subnet.gatewayIp !== null) routes.push(`0.0.0.0/0,${subnet.gatewayIp}`);
  return {
    server_id: serverId,
    server_mac: serviceMac(subnet.id),
    lease_time: String(LEASE_SECONDS),
    mtu: String(subnet.networkMtu),
    ...(subnet.gatewayIp === null ? {} : { router: subnet.gatewayIp }),
    ...(subnet.dnsServers.length === 0 ? {} : { dns_server: list(subnet.dnsServers) }),
    ...(subnet.dnsDomain === null ? {} : { domain_name: `"${subnet.dnsDomain.replace(/\.$/, "")}"` }),
    ...(routes.length === 0 ? {} : { classless_static_route: list(routes) }),
  };
}

function dhcpV6(subnet: OvnSubnet): { readonly [option: string]: string } | null {
  // With SLAAC there is nothing to ask a DHCP server for.
  if (subnet.ipv6AddressMode === "slaac") return null;
  return {
    server_id: serviceMac(subnet.id),
    ...(subnet.dnsServers.length === 0 ? {} : { dns_server: list(subnet.dnsServers) }),
    ...(subnet.ipv6AddressMode === "dhcpv6-stateless" ? { dhcpv6_stateless: "true" } : {}),
  };
}

/** Pure: the DHCP options of a subnet, or null if it has no DHCP. */
export function subnetDhcpRow(
  subnet: OvnSubnet,
): (RowWrite<Tables["DHCP_Options"]> & { cidr: string; options: { readonly [option: string]: string } }) | null {
  const options = subnet.enableDhcp ? (subnet.ipVersion === 4 ? dhcpV4(subnet) : dhcpV6(subnet)) : null;
  return options === null ? null : { cidr: subnet.cidr, options, external_ids: marks("subnet", subnet.id) };
}

/** The subnet's DHCP is in OVN as given (or absent, if it has none), and its ports use it. */
export function ensureSubnet(ovn: OvnNorthbound, subnet: OvnSubnet): Promise<boolean> {
  return writeSubnet(ovn, subnet.id, subnetDhcpRow(subnet));
}

/** Nothing of the subnet is left in OVN. */
export function removeSubnet(ovn: OvnNorthbound, subnetId: string): Promise<boolean> {
  return writeSubnet(ovn, subnetId, null);
}

async function writeSubnet(
  ovn: OvnNorthbound,
  subnetId: string,
  wanted: ReturnType<typeof subnetDhcpRow>,
): Promise<boolean> {
  const write = (everyPort: boolean): Promise<boolean> =>
    writeOvn(ovn, (draft) => draftSubnet(ovn, draft, subnetId, wanted, everyPort));
  const changed = await write(false);
  // By now the copy holds the ports that were written while this one was under way; later ones find the subnet themselves.
  if (changed) await write(true);
  return changed;
}

function draftSubnet(
  ovn: OvnNorthbound,
  draft: Draft,
  subnetId: string,
  wanted: ReturnType<typeof subnetDhcpRow>,
  everyPort: boolean,
): void {
  const rows = ovn.owned.DHCP_Options.all(indexKey("subnet", subnetId));
  let source: DhcpSource | undefined;
  if (wanted === null) {
    draft.remove("DHCP_Options", rows);
  } else {
    const ref = draft.row("DHCP_Options", rows[0], wanted, ["external_ids", "includes", { [ID]: subnetId }]);
    source = { ref, cidr: wanted.cidr, options: wanted.options };
    draft.remove("DHCP_Options", rows.slice(1));
  }
  // Otherwise ports were tied when they or the subnet last changed.
  if (!everyPort && draft.operations.length === 0) return;
  for (const port of ovn.client.table("Logical_Switch_Port").rows.values()) {
    if (port.external_ids[SUBNETS]?.includes(subnetId) !== true) continue;
    const tied = tieDhcp(ovn, draft, { id: port.name, externalIds: port.external_ids, type: port.type }, (id) =>
      id === subnetId ? { source } : undefined,
    );
    draft.row("Logical_Switch_Port", port, tied);
  }
}
