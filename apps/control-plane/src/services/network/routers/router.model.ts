/** Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { contains, overlaps, parseAddress } from "../common/addresses.ts";
import type { FixedIp } from "../ports/port.model.ts";
import { type HostRoute, knownCidr } from "../subnets/subnet.model.ts";

export type Router = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  adminStateUp: boolean;
  gatewayPortId: string | null;
  gatewayNetworkId: string | null;
  /** Of the gateway port; null without one. */
  gatewayFixedIps: FixedIp[] | null;
  enableSnat: boolean;
  gatewayQosPolicyId: string | null;
  routes: HostRoute[];
  availabilityZoneHints: string[];
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
  observedRevision: number | null;
  status: string;
};

/** One address of a router in one subnet. */
export type RouterLeg = {
  portId: string;
  deviceOwner: string;
  networkId: string;
  subnetId: string;
  cidr: string;
  address: string;
};

export const routerNotFound = (id: string): CloudError =>
  notFound(`Router ${id} could not be found`, { type: "RouterNotFound" });

/** Two legs of a router may not be in overlapping subnets: it would not know where to send. */
export function checkLegOverlap(
  routerId: string,
  legs: readonly RouterLeg[],
  subnet: { id: string; cidr: string },
): void {
  if (legs.some((leg) => leg.subnetId === subnet.id)) {
    throw invalid(`Bad router request: Router already has a port on subnet ${subnet.id}.`, { type: "BadRequest" });
  }
  const cidr = knownCidr(subnet.cidr);
  const other = legs.find((leg) => overlaps(cidr, knownCidr(leg.cidr)));
  if (other !== undefined) {
    throw invalid(
      `Bad router request: Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${other.cidr} of subnet ${other.subnetId} on router ${routerId}.`,
      { type: "BadRequest" },
    );
  }
}

/** A next hop is a neighbour in one of the router's subnets, and not the router itself. */
export function checkNexthops(routes: readonly HostRoute[], legs: readonly RouterLeg[]): void {
  for (const { nexthop } of routes) {
    const address = parseAddress(nexthop);
    if (address === null || !legs.some((leg) => contains(knownCidr(leg.cidr), address))) {
      throw invalid(`Invalid format for routes: the nexthop ${nexthop} is not connected with router`, {
        type: "InvalidRoutes",
      });
    }
    if (legs.some((leg) => leg.address === nexthop)) {
      throw invalid(`Invalid format for routes: the nexthop ${nexthop} is used by router`, { type: "InvalidRoutes" });
    }
  }
}

/** Routes that lead through the subnet keep its interface in place. */
export function checkInterfaceUnused(
  routerId: string,
  routes: readonly HostRoute[],
  subnet: { id: string; cidr: string },
): void {
  const cidr = knownCidr(subnet.cidr);
  const used = routes.some(({ nexthop }) => {
    const address = parseAddress(nexthop);
    return address !== null && contains(cidr, address);
  });
  if (used) {
    throw conflict(
      `Router interface for subnet ${subnet.id} on router ${routerId} cannot be deleted, as it is required by one or more routes.`,
      { type: "RouterInterfaceInUseByRoute" },
    );
  }
}
