/** What compute and network say to each other. Pure: public.ts names the functions. */
import type { Branded } from "@andromede/base/ids";

/** One entry of a server's `networks`. */
export type RequestedInterface =
  | { networkId: string; fixedIp?: string; tag?: string }
  | { portId: string; tag?: string };

/**
 * - a list: exactly these, in this order;
 * - `implicit`: the request had no `networks` (before 2.37): the project's only network, or no interface at all;
 * - `auto`: 2.37's word: the project's only network; without one, the topology that Neutron makes for it;
 * - `none`: no interface.
 */
export type RequestedNetworks = RequestedInterface[] | "implicit" | "auto" | "none";

export type CreateServerPorts = {
  serverId: string;
  projectId: string;
  /** Operators may use any project's networks and ports. */
  isAdmin: boolean;
  requested: RequestedNetworks;
  /** Names or ids; undefined or empty: the project's `default`. Applied to the ports made here, not to those given. */
  securityGroups?: string[];
  /** Becomes the device owner, `compute:<zone>`. */
  availabilityZone: string;
  /** Becomes the ports' DNS name. */
  hostname: string;
  /** Where the server already runs (attaching an interface); binds at once. */
  host?: string;
};

/** A port as compute needs it after making or attaching it. */
export type ServerPort = {
  id: string;
  networkId: string;
  macAddress: string;
  /** `ACTIVE` or `DOWN`. */
  status: string;
  fixedIps: { subnetId: string; ipAddress: string }[];
  tag: string | null;
};

/** What the guest's network_data.json, its taps and the agent's metadata proxy are made from. In the order of attachment. */
export type ServerInterface = ServerPort & {
  networkName: string;
  mtu: number;
  addresses: {
    address: string;
    subnet: {
      id: string;
      cidr: string;
      version: 4 | 6;
      gatewayIp: string | null;
      dnsNameservers: string[];
      hostRoutes: { destination: string; nexthop: string }[];
      enableDhcp: boolean;
      ipv6RaMode: string | null;
      ipv6AddressMode: string | null;
    };
  }[];
  /** Null on a network without a DHCP subnet: nobody answers 169.254.169.254 there. */
  metadataPort: { id: string; macAddress: string; addresses: string[] } | null;
};

/** One address of a server, as Nova's `addresses` shows it. */
export type ServerAddress = {
  networkName: string;
  macAddress: string;
  address: string;
  version: 4 | 6;
  type: "fixed" | "floating";
};

/** What a server's views show of its network. */
export type ServerNetworking = {
  /** In the order of attachment, floating ones after the fixed one they belong to. */
  addresses: ServerAddress[];
  /** Distinct groups of its ports, by name. */
  securityGroups: { id: string; name: string }[];
};
export const NO_NETWORKING: ServerNetworking = { addresses: [], securityGroups: [] };

/** JSON of it, as the database puts it together: two of them are the same text when nothing that is shown has changed. */
export type NetworkingFacts = Branded<"NetworkingFacts">;

type Facts = {
  ports: [networkName: string, macAddress: string, fixedIps: { ip_address: string }[], floating: [string, string][]][];
  groups: { id: string; name: string }[][];
};

/** Reads them. */
export function toServerNetworking(facts: NetworkingFacts): ServerNetworking {
  const { ports, groups } = JSON.parse(facts) as Facts;
  return { addresses: ports.flatMap(addressesOfPort), securityGroups: distinctGroups(groups) };
}

function addressesOfPort([networkName, macAddress, fixedIps, floating]: Facts["ports"][number]): ServerAddress[] {
  const addresses: ServerAddress[] = [];
  for (const { ip_address: address } of fixedIps) {
    addresses.push({ networkName, macAddress, address, version: address.includes(":") ? 6 : 4, type: "fixed" });
    for (const [fixed, outside] of floating)
      if (fixed === address)
        addresses.push({ networkName, macAddress, address: outside, version: 4, type: "floating" });
  }
  return addresses;
}

/** Each set comes in order; most servers' ports have one and the same. */
function distinctGroups(sets: Facts["groups"]): ServerNetworking["securityGroups"] {
  const [only, ...others] = sets;
  if (only === undefined || others.length === 0) return only ?? [];
  const byId = new Map(sets.flat().map((group) => [group.id, group]));
  const place = ({ name, id }: { name: string; id: string }): string => `${name}\0${id}`;
  return [...byId.values()].toSorted((one, other) => (place(one) < place(other) ? -1 : 1));
}

/** What a host's agent said of a server's ports. */
export type ObservedPorts = { serverId: string; portsUp: string[] };

export type NetworkQuotaName =
  | "network"
  | "subnet"
  | "subnetpool"
  | "port"
  | "router"
  | "floatingip"
  | "security_group"
  | "security_group_rule"
  | "rbac_policy"
  | "trunk";
/** `limit` -1: as many as there is room for. */
export type NetworkQuotaUsage = { [name in NetworkQuotaName]: { limit: number; used: number } };
