/** Address space that subnets are cut from. Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { type Cidr, cidrAt, isWithin, overlaps, parseCidr, width } from "../common/addresses.ts";

export type Subnetpool = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  ipVersion: 4 | 6;
  prefixes: string[];
  defaultPrefixlen: number;
  minPrefixlen: number;
  maxPrefixlen: number;
  defaultQuota: number | null;
  sharedWith: string[];
  addressScopeId: string | null;
  isDefault: boolean;
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
};

export const subnetpoolNotFound = (id: string): CloudError =>
  notFound(`Subnet pool ${id} could not be found.`, { type: "SubnetPoolNotFound" });

/** Checked, canonical, neighbours merged: as Neutron compacts them. */
export function readPrefixes(given: readonly string[]): { ipVersion: 4 | 6; prefixes: string[] } {
  const cidrs = given.map((text) => {
    const cidr = text.includes("/") ? parseCidr(text) : null;
    if (cidr === null)
      throw invalid(`Invalid input for prefixes. Reason: '${text}' is not a valid IP subnet.`, { field: "prefixes" });
    return cidr;
  });
  const [first] = cidrs;
  if (first === undefined)
    throw invalid("Unable to create subnetpool without prefixes.", { type: "EmptySubnetPoolPrefixList" });
  if (cidrs.some((cidr) => cidr.version !== first.version)) {
    throw invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", { type: "PrefixVersionMismatch" });
  }
  return { ipVersion: first.version, prefixes: compact(cidrs).map((cidr) => cidr.text) };
}

function compact(cidrs: Cidr[]): Cidr[] {
  const sorted = cidrs.toSorted((a, b) => (a.first === b.first ? a.prefix - b.prefix : a.first < b.first ? -1 : 1));
  const result: Cidr[] = [];
  for (const cidr of sorted) {
    const last = result.at(-1);
    if (last !== undefined && isWithin(cidr, last)) continue;
    result.push(cidr);
    mergeTail(result);
  }
  return result;
}

/** Two halves of one prefix at the end become that prefix, again and again. */
function mergeTail(result: Cidr[]): void {
  for (;;) {
    const [one, other] = result.slice(-2);
    if (one === undefined || other === undefined || one.prefix !== other.prefix || one.prefix === 0) return;
    const parent = cidrAt(one.first, one.prefix - 1, one.version);
    if (parent.first !== one.first || parent.last !== other.last) return;
    result.splice(-2, 2, parent);
  }
}

export type PrefixLengths = { minPrefixlen: number; maxPrefixlen: number; defaultPrefixlen: number };

export function readPrefixLengths(ipVersion: 4 | 6, given: Partial<PrefixLengths>): PrefixLengths {
  const bits = width(ipVersion);
  const min = given.minPrefixlen ?? (ipVersion === 4 ? 8 : 64);
  const max = given.maxPrefixlen ?? bits;
  const byDefault = given.defaultPrefixlen ?? min;
  const refuse = (message: string): CloudError => invalid(message, { type: "IllegalSubnetPoolPrefixBounds" });
  if (min > max) throw refuse(`Illegal prefix bounds: min_prefixlen=${min}, max_prefixlen=${max}.`);
  if (max > bits) throw refuse(`Illegal prefix bounds: max_prefixlen=${max}, ip_version=${ipVersion}.`);
  if (byDefault < min) throw refuse(`Illegal prefix bounds: min_prefixlen=${min}, default_prefixlen=${byDefault}.`);
  if (byDefault > max) throw refuse(`Illegal prefix bounds: max_prefixlen=${max}, default_prefixlen=${byDefault}.`);
  return { minPrefixlen: min, maxPrefixlen: max, defaultPrefixlen: byDefault };
}

/** Every prefix that was in the pool is still in it: subnets stand on them. */
export function checkGrown(before: readonly string[], after: readonly string[]): void {
  const now = after.map((text) => parseCidr(text)).filter((cidr) => cidr !== null);
  const lost = before.filter((text) => {
    const cidr = parseCidr(text);
    return cidr !== null && !now.some((one) => isWithin(cidr, one));
  });
  if (lost.length > 0)
    throw invalid("Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.", {
      type: "IllegalSubnetPoolUpdate",
    });
}

/** Which part of the pool a subnet gets: the one asked for, or the first free one of the length. */
export function planAllocation(
  pool: Pick<Subnetpool, "id" | "prefixes" | "ipVersion"> & PrefixLengths,
  taken: readonly string[],
  wanted: { cidr: string | undefined; prefixLength: number | undefined },
): Cidr {
  const spaces = pool.prefixes.map((text) => parseCidr(text)).filter((cidr) => cidr !== null);
  const used = taken.map((text) => parseCidr(text)).filter((cidr) => cidr !== null);
  if (wanted.cidr !== undefined) return takeSpecific(pool, spaces, used, wanted.cidr);
  const length = wanted.prefixLength ?? pool.defaultPrefixlen;
  checkLength(pool, length);
  for (const space of spaces) {
    const found = firstFreeIn(space, used, length);
    if (found !== null) return found;
  }
  throw conflict(`Failed to allocate subnet: Insufficient prefix space to allocate subnet size /${length}.`, {
    type: "SubnetAllocationError",
  });
}

function checkLength(pool: PrefixLengths, length: number): void {
  if (length < pool.minPrefixlen) {
    throw invalid(
      `Unable to allocate subnet with prefix length ${length}, minimum allowed prefix is ${pool.minPrefixlen}.`,
      { type: "MinPrefixSubnetAllocationError" },
    );
  }
  if (length > pool.maxPrefixlen) {
    throw invalid(
      `Unable to allocate subnet with prefix length ${length}, maximum allowed prefix is ${pool.maxPrefixlen}.`,
      { type: "MaxPrefixSubnetAllocationError" },
    );
  }
}

function takeSpecific(pool: PrefixLengths & { ipVersion: 4 | 6 }, spaces: Cidr[], used: Cidr[], text: string): Cidr {
  const cidr = text.includes("/") ? parseCidr(text) : null;
  if (cidr === null || !cidr.exact)
    throw invalid(`Invalid input for cidr. Reason: '${text}' is not a valid IP subnet.`, { field: "cidr" });
  checkLength(pool, cidr.prefix);
  const free = spaces.some((space) => isWithin(cidr, space)) && !used.some((one) => overlaps(one, cidr));
  if (!free) {
    throw conflict("Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.", {
      type: "SubnetAllocationError",
    });
  }
  return cidr;
}

/** Goes from one taken prefix to the next, not from address to address. */
function firstFreeIn(space: Cidr, used: readonly Cidr[], length: number): Cidr | null {
  if (length < space.prefix) return null;
  const size = 1n << BigInt(width(space.version) - length);
  const blocking = used.filter((one) => overlaps(one, space)).toSorted((a, b) => (a.first < b.first ? -1 : 1));
  let start = space.first;
  for (const one of blocking) {
    if (start + size - 1n < one.first) break;
    if (one.last >= start) start = ((one.last + size) / size) * size;
  }
  return start + size - 1n <= space.last ? cidrAt(start, length, space.version) : null;
}
