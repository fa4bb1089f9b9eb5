/** A router's way out: the port on the external network. */
import { conflict, invalid } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { isVisible, networkNotFound } from "../networks/network.model.ts";
import { findNetwork } from "../networks/network.queries.ts";
import type { FixedIpWire } from "../ports/fixed-ips.plan.ts";
import { dropPort } from "../ports/delete-port.ts";
import { freeMac } from "../ports/mac.ts";
import { makePort } from "../ports/make-port.ts";
import { OWNER } from "../ports/port.model.ts";
import { findPort } from "../ports/port.queries.ts";
import { changePolicy } from "../qos/use-policy.ts";
import { listSubnetsOfNetwork } from "../subnets/subnet.queries.ts";
import { type Router, type RouterLeg, checkLegOverlap } from "./router.model.ts";
import { isUsedByFloatingIps } from "./router.queries.ts";

/** null: no gateway. */
export type GatewayWish = {
  networkId: string;
  enableSnat: boolean | undefined;
  fixedIps: FixedIpWire[] | undefined;
  /** undefined: as it is. */
  qosPolicyId?: string | null | undefined;
} | null;
export type GatewayState = Pick<Router, "gatewayPortId" | "gatewayNetworkId" | "enableSnat" | "gatewayQosPolicyId">;

/** What the router's row is to say. The old gateway's port goes afterwards, when no row names it any more: `leaving`. */
export async function planGateway(
  tx: Transaction,
  requester: Requester,
  router: Router,
  legs: readonly RouterLeg[],
  wish: GatewayWish | undefined,
): Promise<GatewayState & { leaving: string | null }> {
  const { gatewayPortId, gatewayNetworkId, enableSnat } = router;
  const asItIs = {
    gatewayPortId,
    gatewayNetworkId,
    enableSnat,
    gatewayQosPolicyId: router.gatewayQosPolicyId,
    leaving: null,
  };
  if (wish === undefined) return asItIs;
  if (wish === null) {
    if (gatewayPortId !== null) await refuseIfNeeded(tx, router);
    return {
      gatewayPortId: null,
      gatewayNetworkId: null,
      enableSnat: true,
      gatewayQosPolicyId: null,
      leaving: gatewayPortId,
    };
  }
  const gatewayQosPolicyId = await changePolicy(tx, requester, router.gatewayQosPolicyId, wish.qosPolicyId);
  const snat = wish.enableSnat ?? (gatewayNetworkId === wish.networkId ? enableSnat : true);
  if (gatewayNetworkId === wish.networkId && (wish.fixedIps === undefined || sameAddresses(router, wish.fixedIps)))
    return { ...asItIs, enableSnat: snat, gatewayQosPolicyId };
  if (gatewayPortId !== null) await refuseIfNeeded(tx, router);
  const portId = await makeGatewayPort(tx, requester, router, legs, wish);
  return {
    gatewayPortId: portId,
    gatewayNetworkId: wish.networkId,
    enableSnat: snat,
    gatewayQosPolicyId,
    leaving: gatewayPortId,
  };
}

const sameAddresses = (router: Router, fixedIps: FixedIpWire[]): boolean => {
  const held = router.gatewayFixedIps ?? [];
  return (
    held.length === fixedIps.length &&
    fixedIps.every((wire) =>
      held.some(
        (ip) =>
          (wire.ip_address ?? ip.ip_address) === ip.ip_address && (wire.subnet_id ?? ip.subnet_id) === ip.subnet_id,
      ),
    )
  );
};

async function refuseIfNeeded(tx: Transaction, router: Router): Promise<void> {
  if (!(await isUsedByFloatingIps(tx.sql, router.id))) return;
  throw conflict(
    `Gateway cannot be updated for router ${router.id}, since a gateway to external network ${router.gatewayNetworkId} is required by one or more floating IPs.`,
    { type: "RouterExternalGatewayInUseByFloatingIp" },
  );
}

async function makeGatewayPort(
  tx: Transaction,
  requester: Requester,
  router: Router,
  legs: readonly RouterLeg[],
  wish: NonNullable<GatewayWish>,
): Promise<string> {
  const [network, subnets, macAddress] = await Promise.all([
    findNetwork(tx.sql, wish.networkId),
    listSubnetsOfNetwork(tx.sql, wish.networkId),
    freeMac(tx.sql, wish.networkId),
  ]);
  if (network === null || !isVisible(network, requester)) throw networkNotFound(wish.networkId);
  if (!network.external)
    throw invalid(`Bad router request: Network ${wish.networkId} is not an external network.`, { type: "BadRequest" });
  const interfaces = legs.filter((leg) => leg.deviceOwner === OWNER.routerInterface);
  const port = await makePort(tx, {
    projectId: "",
    network,
    subnets,
    // addresses made from the MAC are for hosts: a gateway is given one
    requested: wish.fixedIps,
    macAddress,
    deviceId: router.id,
    deviceOwner: OWNER.routerGateway,
    portSecurityEnabled: false,
  });
  if (port.fixedIps.length === 0)
    throw invalid(`Bad router request: No IPs available for external network ${wish.networkId}.`, {
      type: "BadRequest",
    });
  for (const ip of port.fixedIps) {
    const subnet = subnets.find((one) => one.id === ip.subnet_id);
    if (subnet !== undefined) checkLegOverlap(router.id, interfaces, subnet);
  }
  return port.id;
}

export async function dropGatewayPort(tx: Transaction, portId: string): Promise<void> {
  const port = await findPort(tx.sql, portId);
  if (port !== null) await dropPort(tx, port);
}
