import { forbidden, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import { type Cidr, eui64Address } from "../common/addresses.ts";
import type { Requester } from "../common/requester.ts";
import { MIN_IPV6_MTU, type Network, isVisible, networkNotFound } from "../networks/network.model.ts";
import { lockNetworkSubnets, touchNetwork } from "../networks/network.queries.ts";
import { takeMany } from "../ports/ip-allocation.queries.ts";
import { appendFixedIps, listSelfAddressing } from "../ports/port.queries.ts";
import { reserveQuotas } from "../quotas/reserve-quota.ts";
import { takeFromPool } from "../subnetpools/take-from-pool.ts";
import { type NetworkPort, readNetworkPort, serveSubnet } from "./network-port.ts";
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
  serviceTypes: string[];
};

export async function createSubnets(tx: Transaction, requester: Requester, wanted: CreateSubnet[]): Promise<Subnet[]> {
  const reserving = reserveQuotas(
    tx.sql,
    "subnet",
    wanted.map((one) => one.projectId),
  );
  reserving.catch(() => undefined);
  const places = new Map<string, Place>();
  for (const id of [...new Set(wanted.map((one) => one.networkId))].toSorted())
    places.set(id, await lockPlace(tx, requester, id));
  await reserving;
  const made: Subnet[] = [];
  for (const one of wanted) made.push(await createSubnet(tx, requester, places.get(one.networkId) as Place, one));
  return made;
}

/** A network that is held, and what is in it. */
type Place = { network: Network; subnets: Subnet[]; networkPort: NetworkPort };

/** One subnet of a network at a time: that is what keeps them from overlapping. */
async function lockPlace(tx: Transaction, requester: Requester, networkId: string): Promise<Place> {
  // on one connection, in this order: what is read, is read behind the lock
  const [network, subnets, networkPort] = await Promise.all([
    lockNetworkSubnets(tx.sql, networkId),
    listSubnetsOfNetwork(tx.sql, networkId),
    readNetworkPort(tx, networkId),
  ]);
  if (network === null || !isVisible(network, requester)) throw networkNotFound(networkId);
  if (!requester.admin && network.projectId !== requester.projectId) {
    throw forbidden("rule:create_subnet is disallowed by policy", { type: "PolicyNotAuthorized" });
  }
  return { network, subnets, networkPort };
}

async function createSubnet(
  tx: Transaction,
  requester: Requester,
  place: Place,
  wanted: CreateSubnet,
): Promise<Subnet> {
  const { network } = place;
  const { cidr, subnetpoolId } = await chooseCidr(tx, requester, wanted);
  const planned = { ...planSubnet(network, wanted, cidr, place.subnets), id: newUuid(), subnetpoolId };
  const inserting = Promise.all([insertSubnet(tx.sql, planned), touchNetwork(tx.sql, network.id)]);
  inserting.catch(() => undefined);
  const now = new Date();
  // nobody has seen the subnet: its first address is free, and the port's row can be sent with it
  await serveSubnet(
    tx,
    network,
    { ...planned, tags: [], revisionNumber: 1, createdAt: now, updatedAt: now },
    place.networkPort,
  );
  const [subnet] = await inserting;
  place.subnets.push(subnet);
  if (isAutoAddressed(subnet)) await addressPorts(tx, subnet);
  tx.event({
    action: "network.subnet.create",
    target: { type: "subnet", id: subnet.id, projectId: subnet.projectId },
    detail: { networkId: network.id, cidr: subnet.cidr },
  });
  tx.enqueue(`subnet/${subnet.id}`);
  return subnet;
}

async function chooseCidr(
  tx: Transaction,
  requester: Requester,
  wanted: CreateSubnet,
): Promise<{ cidr: Cidr; subnetpoolId: string | null }> {
  if (wanted.pool !== undefined) {
    return takeFromPool(tx, requester, wanted.pool, {
      ipVersion: wanted.ipVersion,
      cidr: wanted.cidr,
      prefixLength: wanted.prefixLength,
    });
  }
  if (wanted.cidr === undefined)
    throw invalid("Bad subnets request: a subnetpool must be specified in the absence of a cidr.");
  if (wanted.ipVersion === undefined)
    throw invalid("Invalid input for operation: ip_version must be specified in the absence of subnetpool_id.");
  if (wanted.prefixLength !== undefined)
    throw invalid("Bad subnets request: cidr and prefixlen must not be supplied together.");
  return { cidr: readSubnetCidr(wanted.cidr, wanted.ipVersion), subnetpoolId: null };
}

function planSubnet(
  network: Network,
  wanted: CreateSubnet,
  cidr: Cidr,
  others: Subnet[],
): Omit<Parameters<typeof insertSubnet>[1], "id" | "subnetpoolId"> {
  const gatewayIp = readGateway(wanted.gatewayIp, cidr);
  const allocationPools =
    wanted.allocationPools === undefined ? defaultPools(cidr, gatewayIp) : readPools(wanted.allocationPools, cidr);
  checkGatewayOutsidePools(gatewayIp, allocationPools);
  checkIpv6Modes({ ...wanted, ipVersion: cidr.version }, cidr);
  checkOverlap(cidr, network.id, others);
  if (cidr.version === 6 && network.mtu < MIN_IPV6_MTU) {
    throw invalid(
      `Invalid input for operation: the network's MTU ${network.mtu} is below IPv6's minimum of ${MIN_IPV6_MTU}.`,
    );
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
    serviceTypes: wanted.serviceTypes,
  };
}

/** Ports that are there already address themselves in a new SLAAC subnet too. */
async function addressPorts(tx: Transaction, subnet: Subnet): Promise<void> {
  const ports = await listSelfAddressing(tx.sql, subnet.networkId);
  if (ports.length === 0) return;
  const cidr = knownCidr(subnet.cidr);
  const taken = await takeMany(
    tx.sql,
    subnet.id,
    ports.map((port) => ({ portId: port.id, address: eui64Address(cidr, port.macAddress) })),
  );
  await appendFixedIps(tx.sql, subnet.id, taken);
  for (const { portId } of taken) tx.enqueue(`port/${portId}`);
}
