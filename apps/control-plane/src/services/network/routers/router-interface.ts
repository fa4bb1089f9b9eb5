import { conflict, invalid, notFound } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { isUsable } from "../networks/network.model.ts";
import { findNetwork } from "../networks/network.queries.ts";
import { takeAddress } from "../ports/allocate-address.ts";
import { dropPort } from "../ports/delete-port.ts";
import { releaseAddresses } from "../ports/ip-allocation.queries.ts";
import { freeMac } from "../ports/mac.ts";
import { makePort } from "../ports/make-port.ts";
import { OWNER, type Port, addressInUse, ipv4Of, portNotFound } from "../ports/port.model.ts";
import { findPort, listPortsOfDevice, lockVisiblePort, setFixedIps, updatePortRow } from "../ports/port.queries.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { type Subnet, subnetNotFound } from "../subnets/subnet.model.ts";
import { findVisibleSubnet, listSubnetsById } from "../subnets/subnet.queries.ts";
import { SUBPORT_OWNER } from "../trunks/trunk.model.ts";
import { type Router, type RouterLeg, checkInterfaceUnused, checkLegOverlap, routerNotFound } from "./router.model.ts";
import { isUsedByFloatingIps, listLegs, lockRouter, touchRouter } from "./router.queries.ts";

export type InterfaceWish = { subnetId: string | undefined; portId: string | undefined };
export type InterfaceChange = {
  routerId: string;
  projectId: string;
  portId: string;
  networkId: string;
  subnetIds: string[];
};

const refuse = (message: string) => invalid(`Bad router request: ${message}`, { type: "BadRequest" });

async function getLocked(
  tx: Transaction,
  requester: Requester,
  id: string,
): Promise<{ router: Router; legs: RouterLeg[] }> {
  const router = await lockRouter(tx.sql, requester, id);
  if (router === null) throw routerNotFound(id);
  return { router, legs: await listLegs(tx.sql, id) };
}

export async function addInterface(
  tx: Transaction,
  requester: Requester,
  routerId: string,
  wish: InterfaceWish,
): Promise<InterfaceChange> {
  if (wish.subnetId !== undefined && wish.portId !== undefined)
    throw refuse("Cannot specify both subnet-id and port-id");
  // the project's row comes first in the order of locks; a given port needs no room in the quota
  if (wish.subnetId !== undefined && requester.projectId !== "-")
    await reserveQuota(tx.sql, requester.projectId, { port: 0 });
  const { router, legs } = await getLocked(tx, requester, routerId);
  const change =
    wish.portId === undefined
      ? await addBySubnet(tx, requester, router, legs, wish.subnetId ?? "")
      : await addByPort(tx, requester, router, legs, wish.portId);
  await touchRouter(tx.sql, routerId);
  tx.event({
    action: "network.router.update",
    target: { type: "router", id: routerId, projectId: router.projectId },
    detail: { added: change.portId },
  });
  tx.enqueue(`router/${routerId}`);
  tx.enqueue(`port/${change.portId}`);
  return change;
}

async function addBySubnet(
  tx: Transaction,
  requester: Requester,
  router: Router,
  legs: RouterLeg[],
  subnetId: string,
): Promise<InterfaceChange> {
  const subnet = await findVisibleSubnet(tx.sql, requester, subnetId);
  if (subnet === null) throw subnetNotFound(subnetId);
  if (subnet.gatewayIp === null) throw refuse("Subnet for router interface must have a gateway IP");
  checkRouterAdvertisements(subnet);
  checkLegOverlap(router.id, legs, subnet);
  const change = {
    routerId: router.id,
    projectId: router.projectId,
    networkId: subnet.networkId,
    subnetIds: [subnet.id],
  };
  const sibling = subnet.ipVersion === 6 ? await findIpv6Port(tx, router, legs, subnet.networkId) : undefined;
  if (sibling !== undefined) {
    // IPv6 subnets of a network share one leg, as in Neutron: one router advertises them all
    if (!(await takeAddress(tx.sql, subnet, sibling.id, subnet.gatewayIp)))
      throw addressInUse(subnet.gatewayIp, subnet.id);
    await setFixedIps(tx.sql, sibling.id, [
      ...sibling.fixedIps,
      { subnet_id: subnet.id, ip_address: subnet.gatewayIp },
    ]);
    return { ...change, portId: sibling.id };
  }
  const [network, macAddress] = await Promise.all([
    findNetwork(tx.sql, subnet.networkId),
    freeMac(tx.sql, subnet.networkId),
  ]);
  if (network === null || !isUsable(network, requester)) throw subnetNotFound(subnetId);
  const port = await makePort(tx, {
    projectId: router.projectId,
    network,
    subnets: [subnet],
    requested: [{ subnet_id: subnet.id, ip_address: subnet.gatewayIp }],
    macAddress,
    deviceId: router.id,
    deviceOwner: OWNER.routerInterface,
    portSecurityEnabled: false,
  });
  return { ...change, portId: port.id };
}

/** Hosts told to listen to some other router's advertisements would hear two. */
function checkRouterAdvertisements(subnet: Subnet): void {
  if (subnet.ipVersion === 6 && subnet.ipv6RaMode === null && subnet.ipv6AddressMode !== null) {
    throw refuse(
      `IPv6 subnet ${subnet.id} configured to receive RAs from an external router cannot be added to Neutron Router.`,
    );
  }
}

