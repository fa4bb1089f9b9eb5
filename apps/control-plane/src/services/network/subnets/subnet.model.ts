/** Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import {
  type Cidr,
  type Range,
  canonicalAddress,
  cidrAt,
  contains,
  formatAddress,
  isHostAddress,
  overlaps,
  parseAddress,
  parseCidr,
  without,
} from "../common/addresses.ts";

export type Ipv6Mode = "slaac" | "dhcpv6-stateful" | "dhcpv6-stateless";
export type Pool = { start: string; end: string };
export type HostRoute = { destination: string; nexthop: string };

export type Subnet = {
  id: string;
  projectId: string;
  networkId: string;
  subnetpoolId: string | null;
  name: string;
  description: string;
  ipVersion: 4 | 6;
  cidr: string;
  gatewayIp: string | null;
  allocationPools: Pool[];
  dnsNameservers: string[];
  hostRoutes: HostRoute[];
  enableDhcp: boolean;
  ipv6RaMode: Ipv6Mode | null;
  ipv6AddressMode: Ipv6Mode | null;
  /** Whose ports get addresses there, by device owner; none: everybody's. */
  serviceTypes: string[];
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
};

/** What handing out an address needs to know. */
export type AddressSpace = Pick<
  Subnet,
  "id" | "networkId" | "ipVersion" | "cidr" | "gatewayIp" | "allocationPools" | "ipv6AddressMode" | "ipv6RaMode"
> & { serviceTypes?: string[] };

const MAX_NAMESERVERS = 5;
const MAX_ROUTES = 20;

const OWNERS = ["network:", "compute:", "baremetal:", "trunk:", "neutron:"];

/** Texts that device owners may be. */
export function readServiceTypes(given: readonly string[]): string[] {
  const unknown = given.find((type) => !OWNERS.some((prefix) => type.startsWith(prefix)));
  if (unknown !== undefined) {
    throw invalid(`Subnet service type ${unknown} does not correspond to a valid device owner.`, {
      type: "InvalidSubnetServiceType",
    });
  }
  return [...new Set(given)];
}

/** They answer on every subnet. */
const ANSWERING = new Set(["network:dhcp", "network:distributed"]);

/** Does a port of this owner get an address there when it does not ask for this very subnet? */
export const serves = (subnet: Pick<AddressSpace, "serviceTypes">, deviceOwner: string | undefined): boolean =>
  deviceOwner === undefined ||
  ANSWERING.has(deviceOwner) ||
  subnet.serviceTypes === undefined ||
  subnet.serviceTypes.length === 0 ||
  subnet.serviceTypes.includes(deviceOwner);

export const subnetNotFound = (id: string): CloudError =>
  notFound(`Subnet ${id} could not be found.`, { type: "SubnetNotFound" });
export const subnetInUse = (id: string): CloudError =>
  conflict(`Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`, {
    type: "SubnetInUse",
  });

/** Do ports make their own addresses there, from their MAC? */
export const isAutoAddressed = (subnet: Pick<Subnet, "ipv6AddressMode" | "ipv6RaMode">): boolean =>
  subnet.ipv6AddressMode === "slaac" || subnet.ipv6AddressMode === "dhcpv6-stateless";

/** A CIDR that the database or a schema has already checked. */
export function knownCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === null) throw new Error(`not a CIDR: ${text}`);
  return cidr;
}

const knownAddress = (text: string): bigint => {
  const address = parseAddress(text);
  if (address === null) throw new Error(`not an address: ${text}`);
  return address.value;
};

export const toRanges = (pools: readonly Pool[]): Range[] =>
  pools.map(({ start, end }) => ({ start: knownAddress(start), end: knownAddress(end) }));
const toPools = (ranges: readonly Range[], version: 4 | 6): Pool[] =>
  ranges.map(({ start, end }) => ({ start: formatAddress(start, version), end: formatAddress(end, version) }));

