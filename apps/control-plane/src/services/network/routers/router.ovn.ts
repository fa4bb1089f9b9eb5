/** router -> Logical_Router: routes, gateway and source NAT. Interfaces are in router-port.ovn.ts, floating IPs in their own. */
import type { RowWrite } from "@andromede/ovsdb/types";

import { ipVersion, normalCidr } from "../ovn/addresses.ts";
import { type Draft, type Ref, writeOvn } from "../ovn/draft.ts";
import { GATEWAY, ID, NAME, ROUTER, marks, routerName, switchName } from "../ovn/names.ts";
import { type OvnNorthbound, type Row, type Tables, indexKey } from "../ovn/northbound.ts";
import { type OvnQosRule, qosRows, removeQos, writeQos } from "../qos/qos.ovn.ts";
import { type OvnGatewayPort, dropRouterPort, writeGatewayPort } from "./router-port.ovn.ts";

/** What OVN must know of a router. */
export type OvnRouter = {
  readonly id: string;
  readonly name: string;
  readonly adminStateUp: boolean;
  /** The customer's extra routes. */
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[];
  readonly gateway:
    | (OvnGatewayPort & {
        /** The external subnets' gateways: where the default routes go. */
        readonly gatewayIps: readonly string[];
        readonly enableSnat: boolean;
        /** The subnets behind the router's interfaces whose addresses are translated. */
        readonly internalCidrs: readonly string[];
        /** What shapes all that goes through the gateway. */
        readonly qos?: readonly OvnQosRule[];
      })
    | null;
};

/** Pure: the router's own row. */
export function routerRow(router: OvnRouter): RowWrite<Tables["Logical_Router"]> {
  return {
    name: routerName(router.id),
    enabled: router.adminStateUp,
    // As Neutron: neighbours are learned when needed, not from every ARP request of a large external network.
    options: { always_learn_from_arp_request: "false", dynamic_neigh_routers: "true" },
    external_ids: marks("router", router.id, { [NAME]: router.name }),
  };
}

type Route = RowWrite<Tables["Logical_Router_Static_Route"]> & { readonly ip_prefix: string; readonly nexthop: string };

/** Pure: default routes by the gateway, then the customer's. */
export function routeRows(router: OvnRouter): readonly Route[] {
  const defaults = (router.gateway?.gatewayIps ?? []).map((nexthop) => ({
    destination: ipVersion(nexthop) === 4 ? "0.0.0.0/0" : "::/0",
    nexthop,
  }));
  const rows = new Map<string, Route>();
  for (const { destination, nexthop } of [...defaults, ...router.routes]) {
    const prefix = normalCidr(destination);
    rows.set(`${prefix} ${nexthop}`, { ip_prefix: prefix, nexthop, external_ids: marks("router", router.id) });
  }
  return [...rows.values()];
}

type Snat = RowWrite<Tables["NAT"]> & { readonly external_ip: string; readonly logical_ip: string };

/** Pure: what leaves for the outside wears the gateway's address. Only IPv4 is translated. */
export function snatRows(router: OvnRouter): readonly Snat[] {
  const gateway = router.gateway;
  if (gateway === null || !gateway.enableSnat) return [];
  const external = gateway.addresses.map((address) => address.ipAddress).find((address) => ipVersion(address) === 4);
  if (external === undefined) return [];
  const cidrs = new Set(gateway.internalCidrs.filter((cidr) => ipVersion(cidr) === 4).map(normalCidr));
  return [...cidrs].map((cidr) => ({
    type: "snat",
    external_ip: external,
    logical_ip: cidr,
    external_ids: marks("router", router.id),
  }));
}

type Parent = { readonly ref: Ref; readonly row: Row<"Logical_Router"> | undefined };

/** Makes the rows of `wanted` that are missing, and takes our others off the router. */
function writeChildren<Table extends "NAT" | "Logical_Router_Static_Route", Wanted extends RowWrite<Tables[Table]>>(
  draft: Draft,
  table: Table,
  router: Parent,
  column: "nat" | "static_routes",
  existing: readonly (Row<Table> & { readonly _uuid: Ref })[],
  wanted: readonly Wanted[],
  keyOf: (row: Wanted | Row<Table>) => string,
): void {
  const byKey = new Map(existing.map((row) => [keyOf(row), row]));
  const kept = wanted.map((row) => draft.row(table, byKey.get(keyOf(row)), row));
  draft.members("Logical_Router", router, column, {
    add: kept,
    remove: existing.map((row) => row._uuid).filter((uuid) => !kept.includes(uuid)),
  });
}

/** The router, its routes, gateway and source NAT are in OVN as given. `unavailable` while the external network is not there. */
export function ensureRouter(ovn: OvnNorthbound, router: OvnRouter): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const name = routerName(router.id);
    const row = ovn.named.Logical_Router.first(name);
    const parent = { ref: draft.row("Logical_Router", row, routerRow(router), ["name", "==", name]), row };
    const ours = indexKey("router", router.id);
    const routes = ovn.owned.Logical_Router_Static_Route.all(ours);
    writeChildren(
      draft,
      "Logical_Router_Static_Route",
      parent,
      "static_routes",
      routes,
      routeRows(router),
      (route) => `${route.ip_prefix} ${route.nexthop}`,
    );
    writeChildren(
      draft,
      "NAT",
      parent,
      "nat",
      ovn.owned.NAT.all(ours),
      snatRows(router),
      (nat) => `${nat.external_ip} ${nat.logical_ip}`,
    );
    for (const portId of gatewayPorts(ovn, row))
      if (portId !== router.gateway?.portId) dropRouterPort(ovn, draft, portId);
    if (router.gateway !== null) writeGatewayPort(ovn, draft, router.id, parent, router.gateway);
    writeGatewayQos(ovn, draft, router);
  });
}

/** Rows on the external network's switch, at the gateway's port. */
function writeGatewayQos(ovn: OvnNorthbound, draft: Draft, { id, gateway }: OvnRouter): void {
  const network = gateway === null ? undefined : ovn.named.Logical_Switch.first(switchName(gateway.networkId));
  if (gateway === null || network === undefined) {
    removeQos(ovn, draft, "router", id);
    return;
  }
  const rows = qosRows("router", id, { port: gateway.portId }, gateway.qos ?? []);
  writeQos(ovn, draft, { ref: network._uuid, row: network }, "router", id, rows);
}

function portRows(ovn: OvnNorthbound, row: Row<"Logical_Router"> | undefined): readonly Row<"Logical_Router_Port">[] {
  const table = ovn.client.table("Logical_Router_Port");
  return (row?.ports ?? []).map((uuid) => table.get(uuid)).filter((port) => port !== undefined);
}

const gatewayPorts = (ovn: OvnNorthbound, row: Row<"Logical_Router"> | undefined): readonly string[] =>
  portRows(ovn, row).flatMap((port) => (port.external_ids[GATEWAY] === "true" ? [port.external_ids[ID] ?? ""] : []));

/** Nothing of the router is left in OVN, its ports on switches included. */
export function removeRouter(ovn: OvnNorthbound, routerId: string): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const row = ovn.named.Logical_Router.first(routerName(routerId));
    if (row === undefined) return;
    for (const port of portRows(ovn, row)) {
      if (port.external_ids[ROUTER] === routerId) dropRouterPort(ovn, draft, port.external_ids[ID] ?? "");
    }
    removeQos(ovn, draft, "router", routerId);
    draft.remove("Logical_Router", [row]);
  });
}
