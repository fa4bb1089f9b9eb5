/** Pure. */
import { type CloudError, conflict, forbidden, invalid, notFound } from "@andromede/base/errors";

import type { Requester } from "../common/requester.ts";
import { EVERYBODY, isOpenTo } from "../common/sharing.ts";
import { toInteger } from "../common/wire.ts";

export type NetworkType = "geneve" | "flat" | "vlan";

export type Network = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  adminStateUp: boolean;
  sharedWith: string[];
  external: boolean;
  externalTo: string[];
  qosPolicyId: string | null;
  isDefault: boolean;
  mtu: number;
  portSecurityEnabled: boolean;
  dnsDomain: string;
  networkType: NetworkType;
  physicalNetwork: string | null;
  segmentationId: number | null;
  availabilityZoneHints: string[];
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
  observedRevision: number | null;
  status: string;
};

export type NetworkWithSubnets = Network & {
  subnetIds: string[];
  /** Of the pools that its subnets are cut from. */
  ipv4AddressScope: string | null;
  ipv6AddressScope: string | null;
};

/** What a network of tunnels carries on an Ethernet of 1500: geneve over IPv4 with OVN's option takes 58 bytes. */
const TUNNEL_MTU = 1442;
const PHYSICAL_MTU = 1500;
const MIN_MTU = 68;
/** IPv6 has no smaller packets (RFC 8200). */
export const MIN_IPV6_MTU = 1280;
const MAX_MTU = 9000;

export const networkNotFound = (id: string): CloudError =>
  notFound(`Network ${id} could not be found.`, { type: "NetworkNotFound" });
export const networkInUse = (id: string): CloudError =>
  conflict(`Unable to complete operation on network ${id}. There are one or more ports still in use on the network.`, {
    type: "NetworkInUse",
  });

/** Seen by its owner, by whom it is shared with, and by those whose way out it may be. */
export const isVisible = (
  network: Pick<Network, "projectId" | "sharedWith" | "externalTo">,
  requester: Requester,
): boolean =>
  isOpenTo(network, requester) ||
  network.externalTo.includes(EVERYBODY) ||
  network.externalTo.includes(requester.projectId);

/** May the requester have ports and subnets seen there: an external network shows itself, not what is in it. */
export const isUsable = (network: Pick<Network, "projectId" | "sharedWith">, requester: Requester): boolean =>
  isOpenTo(network, requester);

/** A network seen but not owned is refused; one not seen does not exist. */
export function checkOwner(
  network: Network | null,
  requester: Requester,
  id: string,
  action: string,
): asserts network is Network {
  if (network === null || !isVisible(network, requester)) throw networkNotFound(id);
  if (!requester.admin && network.projectId !== requester.projectId) {
    throw forbidden(`rule:${action} is disallowed by policy`, { type: "PolicyNotAuthorized" });
  }
}

export type ProviderWire = {
  "provider:network_type"?: string | null;
  "provider:physical_network"?: string | null;
  "provider:segmentation_id"?: number | string | null;
};
export type Provider = { networkType: NetworkType; physicalNetwork: string | null; segmentationId: number | null };

/** Which physical network, if any, a network is on. Only operators say. */
export function readProvider(wire: ProviderWire): Provider {
  const type = wire["provider:network_type"] ?? (wire["provider:physical_network"] ? "flat" : "geneve");
  const physicalNetwork = wire["provider:physical_network"] ?? null;
  const segment = wire["provider:segmentation_id"] ?? null;
  if (type === "geneve") {
    if (physicalNetwork !== null)
      throw invalid("Invalid input for operation: provider:physical_network specified for geneve network.");
    if (segment !== null)
      throw invalid("Invalid input for operation: the segment of a geneve network is chosen by OVN.");
    return { networkType: type, physicalNetwork: null, segmentationId: null };
  }
  if (type !== "flat" && type !== "vlan")
    throw invalid(`Invalid input for operation: Network type '${type}' is not supported.`);
  if (physicalNetwork === null || physicalNetwork === "") {
    throw invalid(`Invalid input for operation: provider:physical_network required for ${type} provider network.`);
  }
  if (type === "flat") {
    if (segment !== null)
      throw invalid("Invalid input for operation: provider:segmentation_id specified for flat network.");
    return { networkType: type, physicalNetwork, segmentationId: null };
  }
  if (segment === null)
    throw invalid("Invalid input for operation: provider:segmentation_id required for vlan provider network.");
  return {
    networkType: type,
    physicalNetwork,
    segmentationId: toInteger(segment, "provider:segmentation_id", 1, 4094),
  };
}

/** The MTU asked for, within what the network can carry; 0 or nothing: the largest. */
export function readMtu(wire: number | string | undefined, networkType: NetworkType): number {
  const largest = networkType === "geneve" ? TUNNEL_MTU : PHYSICAL_MTU;
  if (wire === undefined) return largest;
  const mtu = toInteger(wire, "mtu", 0, MAX_MTU);
  if (mtu === 0) return largest;
  if (mtu < MIN_MTU) throw invalid(`Invalid input for operation: Requested MTU is too small, minimum is ${MIN_MTU}`);
  if (mtu > largest) throw invalid(`Invalid input for operation: Requested MTU is too big, maximum is ${largest}`);
  return mtu;
}
