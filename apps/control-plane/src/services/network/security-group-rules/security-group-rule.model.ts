/**
 * What makes a security group rule right, and when two are one. Texts and order of the checks are those of Neutron
 * (its extension "security-group"): clients and tempest read them. Pure.
 */
import { type CloudError, conflict, invalid } from "@andromede/base/errors";

import { parseCidr } from "../common/addresses.ts";
import { PROTOCOLS } from "../common/protocols.ts";

export type Direction = "ingress" | "egress";
export type Ethertype = "IPv4" | "IPv6";

export type SecurityGroupRule = {
  id: string;
  projectId: string;
  securityGroupId: string;
  direction: Direction;
  ethertype: Ethertype;
  protocol: string | null;
  portRangeMin: number | null;
  portRangeMax: number | null;
  remoteGroupId: string | null;
  remoteIpPrefix: string | null;
  remoteAddressGroupId: string | null;
  description: string;
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
};

/** What a customer asked for, read and checked, before the database has been looked at. */
export type NewRule = Pick<
  SecurityGroupRule,
  | "direction"
  | "ethertype"
  | "protocol"
  | "portRangeMin"
  | "portRangeMax"
  | "remoteGroupId"
  | "remoteIpPrefix"
  | "remoteAddressGroupId"
  | "description"
> & { matchProtocol: string | null; matchPrefix: string | null };

export type RuleWire = {
  direction: string;
  ethertype?: string | null;
  protocol?: string | number | null;
  port_range_min?: string | number | null;
  port_range_max?: string | number | null;
  remote_group_id?: string | null;
  remote_ip_prefix?: string | null;
  remote_address_group_id?: string | null;
  description?: string | null;
};

const WITH_PORTS = new Set([6, 17, 33, 132, 136]);
const ONLY_IPV6 = new Set(["ipv6-encap", "ipv6-frag", "ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts", "ipv6-route"]);
const ICMP = new Set([1, 58]);
const WHOLE_WORLD = new Set(["0.0.0.0/0", "::/0"]);

const refuse = (type: string, message: string): CloudError => invalid(message, { type });

/** The number of a protocol's name or number; throws for neither. */
function protocolNumber(protocol: string): number {
  const number = PROTOCOLS.get(protocol) ?? (/^\d{1,3}$/.test(protocol) ? Number(protocol) : 256);
  if (number > 255) {
    throw refuse(
      "SecurityGroupRuleInvalidProtocol",
      `Security group rule protocol ${protocol} not supported. Only protocol values [${[...PROTOCOLS.keys()].join(", ")}] and integer representations [0 to 255] are supported.`,
    );
  }
  return number;
}

/** Neutron's "any" (and its number 0 by name) is every protocol: null. */
function readProtocol(value: RuleWire["protocol"]): string | null {
  if (value === undefined || value === null) return null;
  const protocol = String(value).toLowerCase();
  if (protocol === "any" || protocol === "") return null;
  protocolNumber(protocol);
  return protocol;
}

function readEthertype(value: RuleWire["ethertype"]): Ethertype {
  const text = value ?? "IPv4";
  if (text.toLowerCase() === "ipv4") return "IPv4";
  if (text.toLowerCase() === "ipv6") return "IPv6";
  throw refuse(
    "SecurityGroupRuleInvalidEtherType",
    `Security group rule for ethertype '${text}' not supported. Allowed values are ['IPv4', 'IPv6'].`,
  );
}

function readPort(value: RuleWire["port_range_min"]): number | null {
  if (value === undefined || value === null || value === "") return null;
  const number = typeof value === "number" ? value : /^-?\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw refuse("SecurityGroupInvalidPortValue", `Invalid value for port ${value}`);
  }
  return number;
}

function readPrefix(value: RuleWire["remote_ip_prefix"], ethertype: Ethertype): string | null {
  if (value === undefined || value === null || value === "") return null;
  const cidr = parseCidr(value);
  if (cidr === null) {
    throw refuse(
      "HTTPBadRequest",
      `Invalid input for remote_ip_prefix. Reason: '${value}' is not a valid IP address or subnet.`,
    );
  }
  if (cidr.version !== (ethertype === "IPv4" ? 4 : 6)) {
    throw refuse("SecurityGroupRuleParameterConflict", `Conflicting value ethertype ${ethertype} for CIDR ${value}`);
  }
  return value.includes("/") ? value : `${value}/${cidr.prefix}`;
}

function checkPorts(protocol: string | null, min: number | null, max: number | null): void {
  if (min === null && max === null) return;
  if (protocol === null) {
    throw refuse("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.");
  }
  const number = protocolNumber(protocol);
  if (WITH_PORTS.has(number)) checkPortRange(min, max);
  else if (ICMP.has(number)) checkIcmp(min, max);
  else {
    throw refuse(
      "SecurityGroupInvalidProtocolForPort",
      `Invalid protocol ${protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP, DCCP and ICMP.`,
    );
  }
}

