import { conflict, forbidden, invalid } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import type { Network } from "../networks/network.model.ts";
import { lockNetworkSubnets, touchNetwork } from "../networks/network.queries.ts";
import { dropFixedIpsOf } from "../ports/port.queries.ts";
import { OWNER } from "../ports/port.model.ts";
import { readNetworkPort, serveSubnet } from "./network-port.ts";
import {
  type HostRoute,
  type Pool,
  type Subnet,
  checkGatewayOutsidePools,
  checkIpv6Modes,
  isAutoAddressed,
  knownCidr,
  readGateway,
  readPools,
  subnetInUse,
  subnetNotFound,
} from "./subnet.model.ts";
import {
  deleteSubnetRow,
  findGatewayUser,
  findVisibleSubnet,
  listSubnetUsers,
  lockSubnet,
  updateSubnetRow,
} from "./subnet.queries.ts";

export type UpdateSubnet = {
  name?: string;
  description?: string;
  gatewayIp?: string | null;
  allocationPools?: Pool[];
  dnsNameservers?: string[];
  hostRoutes?: HostRoute[];
  enableDhcp?: boolean;
  serviceTypes?: string[];
};

/** Its network first, then itself: the order of locks. */
async function lockOwned(
  tx: Transaction,
  requester: Requester,
  id: string,
  action: string,
): Promise<{ subnet: Subnet; network: Network }> {
  const seen = await findVisibleSubnet(tx.sql, requester, id);
  if (seen === null) throw subnetNotFound(id);
  const network = await lockNetworkSubnets(tx.sql, seen.networkId);
  const subnet = await lockSubnet(tx.sql, id);
  if (subnet === null || network === null) throw subnetNotFound(id);
  if (!requester.admin && subnet.projectId !== requester.projectId) {
    throw forbidden(`rule:${action} is disallowed by policy`, { type: "PolicyNotAuthorized" });
  }
  return { subnet, network };
}

export async function updateSubnet(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: UpdateSubnet,
): Promise<Subnet> {
  const { subnet, network } = await lockOwned(tx, requester, id, "update_subnet");
  const cidr = knownCidr(subnet.cidr);
  const gatewayIp = wanted.gatewayIp === undefined ? subnet.gatewayIp : readGateway(wanted.gatewayIp, cidr);
  const allocationPools =
    wanted.allocationPools === undefined ? subnet.allocationPools : readPools(wanted.allocationPools, cidr);
  const enableDhcp = wanted.enableDhcp ?? subnet.enableDhcp;
  if (wanted.gatewayIp !== undefined || wanted.allocationPools !== undefined)
    checkGatewayOutsidePools(gatewayIp, allocationPools);
  checkIpv6Modes({ ...subnet, enableDhcp }, cidr);
  const hostRoutes = wanted.hostRoutes ?? subnet.hostRoutes;
  if (hostRoutes.some((one) => one.nexthop.includes(":") !== (cidr.version === 6))) {
    throw invalid(`Invalid input for host_routes. Reason: a nexthop is not of IP version ${cidr.version}.`);
  }
  if (gatewayIp !== subnet.gatewayIp && subnet.gatewayIp !== null)
    await refuseUsedGateway(tx, subnet.id, subnet.gatewayIp);
  const [changed] = await Promise.all([
    updateSubnetRow(tx.sql, id, {
      name: wanted.name ?? subnet.name,
      description: wanted.description ?? subnet.description,
      gatewayIp,
      allocationPools,
      dnsNameservers: wanted.dnsNameservers ?? subnet.dnsNameservers,
      hostRoutes,
      enableDhcp,
      serviceTypes: wanted.serviceTypes ?? subnet.serviceTypes,
    }),
    touchNetwork(tx.sql, subnet.networkId),
  ]);
  await serveSubnet(tx, network, changed, await readNetworkPort(tx, network.id));
  await enqueueUsers(tx, changed);
  tx.event({ action: "network.subnet.update", target: { type: "subnet", id, projectId: subnet.projectId } });
  return changed;
}

/** A router that answers for the address would be cut off. */
async function refuseUsedGateway(tx: Transaction, subnetId: string, gatewayIp: string): Promise<void> {
  const portId = await findGatewayUser(tx.sql, subnetId, gatewayIp);
  if (portId === null) return;
  throw conflict(`Current gateway ip ${gatewayIp} already in use by port ${portId}. Unable to update.`, {
    type: "GatewayIpInUse",
  });
}

/** DHCP is the subnet's, router advertisements are its router ports', default routes its gateways'. */
async function enqueueUsers(tx: Transaction, subnet: Subnet): Promise<void> {
  tx.enqueue(`subnet/${subnet.id}`);
  for (const user of await listSubnetUsers(tx.sql, subnet.id)) {
    if (user.deviceOwner === OWNER.routerInterface) tx.enqueue(`port/${user.portId}`);
    if (user.deviceOwner === OWNER.routerGateway) tx.enqueue(`router/${user.deviceId}`);
  }
}

export async function deleteSubnet(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const { subnet } = await lockOwned(tx, requester, id, "delete_subnet");
  const users = await listSubnetUsers(tx.sql, id);
  // addresses that ports made themselves go with the subnet; a router's and those that were given out do not
  const blocking = users.some((user) => !isAutoAddressed(subnet) || user.deviceOwner.startsWith("network:router"));
  if (blocking) throw subnetInUse(id);
  for (const portId of await dropFixedIpsOf(tx.sql, id)) tx.enqueue(`port/${portId}`);
  await deleteSubnetRow(tx.sql, id);
  await touchNetwork(tx.sql, subnet.networkId);
  tx.event({ action: "network.subnet.delete", target: { type: "subnet", id, projectId: subnet.projectId } });
  tx.enqueue(`subnet/${id}`);
}