async function findIpv6Port(
  tx: Transaction,
  router: Router,
  legs: RouterLeg[],
  networkId: string,
): Promise<Port | undefined> {
  const there = legs.some(
    (leg) => leg.networkId === networkId && leg.deviceOwner === OWNER.routerInterface && leg.address.includes(":"),
  );
  if (!there) return undefined;
  const ports = await listPortsOfDevice(tx.sql, router.id, OWNER.routerInterface);
  return ports.find((port) => port.networkId === networkId && port.fixedIps.every((ip) => ip.ip_address.includes(":")));
}

async function addByPort(
  tx: Transaction,
  requester: Requester,
  router: Router,
  legs: RouterLeg[],
  portId: string,
): Promise<InterfaceChange> {
  const port = await lockVisiblePort(tx.sql, requester, portId);
  if (port === null || (!requester.admin && port.projectId !== requester.projectId)) throw portNotFound(portId);
  if (port.deviceId !== "" || port.serverId !== null || port.deviceOwner === SUBPORT_OWNER) {
    throw conflict(
      `Unable to complete operation on port ${portId} for network ${port.networkId}. Port already has an attached device ${port.deviceId}.`,
      { type: "PortInUse" },
    );
  }
  if (port.fixedIps.length === 0) throw refuse("Router port must have at least one fixed IP");
  if (ipv4Of(port).length > 1) throw refuse("Cannot have multiple IPv4 subnets on router port");
  const subnets = await listSubnetsById(
    tx.sql,
    port.fixedIps.map((ip) => ip.subnet_id),
  );
  for (const subnet of subnets) checkLegOverlap(router.id, legs, subnet);
  await updatePortRow(tx.sql, portId, {
    ...port,
    deviceId: router.id,
    deviceOwner: OWNER.routerInterface,
    securityGroupIds: [],
    allowedAddressPairs: [],
    portSecurityEnabled: false,
  });
  return {
    routerId: router.id,
    projectId: router.projectId,
    portId,
    networkId: port.networkId,
    subnetIds: subnets.map((subnet) => subnet.id),
  };
}

export async function removeInterface(
  tx: Transaction,
  requester: Requester,
  routerId: string,
  wish: InterfaceWish,
): Promise<InterfaceChange> {
  const { router, legs } = await getLocked(tx, requester, routerId);
  const inside = legs.filter((leg) => leg.deviceOwner === OWNER.routerInterface);
  const leaving = legsToRemove(router.id, inside, wish);
  const [first] = leaving;
  const port = first === undefined ? null : await findPort(tx.sql, first.portId);
  if (port === null)
    throw notFound(`Router ${routerId} does not have an interface with id ${wish.portId ?? ""}`, {
      type: "RouterInterfaceNotFound",
    });
  for (const leg of leaving) {
    checkInterfaceUnused(routerId, router.routes, { id: leg.subnetId, cidr: leg.cidr });
    if (await isUsedByFloatingIps(tx.sql, routerId, leg.subnetId)) {
      throw conflict(
        `Router interface for subnet ${leg.subnetId} on router ${routerId} cannot be deleted, as it is required by one or more floating IPs.`,
        { type: "RouterInterfaceInUseByFloatingIP" },
      );
    }
  }
  await takeOff(tx, port, leaving);
  await touchRouter(tx.sql, routerId);
  tx.event({
    action: "network.router.update",
    target: { type: "router", id: routerId, projectId: router.projectId },
    detail: { removed: port.id },
  });
  tx.enqueue(`router/${routerId}`);
  tx.enqueue(`port/${port.id}`);
  return {
    routerId,
    projectId: router.projectId,
    portId: port.id,
    networkId: port.networkId,
    subnetIds: leaving.map((leg) => leg.subnetId),
  };
}

function legsToRemove(routerId: string, legs: RouterLeg[], { portId, subnetId }: InterfaceWish): RouterLeg[] {
  if (portId !== undefined) {
    const ofPort = legs.filter((leg) => leg.portId === portId);
    if (ofPort.length === 0) {
      throw notFound(`Router ${routerId} does not have an interface with id ${portId}`, {
        type: "RouterInterfaceNotFound",
      });
    }
    if (subnetId !== undefined && !ofPort.some((leg) => leg.subnetId === subnetId)) {
      throw conflict(`Subnet ID ${subnetId} does not match the port ID ${portId}'s subnets.`, {
        type: "SubnetMismatchForPort",
      });
    }
    return ofPort;
  }
  const ofSubnet = legs.filter((leg) => leg.subnetId === subnetId);
  if (ofSubnet.length === 0) {
    throw notFound(`Router ${routerId} has no interface on subnet ${subnetId}`, {
      type: "RouterInterfaceNotFoundForSubnet",
    });
  }
  return ofSubnet;
}

/** The port goes, unless it has other IPv6 subnets to serve. */
async function takeOff(tx: Transaction, port: Port, leaving: RouterLeg[]): Promise<void> {
  const gone = new Set(leaving.map((leg) => leg.address));
  const staying = port.fixedIps.filter((ip) => !gone.has(ip.ip_address));
  if (staying.length === 0) {
    await dropPort(tx, port);
    return;
  }
  await releaseAddresses(tx.sql, port.id, [...gone]);
  await setFixedIps(tx.sql, port.id, staying);
}