function checkPortRange(min: number | null, max: number | null): void {
  if (min === 0 || max === 0) throw refuse("SecurityGroupInvalidPortValue", "Invalid value for port 0");
  if (min === null || max === null || min > max) {
    throw refuse("SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max");
  }
}

function checkIcmp(type: number | null, code: number | null): void {
  for (const [value, field, attribute] of [
    [type, "type", "port_range_min"],
    [code, "code", "port_range_max"],
  ] as const) {
    if (value !== null && value > 255) {
      throw refuse(
        "SecurityGroupInvalidIcmpValue",
        `Invalid value for ICMP ${field} (${attribute}) ${value}. It must be 0 to 255.`,
      );
    }
  }
  if (type === null && code !== null) {
    throw refuse(
      "SecurityGroupMissingIcmpType",
      `ICMP code (port-range-max) ${code} is provided but ICMP type (port-range-min) is missing.`,
    );
  }
}

/** One way of saying each protocol: its number; ICMP is the one of the rule's IP version. */
function matchProtocol(protocol: string | null, ethertype: Ethertype): string | null {
  if (protocol === null) return null;
  const number = protocolNumber(protocol);
  return String(number === 1 && ethertype === "IPv6" ? 58 : number);
}

/** "From anywhere", said twice, is one rule. */
function matchPrefix(remoteIpPrefix: string | null): string | null {
  const prefix = remoteIpPrefix === null ? null : (parseCidr(remoteIpPrefix)?.text ?? null);
  return prefix !== null && WHOLE_WORLD.has(prefix) ? null : prefix;
}

function readRemoteGroup(wire: RuleWire, remoteIpPrefix: string | null): string | null {
  const remoteGroupId = wire.remote_group_id === undefined || wire.remote_group_id === "" ? null : wire.remote_group_id;
  if (remoteIpPrefix !== null && remoteGroupId !== null) {
    throw refuse(
      "SecurityGroupRemoteGroupAndRemoteIpPrefix",
      "Only remote_ip_prefix or remote_group_id may be provided.",
    );
  }
  return remoteGroupId;
}

/** The other end is said in one way or not at all. */
function readRemoteAddressGroup(wire: RuleWire, others: (string | null)[]): string | null {
  const id = wire.remote_address_group_id ?? "";
  if (id === "") return null;
  if (others.some((one) => one !== null)) {
    throw refuse(
      "SecurityGroupMultipleRemoteEntites",
      "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
    );
  }
  return id;
}

/** Reads and checks a rule; throws Neutron's 400s. */
export function readRule(wire: RuleWire): NewRule {
  if (wire.direction !== "ingress" && wire.direction !== "egress") {
    throw refuse(
      "HTTPBadRequest",
      `Invalid input for direction. Reason: '${wire.direction}' is not in ['ingress', 'egress'].`,
    );
  }
  const ethertype = readEthertype(wire.ethertype);
  const protocol = readProtocol(wire.protocol);
  const portRangeMin = readPort(wire.port_range_min);
  const portRangeMax = readPort(wire.port_range_max);
  const remoteIpPrefix = readPrefix(wire.remote_ip_prefix, ethertype);
  checkPorts(protocol, portRangeMin, portRangeMax);
  if (protocol !== null && ONLY_IPV6.has(protocol) && ethertype === "IPv4") {
    throw refuse(
      "SecurityGroupEthertypeConflictWithProtocol",
      `Invalid ethertype ${ethertype} for protocol ${protocol}.`,
    );
  }
  const remoteGroupId = readRemoteGroup(wire, remoteIpPrefix);
  const remoteAddressGroupId = readRemoteAddressGroup(wire, [remoteIpPrefix, remoteGroupId]);
  return {
    direction: wire.direction,
    ethertype,
    protocol,
    portRangeMin,
    portRangeMax,
    remoteGroupId,
    remoteIpPrefix,
    remoteAddressGroupId,
    description: wire.description ?? "",
    matchProtocol: matchProtocol(protocol, ethertype),
    matchPrefix: matchPrefix(remoteIpPrefix),
  };
}

export const ruleExists = (ruleId: string): CloudError =>
  conflict(`Security group rule already exists. Rule id is ${ruleId}.`, { type: "SecurityGroupRuleExists" });

/** A rule that a group is born with. */
export function defaultRule(direction: Direction, ethertype: Ethertype, remoteGroupId: string | null = null): NewRule {
  return readRule({ direction, ethertype, remote_group_id: remoteGroupId });
}
