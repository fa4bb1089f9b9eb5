/** What OVN is to be told of a port. Pure. */
import { toOvnRules } from "../qos/qos-policy.model.ts";
import type { OvnRouterInterface } from "../routers/router-port.ovn.ts";
import type { LegSubnet, WantedPort } from "./port-wanted.queries.ts";
import { OWNER } from "./port.model.ts";
import type { OvnPort } from "./port.ovn.ts";

/** `elsewhere`: the port is only an address (a floating IP's), or its router brings it along (a gateway's). */
export type PortPlan = { kind: "port"; port: OvnPort } | { kind: "interface" } | { kind: "elsewhere" };

export function planPort(port: WantedPort): PortPlan {
  switch (port.deviceOwner) {
    case OWNER.floatingIp:
    case OWNER.routerGateway:
      return { kind: "elsewhere" };
    case OWNER.routerInterface:
      return { kind: "interface" };
    default:
      return { kind: "port", port: toOvnPort(port) };
  }
}

function toOvnPort(port: WantedPort): OvnPort {
  const metadata = port.deviceOwner === OWNER.distributed;
  return {
    id: port.id,
    networkId: port.networkId,
    name: port.name,
    kind: metadata ? "metadata" : "guest",
    macAddress: port.macAddress,
    fixedIps: port.fixedIps.map((ip) => ({ subnetId: ip.subnet_id, ipAddress: ip.ip_address })),
    adminStateUp: port.adminStateUp,
    portSecurityEnabled: port.portSecurityEnabled,
    allowedAddressPairs: port.allowedAddressPairs.map((pair) => ({
      ipAddress: pair.ip_address,
      macAddress: pair.mac_address,
    })),
    securityGroupIds: port.securityGroupIds,
    host: port.hostId === "" ? null : port.hostId,
    extraDhcpOptions: port.extraDhcpOpts.map((option) => ({
      name: option.opt_name,
      value: option.opt_value,
      ipVersion: option.ip_version,
    })),
    dns:
      port.dnsName === ""
        ? null
        : { hostname: port.dnsName, domain: port.networkDnsDomain === "" ? null : port.networkDnsDomain },
    qos: toOvnRules(port.qosRules),
    carriedBy: port.carriedBy,
  };
}

/** A router's leg: its addresses, and how hosts behind it get theirs by IPv6 (from the first subnet that says so). */
export function planInterface(port: WantedPort, legs: readonly LegSubnet[]): OvnRouterInterface {
  const advertised = legs.find((leg) => leg.ipVersion === 6 && leg.ipv6RaMode !== null);
  return {
    portId: port.id,
    routerId: port.deviceId,
    networkId: port.networkId,
    macAddress: port.macAddress,
    addresses: legs.map((leg) => ({ ipAddress: leg.address, prefixLength: Number(leg.cidr.split("/")[1]) })),
    adminStateUp: port.adminStateUp,
    ipv6:
      advertised === undefined || advertised.ipv6RaMode === null
        ? null
        : {
            addressMode: advertised.ipv6RaMode,
            dnsServer: advertised.dnsNameservers.find((server) => server.includes(":")) ?? null,
            mtu: port.networkMtu,
          },
    physical: port.networkPhysical !== null,
  };
}
