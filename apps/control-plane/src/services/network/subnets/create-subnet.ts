import { forbidden, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import { type Cidr, eui64Address } from "../common/addresses.ts";
import type { Requester } from "../common/requester.ts";
import { MIN_IPV6_MTU, type Network, isVisible, networkNotFound } from "../networks/network.model.ts";
import { lockNetworkSubnets, touchNetwork } from "../networks/network.queries.ts";
import { takeMany } from "../ports/ip-allocation.queries.ts";
import { appendFixedIps, listSelfAddressing } from "../ports/port.queries.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { takeFromPool } from "../subnetpools/take-from-pool.ts";
import { serveSubnet } from "./network-port.ts";
import {
  type HostRoute,
  type Ipv6Mode,
  type Pool,
  type Subnet,
  checkGatewayOutsidePools,
  checkIpv6Modes,
  checkOverlap,
  defaultPools,
  isAutoAddressed,
  knownCidr,
  readGateway,
  readPools,
  readSubnetCidr,
} from "./subnet.model.ts";
import { insertSubnet, listSubnetsOfNetwork } from "./subnet.queries.ts";

export type CreateSubnet = {
  projectId: string;
  networkId: string;
  ipVersion: 4 | 6 | undefined;
  /** Either of these two, or both: a part of a pool chosen by the customer. */
  cidr: string | undefined;
  pool: { id: string } | { default: true } | undefined;
  prefixLength: number | undefined;
  name: string;
  description: string;
  gatewayIp: string | null | undefined;
  allocationPools: Pool[] | undefined;
  dnsNameservers: string[];
  hostRoutes: HostRoute[];
  enableDhcp: boolean;
  ipv6RaMode: Ipv6Mode | null;
  ipv6AddressMode: Ipv6Mode | null;
};

export async function createSubnets(tx: Transaction, requester: Requester, wanted: CreateSubnet[]): Promise<Subnet[]> {
  for (const projectId of [...new Set(wanted.map((one) => one.projectId))].toSorted()) {
    await reserveQuota(tx.sql, projectId, { subnet: wanted.filter((one) => one.projectId === projectId).length });
  }
  const networks = new Map<string, Network>();
  for (const id of [...new Set(wanted.map((one) => one.networkId))].toSorted()) networks.set(id, await lockForSubnet(tx, requester, id));
  const made: Subnet[] = [];
  for (const one of wanted) made.push(await createSubnet(tx, requester, networks.get(one.networkId) as Network, one));
  return made;
}

/** One subnet of a network at a time: that is what keeps them from overlapping. */
async function lockForSubnet(tx: Transaction, requester: Requester, networkId: string): Promise<Network> {
  const network = await lockNetworkSubnets(tx.sql, networkId);
  if (network === null || !isVisible(network, requester)) throw networkNotFound(networkId);
  if (!requester.admin && network.projectId !== requester.projectId) {
    throw forbidden("rule:create_subnet is disallowed by policy", { type: "PolicyNotAuthorized" });
  }
  return network;
}

async function createSubnet(tx: Transaction, requester: Requester, network: Network, wanted: CreateSubnet): Promise<Subnet> {
  const others = await listSubnetsOfNetwork(tx.sql, network.id);
  const { cidr, subnetpoolId } = await chooseCidr(tx, requester, wanted);
  const planned = planSubnet(network, wanted, cidr, others);
  const [subnet] = await Promise.all([
    insertSubnet(tx.sql, { ...planned, id: newUuid(), subnetpoolId }),
    touchNetwork(tx.sql, network.id),
  ]);
  await serveSubnet(tx, network, subnet);
  if (isAutoAddressed(subnet)) await addressPorts(tx, subnet);
  tx.event({ action: "network.subnet.create", target: { type: "subnet", id: subnet.id, projectId: subnet.projectId }, detail: { networkId: network.id, cidr: subnet.cidr } });
  tx.enqueue(`subnet/${subnet.id}`);
  return subnet;
}

async function chooseCidr(tx: Transaction, requester: Requester, wanted: CreateSubnet): Promise<{ cidr: Cidr; subnetpoolId: string | null }> {
  if (wanted.pool !== undefined) {
    return takeFromPool(tx, requester, wanted.pool, { ipVersion: wanted.ipVersion, cidr: wanted.cidr, prefixLength: wanted.prefixLength });
  }
  if (wanted.cidr === undefined) throw invalid("Bad subnets request: a subnetpool must be specified in the absence of a cidr.");
  if (wanted.ipVersion === undefined) throw invalid("Invalid input for operation: ip_version must be specified in the absence of subnetpool_id.");
  if (wanted.prefixLength !== undefined) throw invalid("Bad subnets request: cidr and prefixlen must not be supplied together.");
  return { cidr: readSubnetCidr(wanted.cidr, wanted.ipVersion), subnetpoolId: null };
}

function planSubnet(network: Network, wanted: CreateSubnet, cidr: Cidr, others: Subnet[]): Omit<Parameters<typeof insertSubnet>[1], "id" | "subnetpoolId"> {
  const gatewayIp = readGateway(wanted.gatewayIp, cidr);
  const allocationPools = wanted.allocationPools === undefined ? defaultPools(cidr, gatewayIp) : readPools(wanted.allocationPools, cidr);
  checkGatewayOutsidePools(gatewayIp, allocationPools);
  checkIpv6Modes({ ...wanted, ipVersion: cidr.version }, cidr);
  checkOverlap(cidr, network.id, others);
  if (cidr.version === 6 && network.mtu < MIN_IPV6_MTU) {
    throw invalid(`Invalid input for operation: the network's MTU ${network.mtu} is below IPv6's minimum of ${MIN_IPV6_MTU}.`);
  }
  if (wanted.hostRoutes.some((one) => one.nexthop.includes(":") !== (cidr.version === 6))) {
    throw invalid(`Invalid input for host_routes. Reason: a nexthop is not of IP version ${cidr.version}.`);
  }
  return {
    projectId: wanted.projectId,
    networkId: network.id,
    name: wanted.name,
    description: wanted.description,
    ipVersion: cidr.version,
    cidr: cidr.text,
    gatewayIp,
    allocationPools,
    dnsNameservers: wanted.dnsNameservers,
    hostRoutes: wanted.hostRoutes,
    enableDhcp: wanted.enableDhcp,
    ipv6RaMode: wanted.ipv6RaMode,
    ipv6AddressMode: wanted.ipv6AddressMode,
  };
}

/** Ports that are there already address themselves in a new SLAAC subnet too. */
async function addressPorts(tx: Transaction, subnet: Subnet): Promise<void> {
  const ports = await listSelfAddressing(tx.sql, subnet.networkId);
  if (ports.length === 0) return;
  const cidr = knownCidr(subnet.cidr);
  const taken = await takeMany(tx.sql, subnet.id, ports.map((port) => ({ portId: port.id, address: eui64Address(cidr, port.macAddress) })));
  await appendFixedIps(tx.sql, subnet.id, taken);
  for (const { portId } of taken) tx.enqueue(`port/${portId}`);
}
