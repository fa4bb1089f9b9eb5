/** What compute and network say to each other. Pure types: public.ts names the functions. */

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
  networkId: string;
  networkName: string;
  portId: string;
  macAddress: string;
  address: string;
  version: 4 | 6;
  type: "fixed" | "floating";
};

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
