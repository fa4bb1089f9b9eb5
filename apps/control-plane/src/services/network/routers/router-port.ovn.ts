/** A router's leg in a network -> a Logical_Router_Port and its peer, a switch port of type router. */
import { unavailable } from "@andromede/base/errors";
import type { RowWrite } from "@andromede/ovsdb/types";

import { type Draft, type Ref, writeOvn } from "../ovn/draft.ts";
import {
  GATEWAY,
  NETWORK,
  ROUTER,
  gatewayChassisName,
  marks,
  routerName,
  routerPortName,
  switchName,
} from "../ovn/names.ts";
import type { OvnNorthbound, Row, Tables } from "../ovn/northbound.ts";
import { removeSwitchPort } from "../ports/port.ovn.ts";

/** What OVN must know of any port of a router. */
export type OvnRouterPort = {
  readonly portId: string;
  readonly networkId: string;
  readonly macAddress: string;
  readonly addresses: readonly { readonly ipAddress: string; readonly prefixLength: number }[];
};

/** An interface: a leg in a network of guests. */
export type OvnRouterInterface = OvnRouterPort & {
  readonly routerId: string;
  readonly adminStateUp: boolean;
  /** How guests of the network get IPv6 addresses (of its subnet with an address mode); null: no router advertisements. */
  readonly ipv6: {
    readonly addressMode: "slaac" | "dhcpv6-stateful" | "dhcpv6-stateless";
    readonly dnsServer: string | null;
    readonly mtu: number;
  } | null;
  /** True for a network that is on a physical one: its routing happens on the gateway's host. */
  readonly physical: boolean;
};

/** The leg in the external network. Hosts in order of preference may be its gateway. */
export type OvnGatewayPort = OvnRouterPort & { readonly mtu: number; readonly chassis: readonly string[] };

const networksOf = (port: OvnRouterPort): readonly string[] =>
  port.addresses.map(({ ipAddress, prefixLength }) => `${ipAddress}/${prefixLength}`);

/** Pure: the router's side of an interface. */
export function interfaceRow(port: OvnRouterInterface): RowWrite<Tables["Logical_Router_Port"]> {
  const ra = port.ipv6;
  return {
    name: routerPortName(port.portId),
    mac: port.macAddress.toLowerCase(),
    networks: networksOf(port),
    enabled: port.adminStateUp,
    options: port.physical ? { "reside-on-redirect-chassis": "true" } : {},
    ipv6_ra_configs:
      ra === null
        ? {}
        : {
            address_mode: ra.addressMode.replace("-", "_"),
            send_periodic: "true",
            mtu: String(ra.mtu),
            ...(ra.dnsServer === null ? {} : { rdnss: ra.dnsServer }),
          },
    external_ids: marks("router_port", port.portId, { [ROUTER]: port.routerId }),
  };
}

/** Pure: the router's side of its gateway, without the choice of hosts. */
export function gatewayRow(routerId: string, port: OvnGatewayPort): RowWrite<Tables["Logical_Router_Port"]> {
  return {
    name: routerPortName(port.portId),
    mac: port.macAddress.toLowerCase(),
    networks: networksOf(port),
    enabled: true,
    // Larger packets are answered with "fragmentation needed" instead of being lost on the way out.
    options: { gateway_mtu: String(port.mtu) },
    ipv6_ra_configs: {},
    external_ids: marks("router_port", port.portId, { [ROUTER]: routerId, [GATEWAY]: "true" }),
  };
}

/** Pure: the switch's side of a router's port. */
export function peerRow(
  routerId: string,
  port: OvnRouterPort,
  gateway: boolean,
): RowWrite<Tables["Logical_Switch_Port"]> {
  return {
    name: port.portId,
    type: "router",
    addresses: ["router"],
    port_security: [],
    enabled: true,
    options: {
      "router-port": routerPortName(port.portId),
      // The gateway's host announces the router's and the floating addresses by gratuitous ARP.
      ...(gateway ? { "nat-addresses": "router", "exclude-lb-vips-from-garp": "true" } : {}),
    },
    external_ids: marks("router_port", port.portId, { [NETWORK]: port.networkId, [ROUTER]: routerId }),
  };
}

type Parent = { readonly ref: Ref; readonly row: Row<"Logical_Router"> | undefined };

function writePeer(ovn: OvnNorthbound, draft: Draft, routerId: string, port: OvnRouterPort, gateway: boolean): void {
  const network = ovn.named.Logical_Switch.first(switchName(port.networkId));
  if (network === undefined) throw unavailable("The router port's network is not realised yet");
  const peer = draft.row(
    "Logical_Switch_Port",
    ovn.named.Logical_Switch_Port.first(port.portId),
    peerRow(routerId, port, gateway),
  );
  draft.members("Logical_Switch", { ref: network._uuid, row: network }, "ports", { add: [peer] });
}

/** Writes a router's gateway port into the draft. */
export function writeGatewayPort(
  ovn: OvnNorthbound,
  draft: Draft,
  routerId: string,
  router: Parent,
  port: OvnGatewayPort,
): void {
  const existing = ovn.named.Logical_Router_Port.first(routerPortName(port.portId));
  const ref = draft.row("Logical_Router_Port", existing, gatewayRow(routerId, port));
  draft.members("Logical_Router", router, "ports", { add: [ref] });
  const chassisTable = ovn.client.table("Gateway_Chassis");
  const held = (existing?.gateway_chassis ?? [])
    .map((uuid) => chassisTable.get(uuid))
    .filter((row) => row !== undefined);
  const wanted = port.chassis.map((chassis, at) => {
    const name = gatewayChassisName(port.portId, chassis);
    return draft.row("Gateway_Chassis", ovn.named.Gateway_Chassis.first(name), {
      name,
      chassis_name: chassis,
      priority: port.chassis.length - at,
      external_ids: { [ROUTER]: routerId },
    });
  });
  draft.members("Logical_Router_Port", { ref, row: existing }, "gateway_chassis", {
    add: wanted,
    remove: held.map((row) => row._uuid).filter((uuid) => !wanted.includes(uuid)),
  });
  writePeer(ovn, draft, routerId, port, true);
}

/** Takes a port off its router and its switch. */
export function dropRouterPort(ovn: OvnNorthbound, draft: Draft, portId: string): void {
  const row = ovn.named.Logical_Router_Port.first(routerPortName(portId));
  const router =
    row === undefined ? undefined : ovn.named.Logical_Router.first(routerName(row.external_ids[ROUTER] ?? ""));
  if (row !== undefined && router !== undefined) {
    draft.members("Logical_Router", { ref: router._uuid, row: router }, "ports", { remove: [row._uuid] });
  }
  removeSwitchPort(ovn, draft, portId);
}

/** The interface is in OVN as given. `unavailable` while its router or network is not there. */
export function ensureRouterInterface(ovn: OvnNorthbound, port: OvnRouterInterface): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const router = ovn.named.Logical_Router.first(routerName(port.routerId));
    if (router === undefined) throw unavailable("The interface's router is not realised yet");
    const ref = draft.row(
      "Logical_Router_Port",
      ovn.named.Logical_Router_Port.first(routerPortName(port.portId)),
      interfaceRow(port),
    );
    draft.members("Logical_Router", { ref: router._uuid, row: router }, "ports", { add: [ref] });
    writePeer(ovn, draft, port.routerId, port, false);
  });
}

/** Nothing of the interface (or of a gateway port by that id) is left in OVN. */
export function removeRouterInterface(ovn: OvnNorthbound, portId: string): Promise<boolean> {
  return writeOvn(ovn, (draft) => dropRouterPort(ovn, draft, portId));
}
