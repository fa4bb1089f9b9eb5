/** Security group rules -> ACL rows. Facts from Neutron's ML2/OVN driver: priorities, directions, what a match says. Pure. */
import { invalid } from "@andromede/base/errors";
import type { RowWrite } from "@andromede/ovsdb/types";

import { ipVersion, normalCidr } from "../ovn/addresses.ts";
import { DROP_GROUP, RULE, portGroupName } from "../ovn/names.ts";
import type { Tables } from "../ovn/northbound.ts";
import { PROTOCOLS } from "../common/protocols.ts";

/** What OVN must know of a rule. For ICMP the port range is type and code, as in Neutron. */
export type OvnSecurityGroupRule = {
  readonly id: string;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  /** A name or number; null (or "any") is every protocol. */
  readonly protocol: string | null;
  readonly portRangeMin: number | null;
  readonly portRangeMax: number | null;
  readonly remoteIpPrefix: string | null;
  readonly remoteGroupId: string | null;
  /** Of an address group, both IP versions mixed. */
  readonly remoteAddresses?: readonly string[] | null;
};

type Acl = RowWrite<Tables["ACL"]> & {
  readonly match: string;
  readonly external_ids: { readonly [key: string]: string };
};

const PRIORITY_ALLOW = 1002;
const PRIORITY_ESSENTIAL = 1001;
const PRIORITY_DROP = 1000;

const TRANSPORTS: ReadonlyMap<number, string> = new Map([
  [6, "tcp"],
  [17, "udp"],
  [132, "sctp"],
]);
const ICMP_NUMBERS: ReadonlySet<number> = new Set([1, 58]);

function protocolNumber(protocol: string): number {
  const number = PROTOCOLS.get(protocol.toLowerCase()) ?? (/^\d{1,3}$/.test(protocol) ? Number(protocol) : 256);
  if (number > 255) throw invalid(`${protocol} is not an IP protocol`);
  return number;
}

function protocolMatch(rule: OvnSecurityGroupRule): string[] {
  if (rule.protocol === null || rule.protocol === "any") return [];
  const number = protocolNumber(rule.protocol);
  const { portRangeMin: min, portRangeMax: max } = rule;
  if (ICMP_NUMBERS.has(number)) {
    const icmp = rule.ethertype === "IPv4" ? "icmp4" : "icmp6";
    return [
      icmp,
      ...(min === null ? [] : [`${icmp}.type == ${min}`]),
      ...(max === null ? [] : [`${icmp}.code == ${max}`]),
    ];
  }
  const transport = TRANSPORTS.get(number);
  if (transport === undefined) return [`ip.proto == ${number}`];
  if (min !== null && min === max) return [transport, `${transport}.dst == ${min}`];
  return [
    transport,
    ...(min === null ? [] : [`${transport}.dst >= ${min}`]),
    ...(max === null ? [] : [`${transport}.dst <= ${max}`]),
  ];
}

const addressesOf = (rule: OvnSecurityGroupRule): string[] =>
  (rule.remoteAddresses ?? []).filter((address) => ipVersion(address) === (rule.ethertype === "IPv4" ? 4 : 6));

function remoteAddressesMatch(remote: string, rule: OvnSecurityGroupRule): string[] {
  const addresses = addressesOf(rule);
  return addresses.length === 0 ? [] : [`${remote} == {${addresses.map(normalCidr).join(", ")}}`];
}

/** A rule for a group of addresses of which none is of its IP version lets nobody through. */
export const isVoid = (rule: OvnSecurityGroupRule): boolean =>
  rule.remoteAddresses !== undefined && rule.remoteAddresses !== null && addressesOf(rule).length === 0;

/** What a rule lets through, in OVN's expression language. */
export function ruleMatch(securityGroupId: string, rule: OvnSecurityGroupRule): string {
  const ip = rule.ethertype === "IPv4" ? "ip4" : "ip6";
  const remote = `${ip}.${rule.direction === "ingress" ? "src" : "dst"}`;
  return [
    `${rule.direction === "ingress" ? "outport" : "inport"} == @${portGroupName(securityGroupId)}`,
    ip,
    ...remoteAddressesMatch(remote, rule),
    ...(rule.remoteIpPrefix === null ? [] : [`${remote} == ${normalCidr(rule.remoteIpPrefix)}`]),
    // OVN keeps these address sets itself, from the addresses of the group's ports.
    ...(rule.remoteGroupId === null ? [] : [`${remote} == $${portGroupName(rule.remoteGroupId)}_${ip}`]),
    ...protocolMatch(rule),
  ].join(" && ");
}

/** The ACL of a rule. */
export function ruleAcl(securityGroupId: string, stateful: boolean, rule: OvnSecurityGroupRule): Acl {
  return {
    priority: PRIORITY_ALLOW,
    direction: rule.direction === "ingress" ? "to-lport" : "from-lport",
    action: stateful ? "allow-related" : "allow-stateless",
    match: ruleMatch(securityGroupId, rule),
    external_ids: { [RULE]: rule.id },
  };
}

/**
 * What holds for every port with port security: nothing passes that no rule allows, except a guest's request for its
 * own address. (Neighbour discovery, router advertisements and the answers of OVN's own DHCP pass before ACLs.)
 */
export function dropGroupAcls(): readonly Acl[] {
  const acl = (
    name: string,
    priority: number,
    direction: "from-lport" | "to-lport",
    action: "allow" | "drop",
    match: string,
  ): Acl => ({
    priority,
    direction,
    action,
    match: `${direction === "from-lport" ? "inport" : "outport"} == @${DROP_GROUP} && ${match}`,
    external_ids: { [RULE]: name },
  });
  return [
    acl(
      "dhcpv4",
      PRIORITY_ESSENTIAL,
      "from-lport",
      "allow",
      "ip4 && ip4.dst == 255.255.255.255 && udp && udp.src == 68 && udp.dst == 67",
    ),
    acl(
      "dhcpv6",
      PRIORITY_ESSENTIAL,
      "from-lport",
      "allow",
      "ip6 && ip6.dst == ff02::1:2 && udp && udp.src == 546 && udp.dst == 547",
    ),
    acl("drop-out", PRIORITY_DROP, "from-lport", "drop", "ip"),
    acl("drop-in", PRIORITY_DROP, "to-lport", "drop", "ip"),
  ];
}
