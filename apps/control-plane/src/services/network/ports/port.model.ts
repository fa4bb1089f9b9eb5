/** Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { canonicalMac, parseAddress, parseCidr } from "../common/addresses.ts";

export type FixedIp = { subnet_id: string; ip_address: string };
export type AddressPair = { ip_address: string; mac_address: string };
export type ExtraDhcpOpt = { opt_name: string; opt_value: string; ip_version: 4 | 6 };

export type Port = {
  id: string;
  projectId: string;
  networkId: string;
  networkProjectId: string;
  name: string;
  description: string;
  adminStateUp: boolean;
  macAddress: string;
  deviceId: string;
  deviceOwner: string;
  fixedIps: FixedIp[];
  securityGroupIds: string[];
  allowedAddressPairs: AddressPair[];
  extraDhcpOpts: ExtraDhcpOpt[];
  portSecurityEnabled: boolean;
  dnsName: string;
  qosPolicyId: string | null;
  /** Its network's, as shown beside its own. */
  qosNetworkPolicyId: string | null;
  hostId: string;
  /** The trunk that it is the parent of, with what that carries. */
  trunk: { id: string; subPorts: { portId: string; segmentationId: number; macAddress: string }[] } | null;
  vnicType: string;
  bindingProfile: { [key: string]: never };
  serverId: string | null;
  deleteWithServer: boolean;
  deviceTag: string | null;
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
  observedRevision: number | null;
  observedUp: boolean;
  status: string;
};

export const OWNER = {
  routerInterface: "network:router_interface",
  routerGateway: "network:router_gateway",
  floatingIp: "network:floatingip",
  distributed: "network:distributed",
} as const;

/** Ports that the network service makes by itself, and that nobody makes, moves or deletes by hand. */
const OURS: ReadonlySet<string> = new Set(Object.values(OWNER));
export const isOurs = (deviceOwner: string): boolean => OURS.has(deviceOwner);

export const portNotFound = (id: string): CloudError =>
  notFound(`Port ${id} could not be found.`, { type: "PortNotFound" });
export const macInUse = (networkId: string, mac: string): CloudError =>
  conflict(`Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`, {
    type: "MacAddressInUse",
  });
export const addressInUse = (address: string, subnetId: string): CloudError =>
  conflict(`IP address ${address} already allocated in subnet ${subnetId}`, { type: "IpAddressAlreadyAllocated" });

const MAX_PAIRS = 10;
const MAX_DHCP_OPTS = 64;

/** Addresses a port may use besides its own. Without a MAC address: the port's. */
export function readAddressPairs(
  given: readonly { ip_address: string; mac_address?: string | null }[],
  mac: string,
): AddressPair[] {
  if (given.length > MAX_PAIRS) {
    throw invalid(`The number of allowed address pair exceeds the maximum ${MAX_PAIRS}.`, {
      type: "AllowedAddressPairExhausted",
    });
  }
  const pairs = given.map((pair) => {
    const cidr = parseCidr(pair.ip_address);
    if (cidr === null)
      throw invalid(
        `Invalid input for allowed_address_pairs. Reason: '${pair.ip_address}' is not a valid IP address or subnet.`,
      );
    const own = pair.mac_address === undefined || pair.mac_address === null ? mac : canonicalMac(pair.mac_address);
    if (own === null)
      throw invalid(
        `Invalid input for allowed_address_pairs. Reason: '${pair.mac_address}' is not a valid MAC address.`,
      );
    return { ip_address: pair.ip_address, mac_address: own };
  });
  const distinct = new Set(pairs.map((pair) => `${pair.ip_address} ${pair.mac_address}`));
  if (distinct.size < pairs.length) {
    throw invalid("Request contains duplicate address pair.", { type: "DuplicateAddressPairInRequest" });
  }
  return pairs;
}

type DhcpWire = { opt_name: string; opt_value: string | null; ip_version?: number | string };

/** A null value takes the option away; on a new port there is none to take. */
export function readDhcpOpts(given: readonly DhcpWire[], held: readonly ExtraDhcpOpt[] = []): ExtraDhcpOpt[] {
  if (given.length > MAX_DHCP_OPTS)
    throw invalid(`Invalid input for extra_dhcp_opts. Reason: more than ${MAX_DHCP_OPTS} options.`);
  const options = new Map(held.map((option) => [`${option.ip_version} ${option.opt_name}`, option]));
  for (const option of given) {
    const version = Number(option.ip_version ?? 4);
    if (version !== 4 && version !== 6)
      throw invalid(`Invalid input for extra_dhcp_opts. Reason: '${option.ip_version}' is not in [4, 6].`);
    const key = `${version} ${option.opt_name}`;
    if (option.opt_value === null) options.delete(key);
    else options.set(key, { opt_name: option.opt_name, opt_value: option.opt_value, ip_version: version });
  }
  return [...options.values()];
}

export function readMac(text: string): string {
  const mac = canonicalMac(text);
  if (mac === null)
    throw invalid(`Invalid input for mac_address. Reason: '${text}' is not a valid MAC address.`, {
      field: "mac_address",
    });
  return mac;
}

/** Is this one of the port's own IPv4 addresses? */
export const ipv4Of = (port: Pick<Port, "fixedIps">): FixedIp[] =>
  port.fixedIps.filter((ip) => parseAddress(ip.ip_address)?.version === 4);
