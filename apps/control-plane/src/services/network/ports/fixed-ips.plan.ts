/**
 * Which addresses a port is to have: what was asked for against the network's subnets. Pure; the taking is done by
 * allocate-fixed-ips.ts. Follows Neutron's rules: one address of each IP version where nothing was asked for, and on
 * subnets where hosts address themselves the EUI-64 address always (a router's ports excepted).
 */
import { conflict, invalid } from "@andromede/base/errors";

import { canonicalAddress, contains, eui64Address, isHostAddress, parseAddress } from "../common/addresses.ts";
import { type AddressSpace, isAutoAddressed, knownCidr, serves } from "../subnets/subnet.model.ts";
import type { FixedIp } from "./port.model.ts";

export type FixedIpWire = { subnet_id?: string | null; ip_address?: string | null };
/** `any`: the first of these subnets that has an address left. */
export type AddressWish =
  | { kind: "any"; subnets: AddressSpace[] }
  | { kind: "address"; subnet: AddressSpace; address: string }
  | { kind: "held"; ip: FixedIp };

const MAX_FIXED_IPS = 5;

export type FixedIpsRequest = {
  networkId: string;
  subnets: AddressSpace[];
  mac: string;
  isRouterPort: boolean;
  /** Whose the port is; undefined: for any purpose. */
  deviceOwner?: string;
  /** undefined: whatever the network gives. */
  requested: readonly FixedIpWire[] | undefined;
  /** Addresses the port has already: kept where the request still fits them. */
  held?: readonly FixedIp[];
};

export function planFixedIps(request: FixedIpsRequest): AddressWish[] {
  const { mac, isRouterPort, requested } = request;
  const subnets = request.subnets.filter((subnet) => serves(subnet, request.deviceOwner));
  if (requested === undefined && subnets.length === 0 && request.subnets.length > 0) throw noneServes(request);
  const wishes = requested === undefined ? defaultWishes(subnets) : requestedWishes(request, requested);
  const chosen = new Set(
    wishes.flatMap((wish) =>
      wish.kind === "address" ? [wish.subnet.id] : wish.kind === "held" ? [wish.ip.subnet_id] : [],
    ),
  );
  const auto = isRouterPort ? [] : subnets.filter((subnet) => isAutoAddressed(subnet) && !chosen.has(subnet.id));
  return keepHeld([...wishes, ...auto.map((subnet) => autoWish(subnet, mac))], request.held ?? []);
}

function defaultWishes(subnets: AddressSpace[]): AddressWish[] {
  const byPool = subnets.filter((subnet) => !isAutoAddressed(subnet));
  return ([4, 6] as const).flatMap((version) => {
    const fitting = byPool.filter((subnet) => subnet.ipVersion === version);
    return fitting.length === 0 ? [] : [{ kind: "any" as const, subnets: fitting }];
  });
}

const autoWish = (subnet: AddressSpace, mac: string): AddressWish => ({
  kind: "address",
  subnet,
  address: eui64Address(knownCidr(subnet.cidr), mac),
});

function requestedWishes(
  { networkId, subnets, mac, isRouterPort, held = [] }: FixedIpsRequest,
  requested: readonly FixedIpWire[],
): AddressWish[] {
  if (requested.length > MAX_FIXED_IPS) {
    throw invalid("Invalid input for operation: Exceeded maximum amount of fixed ips per port.");
  }
  const named = new Set(requested.map((wire) => canonicalAddress(wire.ip_address ?? "")));
  const unused = held.filter((ip) => !named.has(ip.ip_address));
  const wishes = requested.map((wire): AddressWish => {
    const subnet =
      wire.subnet_id === undefined || wire.subnet_id === null
        ? undefined
        : subnetOf(networkId, subnets, wire.subnet_id);
    if (wire.ip_address !== undefined && wire.ip_address !== null)
      return addressWish(networkId, subnets, subnet, wire.ip_address, isRouterPort, mac);
    if (subnet === undefined) throw invalid("IP allocation requires subnet_id or ip_address");
    const at = unused.findIndex((ip) => ip.subnet_id === subnet.id);
    const [kept] = at < 0 ? [] : unused.splice(at, 1);
    if (kept !== undefined) return { kind: "held", ip: kept };
    return isAutoAddressed(subnet) && !isRouterPort ? autoWish(subnet, mac) : { kind: "any", subnets: [subnet] };
  });
  const addresses = wishes.flatMap((wish) => (wish.kind === "address" ? [wish.address] : []));
  if (new Set(addresses).size < addresses.length)
    throw invalid("Invalid input for fixed_ips. Reason: Duplicate IP address.");
  return wishes;
}

function subnetOf(networkId: string, subnets: AddressSpace[], id: string): AddressSpace {
  const subnet = subnets.find((one) => one.id === id);
  if (subnet === undefined) {
    throw invalid(
      `Invalid input for operation: Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${id}.`,
    );
  }
  return subnet;
}

function addressWish(
  networkId: string,
  subnets: AddressSpace[],
  named: AddressSpace | undefined,
  text: string,
  isRouterPort: boolean,
  mac: string,
): AddressWish {
  const address = parseAddress(text);
  if (address === null)
    throw invalid(`Invalid input for fixed_ips. Reason: '${text}' is not a valid IP address.`, { field: "fixed_ips" });
  const candidates = named === undefined ? subnets : [named];
  const subnet = candidates.find((one) => {
    const cidr = knownCidr(one.cidr);
    return contains(cidr, address) && isHostAddress(cidr, address.value);
  });
  if (subnet === undefined && named !== undefined) {
    throw invalid(`IP address ${text} is not a valid IP for the specified subnet.`, { type: "InvalidIpForSubnet" });
  }
  if (subnet === undefined) {
    throw invalid(`IP address ${text} is not a valid IP for any of the subnets on the specified network.`, {
      type: "InvalidIpForNetwork",
    });
  }
  const canonical = canonicalAddress(text) ?? text;
  if (isAutoAddressed(subnet) && !isRouterPort && canonical !== eui64Address(knownCidr(subnet.cidr), mac)) {
    throw invalid(
      `IPv6 address ${text} can not be directly assigned to a port on subnet ${subnet.id} of network ${networkId} as the subnet is configured for automatic addresses`,
      { type: "AllocationOnAutoAddressSubnet" },
    );
  }
  return { kind: "address", subnet, address: canonical };
}

/** An address the port has is not taken again. */
function keepHeld(wishes: AddressWish[], held: readonly FixedIp[]): AddressWish[] {
  return wishes.map((wish) => {
    if (wish.kind !== "address") return wish;
    const same = held.find((ip) => ip.subnet_id === wish.subnet.id && ip.ip_address === wish.address);
    return same === undefined ? wish : { kind: "held", ip: same };
  });
}

const noneServes = ({ networkId, deviceOwner }: FixedIpsRequest) =>
  conflict(
    `No valid service subnet for the given device owner, network ${networkId}, service type ${deviceOwner ?? ""}.`,
    { type: "IpAddressGenerationFailureNoMatchingSubnet" },
  );

export const noAddressLeft = (networkId: string) =>
  conflict(`No more IP addresses available on network ${networkId}.`, { type: "IpAddressGenerationFailure" });