export function readSubnetCidr(text: string, ipVersion: 4 | 6): Cidr {
  const cidr = text.includes("/") ? parseCidr(text) : null;
  if (cidr === null)
    throw invalid(`Invalid input for cidr. Reason: '${text}' is not a valid IP subnet.`, { field: "cidr" });
  if (!cidr.exact) {
    throw invalid(
      `Invalid input for cidr. Reason: '${text}' isn't a recognized IP subnet cidr, '${cidr.text}' is recommended.`,
      { field: "cidr" },
    );
  }
  if (cidr.version !== ipVersion)
    throw invalid(`Invalid input for operation: cidr '${text}' does not match the ip_version '${ipVersion}'`);
  const first = cidr.first;
  const multicast =
    cidr.version === 4 ? cidrAt(first, 4, 4).text === "224.0.0.0/4" : cidrAt(first, 8, 6).text === "ff00::/8";
  const loopback = cidr.version === 4 ? cidrAt(first, 8, 4).text === "127.0.0.0/8" : cidr.text === "::1/128";
  if (multicast || loopback || cidr.prefix === 0)
    throw invalid(`Invalid input for operation: '${text}' cannot be a subnet.`);
  return cidr;
}

/** Given, null, or the subnet's first address. */
export function readGateway(given: string | null | undefined, cidr: Cidr): string | null {
  if (given === null) return null;
  // a point-to-point prefix is all hosts
  if (given === undefined)
    return cidr.prefix >= (cidr.version === 4 ? 31 : 127)
      ? formatAddress(cidr.first, cidr.version)
      : formatAddress(cidr.first + 1n, cidr.version);
  const address = parseAddress(given);
  if (address === null)
    throw invalid(`Invalid input for gateway_ip. Reason: '${given}' is not a valid IP address.`, {
      field: "gateway_ip",
    });
  if (address.version !== cidr.version) {
    throw invalid(`Invalid input for operation: gateway_ip '${given}' does not match the ip_version '${cidr.version}'`);
  }
  if (contains(cidr, address) && !isHostAddress(cidr, address.value))
    throw invalid("Invalid input for operation: Gateway is not valid on subnet.");
  return formatAddress(address.value, address.version);
}

/** All host addresses but the gateway's. */
export function defaultPools(cidr: Cidr, gatewayIp: string | null): Pool[] {
  const hostBits = (cidr.version === 4 ? 32 : 128) - cidr.prefix;
  const whole =
    hostBits <= 1
      ? { start: cidr.first, end: cidr.last }
      : { start: cidr.first + 1n, end: cidr.version === 4 ? cidr.last - 1n : cidr.last };
  return toPools(gatewayIp === null ? [whole] : without([whole], knownAddress(gatewayIp)), cidr.version);
}

/** Checks pools as given; sorted. */
export function readPools(given: readonly Pool[], cidr: Cidr): Pool[] {
  const ranges = given.map((pool) => {
    const start = parseAddress(pool.start);
    const end = parseAddress(pool.end);
    const shown = `${pool.start}-${pool.end}`;
    if (
      start === null ||
      end === null ||
      start.version !== cidr.version ||
      end.version !== cidr.version ||
      start.value > end.value
    ) {
      throw invalid(`The allocation pool ${shown} is not valid.`, { type: "InvalidAllocationPool" });
    }
    if (!contains(cidr, start) || !contains(cidr, end)) {
      throw invalid(`The allocation pool ${shown} spans beyond the subnet cidr ${cidr.text}.`, {
        type: "OutOfBoundsAllocationPool",
      });
    }
    return { start: start.value, end: end.value };
  });
  const sorted = ranges.toSorted((a, b) => (a.start < b.start ? -1 : 1));
  for (const [index, range] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && range.start <= before.end) {
      const [one, other] = toPools([before, range], cidr.version);
      throw conflict(
        `Found overlapping allocation pools: ${one?.start}-${one?.end} ${other?.start}-${other?.end} for subnet ${cidr.text}.`,
        {
          type: "OverlappingAllocationPools",
        },
      );
    }
  }
  return toPools(sorted, cidr.version);
}

export function checkGatewayOutsidePools(gatewayIp: string | null, pools: readonly Pool[]): void {
  if (gatewayIp === null) return;
  const value = knownAddress(gatewayIp);
  const version = gatewayIp.includes(":") ? 6 : 4;
  const pool = pools.find(
    ({ start, end }) =>
      (start.includes(":") ? 6 : 4) === version && knownAddress(start) <= value && value <= knownAddress(end),
  );
  if (pool !== undefined) {
    throw conflict(`Gateway ip ${gatewayIp} conflicts with allocation pool ${pool.start}-${pool.end}.`, {
      type: "GatewayConflictWithAllocationPools",
    });
  }
}

