/** Addresses as numbers. Strict about what it reads: everything here may come from a customer. Pure. */

export type Address = { version: 4 | 6; value: bigint };
/** `first` and `last` are the lowest and highest address of the prefix, host bits or not. */
export type Cidr = {
  version: 4 | 6;
  prefix: number;
  first: bigint;
  last: bigint;
  /** Canonical, host bits zero. */ text: string;
  /** As given: had it host bits? */ exact: boolean;
};
export type Range = { start: bigint; end: bigint };

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;

export const width = (version: 4 | 6): number => (version === 4 ? 32 : 128);

function parseV4(text: string): bigint | null {
  const match = V4.exec(text);
  if (match === null) return null;
  let value = 0n;
  for (const part of match.slice(1)) {
    // a leading zero reads as octal elsewhere: refused, as Python does
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return null;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseGroups(text: string): bigint[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const tail = parseV4(part);
      if (tail === null) return null;
      groups.push(tail >> 16n, tail & 0xffffn);
    } else if (GROUP.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

function parseV6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "");
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  return [...head, ...Array<bigint>(missing).fill(0n), ...tail].reduce((value, group) => (value << 16n) | group, 0n);
}

/** An IPv4 address in dotted form or an IPv6 address (RFC 4291), without zone or prefix; null: it is neither. */
export function parseAddress(text: string): Address | null {
  if (text.length > 45) return null;
  const version = text.includes(":") ? 6 : 4;
  const value = version === 4 ? parseV4(text) : parseV6(text);
  return value === null ? null : { version, value };
}

/** Canonical text (RFC 5952 for IPv6). */
export function formatAddress(value: bigint, version: 4 | 6): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (groups[end] === "0") end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

/** The canonical text of an address, or null when it is none. */
export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? null : formatAddress(address.value, address.version);
}

/** `address/prefix`, or an address alone, which is a prefix of full length. */
export function parseCidr(text: string): Cidr | null {
  const [host = "", length, more] = text.split("/");
  const address = parseAddress(host);
  if (address === null || more !== undefined) return null;
  const bits = width(address.version);
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return null;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return null;
  return cidrAt(address.value, prefix, address.version);
}

/** The prefix of this length that the address is in. */
export function cidrAt(value: bigint, prefix: number, version: 4 | 6): Cidr {
  const hostBits = BigInt(width(version) - prefix);
  const first = (value >> hostBits) << hostBits;
  return {
    version,
    prefix,
    first,
    last: first | ((1n << hostBits) - 1n),
    text: `${formatAddress(first, version)}/${prefix}`,
    exact: first === value,
  };
}

export const overlaps = (one: Cidr, other: Cidr): boolean =>
  one.version === other.version && one.first <= other.last && other.first <= one.last;

export const contains = (cidr: Cidr, address: Address): boolean =>
  cidr.version === address.version && cidr.first <= address.value && address.value <= cidr.last;

export const isWithin = (inner: Cidr, outer: Cidr): boolean =>
  inner.version === outer.version && outer.first <= inner.first && inner.last <= outer.last;

/** Can a host have it? Not the network's own address, and not IPv4's broadcast (RFC 3021: a /31 has neither). */
export function isHostAddress(cidr: Cidr, value: bigint): boolean {
  const hostBits = width(cidr.version) - cidr.prefix;
  if (hostBits <= 1) return true;
  return value !== cidr.first && !(cidr.version === 4 && value === cidr.last);
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Lower case with colons; null when it is no unicast MAC address. */
export function canonicalMac(text: string): string | null {
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!MAC.test(mac) || mac === "00:00:00:00:00:00") return null;
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 ? null : mac;
}

/** The address a host with this MAC makes for itself in a /64 (RFC 4291, appendix A). */
export function eui64Address(cidr: Cidr, mac: string): string {
  const bytes = mac.split(":").map((byte) => BigInt(`0x${byte}`));
  const [first = 0n, ...rest] = bytes;
  const identifier = [first ^ 2n, ...rest.slice(0, 2), 0xffn, 0xfen, ...rest.slice(2)].reduce(
    (value, byte) => (value << 8n) | byte,
    0n,
  );
  return formatAddress(cidr.first | identifier, 6);
}

/** What is left of the ranges when one address is taken out. */
export function without(ranges: Range[], value: bigint): Range[] {
  return ranges.flatMap(({ start, end }) => {
    if (value < start || value > end) return [{ start, end }];
    return [
      { start, end: value - 1n },
      { start: value + 1n, end },
    ].filter((range) => range.start <= range.end);
  });
}
