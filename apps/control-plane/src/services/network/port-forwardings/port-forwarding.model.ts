/** Ports of a floating IP that lead to ports inside. Bounds and texts are Neutron's. Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { canonicalAddress } from "../common/addresses.ts";
import { toInteger } from "../common/wire.ts";
import { type FixedIp, type Port, ipv4Of } from "../ports/port.model.ts";

/** Both ends included. */
export type PortRange = { first: number; last: number };
export type PortForwarding = {
  id: string;
  projectId: string;
  floatingipId: string;
  protocol: "tcp" | "udp";
  externalPort: PortRange;
  internalPort: PortRange;
  internalPortId: string;
  internalIpAddress: string;
  description: string;
};
export type PortForwardingWire = {
  protocol?: "tcp" | "udp";
  external_port?: number | string;
  external_port_range?: string;
  internal_port?: number | string;
  internal_port_range?: string;
  internal_port_id?: string;
  internal_ip_address?: string;
  description?: string;
};

const refuse = (message: string): CloudError =>
  invalid(`Bad port_forwarding request: ${message}`, { type: "BadRequest" });

export const portForwardingNotFound = (id: string): CloudError =>
  notFound(`Port Forwarding ${id} could not be found.`, { type: "PortForwardingNotFound" });
export const floatingIpForwards = (id: string): CloudError =>
  conflict(`Floating IP ${id} in use by Port Forwarding resources.`, { type: "FipInUseByPortForwarding" });
export const portHasFloatingIp = (
  port: string,
  floatingIp: { id: string; floatingIpAddress: string },
  fixedIp: string,
): CloudError =>
  conflict(
    `Cannot create port forwarding to floating IP ${floatingIp.floatingIpAddress} (${floatingIp.id}) with port ${port} using fixed IP ${fixedIp}, as that port already has a binding floating IP.`,
    { type: "PortHasBindingFloatingIP" },
  );

/** `80` or `80:90`, in either of its two members; undefined: neither is there. */
function readRange(port: number | string | undefined, range: string | undefined, field: string): PortRange | undefined {
  if (port !== undefined && range !== undefined) throw refuse(`${field} and ${field}_range cannot be given together.`);
  if (port !== undefined) {
    const number = toInteger(port, field, 1, 65_535);
    return { first: number, last: number };
  }
  if (range === undefined) return undefined;
  const [, from, to] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(range) ?? [];
  const [first, last] = [Number(from ?? Number.NaN), Number(to ?? from ?? Number.NaN)];
  if (!(first >= 1 && last <= 65_535 && first <= last))
    throw refuse("Invalid port value, the port value must be a value between 1 and 65535.");
  return { first, last };
}

/** What is asked for, over what there is. */
export function readPortForwarding(
  wire: PortForwardingWire,
  held?: PortForwarding,
): Omit<PortForwarding, "id" | "projectId" | "floatingipId" | "internalIpAddress"> & {
  internalIpAddress: string | undefined;
} {
  const externalPort = readRange(wire.external_port, wire.external_port_range, "external_port") ?? held?.externalPort;
  const internalPort = readRange(wire.internal_port, wire.internal_port_range, "internal_port") ?? held?.internalPort;
  const protocol = wire.protocol ?? held?.protocol;
  const internalPortId = wire.internal_port_id ?? held?.internalPortId;
  if (
    externalPort === undefined ||
    internalPort === undefined ||
    protocol === undefined ||
    internalPortId === undefined
  )
    throw refuse("protocol, internal_port_id, an internal and an external port must be given.");
  checkRelation(internalPort, externalPort);
  const same = internalPortId === held?.internalPortId ? held : undefined;
  return {
    protocol,
    externalPort,
    internalPort,
    internalPortId,
    internalIpAddress: readAddress(wire.internal_ip_address, same),
    description: descriptionOf(wire, held),
  };
}

const descriptionOf = (wire: PortForwardingWire, held: PortForwarding | undefined): string =>
  wire.description ?? held?.description ?? "";

