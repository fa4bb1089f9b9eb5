/**
 * Hands out addresses. `ip_allocation`'s primary key is what makes an address be given once; everything else here only
 * makes it quick. Each process remembers the last address it gave out in a subnet and goes on from there, so an address
 * that was given back rests until the pools have been gone round. The memory is a hint: wrong or lost, it costs a
 * statement or two.
 */
import type { Queryable } from "@andromede/platform/db/database";

import { type Range, formatAddress, parseAddress } from "../common/addresses.ts";
import { type AddressSpace, toRanges } from "../subnets/subnet.model.ts";
import { candidatesAfter, rotate } from "./address-candidates.plan.ts";
import { findFirstFree, findHighest, takeOneOf } from "./ip-allocation.queries.ts";

const CANDIDATES = 6;
const MAX_RACES = 10;
const MAX_HINTS = 20_000;
const hints = new Map<string, bigint>();

function remember(subnetId: string, address: bigint): void {
  hints.delete(subnetId);
  hints.set(subnetId, address);
  const oldest = hints.size > MAX_HINTS ? hints.keys().next().value : undefined;
  if (oldest !== undefined) hints.delete(oldest);
}

/** The address that will most likely be given, and the one that was: null when there is none left. */
export type Allocation = { guess: string | null; taken: Promise<string | null> };

/** Reads, if it must, where to begin; then `startAllocation` needs no statement before its own. */
export async function prepareAllocation(sql: Queryable, subnet: AddressSpace): Promise<void> {
  if (hints.has(subnet.id)) return;
  const highest = valueOf(await findHighest(sql, subnet.id));
  if (highest !== undefined && !hints.has(subnet.id)) remember(subnet.id, highest);
}

/** Sends for a free address of the subnet's pools at once, so that the caller may send the port's row right behind it. */
export function startAllocation(sql: Queryable, subnet: AddressSpace, portId: string): Allocation {
  const pools = toRanges(subnet.allocationPools);
  const candidates = candidatesAfter(pools, hints.get(subnet.id), CANDIDATES);
  const [first] = candidates;
  if (first === undefined) return { guess: null, taken: Promise.resolve(null) };
  // at once, so that whoever asks next in this process looks one further
  remember(subnet.id, first);
  const taken = take(sql, subnet, portId, candidates).then(
    (quick) => quick ?? searchGaps(sql, subnet, portId, pools, first),
  );
  // who awaits it hears of it; the transaction may have failed elsewhere before
  taken.catch(() => undefined);
  return { guess: formatAddress(first, subnet.ipVersion), taken };
}

async function take(
  sql: Queryable,
  subnet: AddressSpace,
  portId: string,
  candidates: bigint[],
): Promise<string | null> {
  const taken = await takeOneOf(
    sql,
    subnet.id,
    portId,
    candidates.map((value) => formatAddress(value, subnet.ipVersion)),
  );
  if (taken === null) return null;
  const value = valueOf(taken) ?? 0n;
  if (value > (hints.get(subnet.id) ?? 0n)) remember(subnet.id, value);
  return formatAddress(value, subnet.ipVersion);
}

/** The neighbourhood is crowded: the first gap behind it, going round. */
async function searchGaps(
  sql: Queryable,
  subnet: AddressSpace,
  portId: string,
  pools: Range[],
  from: bigint,
): Promise<string | null> {
  for (let race = 0; race < MAX_RACES; race++) {
    const free = await firstFree(sql, subnet, rotate(pools, from));
    if (free === null) return null;
    const taken = await takeOneOf(sql, subnet.id, portId, [free]);
    if (taken !== null) {
      const value = valueOf(taken) ?? 0n;
      remember(subnet.id, value);
      return formatAddress(value, subnet.ipVersion);
    }
  }
  return null;
}

async function firstFree(sql: Queryable, subnet: AddressSpace, ranges: Range[]): Promise<string | null> {
  for (const { start, end } of ranges) {
    const free = await findFirstFree(sql, subnet.id, {
      start: formatAddress(start, subnet.ipVersion),
      end: formatAddress(end, subnet.ipVersion),
    });
    if (free !== null) return free;
  }
  return null;
}

const valueOf = (text: string | null): bigint | undefined => (text === null ? undefined : parseAddress(text)?.value);

/** This very address; false: somebody has it. */
export async function takeAddress(
  sql: Queryable,
  subnet: Pick<AddressSpace, "id">,
  portId: string,
  address: string,
): Promise<boolean> {
  return (await takeOneOf(sql, subnet.id, portId, [address])) !== null;
}
