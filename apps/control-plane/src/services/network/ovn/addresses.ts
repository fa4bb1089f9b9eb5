/** Arithmetic on addresses as OVN's rows need it. Pure. */
import { createHash } from "node:crypto";
import { isIP } from "node:net";

import { invalid } from "@andromede/base/errors";

/** 4 or 6. */
export const ipVersion = (addressOrCidr: string): 4 | 6 => (addressOrCidr.includes(":") ? 6 : 4);

/** The 8 groups of an IPv6 address; a dotted tail is understood. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex =
    dotted === null
      ? address
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = "", tail] = hex.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const before = parse(head);
  if (tail === undefined) return before;
  const after = parse(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function toBits(address: string): bigint {
  if (ipVersion(address) === 4) return address.split(".").reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n);
  return groupsOf(address).reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

function fromBits(bits: bigint, version: 4 | 6): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bits >> BigInt((7 - at) * 16)) & 0xffffn).toString(16));
  return compress(groups);
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function compress(groups: string[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === "0") end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

/** A CIDR without host bits, in canonical text: OVN refuses matches with bits outside the mask. An address alone becomes a host. */
export function normalCidr(cidr: string): string {
  const [address = "", length] = cidr.split("/");
  const version = ipVersion(address);
  const width = version === 4 ? 32 : 128;
  const prefix = length === undefined ? width : Number(length);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > width || isIP(address) !== version) {
    throw invalid(`${cidr} is not a network`);
  }
  const host = BigInt(width - prefix);
  return `${fromBits((toBits(address) >> host) << host, version)}/${prefix}`;
}

/** The prefix length of a CIDR. */
export const prefixLength = (cidr: string): number => Number(cidr.split("/")[1] ?? (ipVersion(cidr) === 4 ? 32 : 128));

/** The name under which an address is looked up in reverse. */
export function reverseName(address: string): string {
  if (ipVersion(address) === 4) return `${address.split(".").toReversed().join(".")}.in-addr.arpa`;
  const nibbles = toBits(address).toString(16).padStart(32, "0");
  return `${nibbles.split("").toReversed().join(".")}.ip6.arpa`;
}

/** A MAC address for an OVN service of a resource: always the same one for the same id, in OpenStack's own range. */
export function serviceMac(id: string): string {
  const digest = createHash("sha256").update(`mac ${id}`).digest();
  return `fa:16:3e:${[...digest.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}