/** As many ports inside as outside, or one for all. */
function checkRelation(internal: PortRange, external: PortRange): void {
  const [inside, outside] = [internal.last - internal.first, external.last - external.first];
  if (inside > 0 && inside !== outside) {
    throw refuse(
      "Invalid ranges of internal and/or external ports. The relation between internal and external ports must be N-N or 1-N",
    );
  }
}

function readAddress(text: string | undefined, held: PortForwarding | undefined): string | undefined {
  if (text === undefined) return held?.internalIpAddress;
  const address = canonicalAddress(text);
  if (address === null) throw refuse(`'${text}' is not a valid IP address.`);
  return address;
}

/** Which of the port's addresses it leads to: the one asked for, or the first. */
export function chooseInternal(port: Port, wanted: string | undefined): FixedIp {
  const addresses = ipv4Of(port);
  const [first] = addresses;
  if (first === undefined) throw refuse(`Requested internal port ${port.id} must allocate an IPv4 address at least.`);
  if (wanted === undefined) return first;
  const found = addresses.find((ip) => ip.ip_address === wanted);
  if (found === undefined) {
    throw refuse(
      `Requested internal IP address ${wanted} is not suitable for internal neutron port ${port.id}, as its fixed_ips are ${addresses.map((ip) => ip.ip_address).join(", ")}`,
    );
  }
  return found;
}

const meet = (one: PortRange, other: PortRange): boolean => one.first <= other.last && other.first <= one.last;
export const rangeText = ({ first, last }: PortRange): string => `${first}:${last}`;

/** Outside a port leads to one place; inside one is led to from one. */
export function checkFree(
  wanted: Pick<
    PortForwarding,
    "id" | "protocol" | "externalPort" | "internalPort" | "internalIpAddress" | "internalPortId"
  >,
  sameFloatingIp: readonly PortForwarding[],
  samePort: readonly PortForwarding[],
): void {
  const others = (list: readonly PortForwarding[]): PortForwarding[] =>
    list.filter((one) => one.id !== wanted.id && one.protocol === wanted.protocol);
  const outside = others(sameFloatingIp).find((one) => meet(one.externalPort, wanted.externalPort));
  if (outside !== undefined) {
    throw refuse(
      `There is a port collision with the external_port_range. The following ranges collide: ${rangeText(outside.externalPort)} and ${rangeText(wanted.externalPort)}`,
    );
  }
  const inside = others(samePort).find(
    (one) => one.internalIpAddress === wanted.internalIpAddress && meet(one.internalPort, wanted.internalPort),
  );
  if (inside !== undefined) {
    throw refuse(
      `There is a port collision with the internal_port_range. The following ranges collide: ${rangeText(inside.internalPort)} and ${rangeText(wanted.internalPort)}`,
    );
  }
}

export const otherRouter = (floatingIpId: string, routerId: string, portId: string): CloudError =>
  refuse(
    `The Floating IP ${floatingIpId} had been set on router ${routerId}, the internal Neutron port ${portId} can not reach it`,
  );
export const unreachable = (floatingIp: { id: string; floatingNetworkId: string }, subnetId: string, portId: string) =>
  refuse(
    `External network ${floatingIp.floatingNetworkId} is not reachable from subnet ${subnetId}. Cannot set Port forwarding for port ${portId} with Floating IP ${floatingIp.id}`,
  );

/** A single port is shown as one, a range as a range; Neutron shows both members. */
function rangeView(name: string, range: PortRange) {
  return {
    ...(range.first === range.last ? { [name]: range.first } : { [name]: null }),
    [`${name}_range`]: rangeText(range),
  };
}

/** As a floating IP shows those that it has (extension "expose-port-forwarding-in-fip"). */
export const toForwardingSummary = (forwarding: PortForwarding) => ({
  id: forwarding.id,
  protocol: forwarding.protocol,
  internal_ip_address: forwarding.internalIpAddress,
  internal_port_id: forwarding.internalPortId,
  ...rangeView("internal_port", forwarding.internalPort),
  ...rangeView("external_port", forwarding.externalPort),
});
export const toPortForwardingView = (forwarding: PortForwarding) => ({
  ...toForwardingSummary(forwarding),
  description: forwarding.description,
});