export function readNameservers(given: readonly string[]): string[] {
  if (given.length > MAX_NAMESERVERS) {
    throw invalid(`Unable to complete operation: The number of DNS nameservers exceeds the limit ${MAX_NAMESERVERS}.`, {
      type: "DNSNameServersExhausted",
    });
  }
  const servers = given.map((text) => {
    const address = canonicalAddress(text);
    if (address === null)
      throw invalid(`Invalid input for dns_nameservers. Reason: '${text}' is not a valid nameserver.`, {
        field: "dns_nameservers",
      });
    return address;
  });
  if (new Set(servers).size < servers.length)
    throw invalid("Invalid input for dns_nameservers. Reason: Duplicate nameserver.");
  return servers;
}

/** Host routes of subnets and extra routes of routers: the same form, with `field` naming which. */
export function readRoutes(given: readonly HostRoute[], field: string, limit = MAX_ROUTES): HostRoute[] {
  if (given.length > limit) {
    throw invalid(`Unable to complete operation: The number of ${field} exceeds the limit ${limit}.`, {
      type: field === "routes" ? "RoutesExhausted" : "HostRoutesExhausted",
    });
  }
  const routes = given.map(({ destination, nexthop }) => {
    const cidr = parseCidr(destination);
    const via = parseAddress(nexthop);
    if (cidr === null || !destination.includes("/"))
      throw invalid(`Invalid input for ${field}. Reason: '${destination}' is not a valid IP subnet.`);
    if (!cidr.exact)
      throw invalid(
        `Invalid input for ${field}. Reason: '${destination}' isn't a recognized IP subnet cidr, '${cidr.text}' is recommended.`,
      );
    if (via === null) throw invalid(`Invalid input for ${field}. Reason: '${nexthop}' is not a valid IP address.`);
    if (via.version !== cidr.version)
      throw invalid(
        `Invalid input for ${field}. Reason: '${destination}' and '${nexthop}' are of different IP versions.`,
      );
    return { destination: cidr.text, nexthop: formatAddress(via.value, via.version) };
  });
  const distinct = new Set(routes.map(({ destination, nexthop }) => `${destination} ${nexthop}`));
  if (distinct.size < routes.length) throw invalid(`Invalid input for ${field}. Reason: Duplicate hostroute.`);
  return routes;
}

export function checkIpv6Modes(
  subnet: { ipVersion: 4 | 6; enableDhcp: boolean; ipv6RaMode: Ipv6Mode | null; ipv6AddressMode: Ipv6Mode | null },
  cidr: Cidr,
): void {
  const { ipVersion, enableDhcp, ipv6RaMode: ra, ipv6AddressMode: address } = subnet;
  if (ra === null && address === null) return;
  if (ipVersion === 4) {
    throw invalid(
      `Invalid input for operation: ${ra === null ? "ipv6_address_mode" : "ipv6_ra_mode"} is not valid when ip_version is 4.`,
    );
  }
  if (!enableDhcp) {
    throw invalid(
      "Invalid input for operation: ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.",
    );
  }
  if (ra !== null && address !== null && ra !== address) {
    throw invalid(
      `Invalid input for operation: ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${address}' is not valid. If both attributes are set, they must be the same value.`,
    );
  }
  const mode = address ?? ra;
  if (mode !== "dhcpv6-stateful" && cidr.prefix !== 64) {
    throw invalid(
      `Invalid input for operation: Invalid CIDR ${cidr.text} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64.`,
    );
  }
}

export function checkOverlap(cidr: Cidr, networkId: string, others: readonly Pick<Subnet, "cidr">[]): void {
  if (!others.some((other) => overlaps(cidr, knownCidr(other.cidr)))) return;
  throw invalid(
    `Invalid input for operation: Requested subnet with cidr: ${cidr.text} for network: ${networkId} overlaps with another subnet.`,
  );
}
