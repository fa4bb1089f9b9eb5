/**
 * Hands out addresses. `ip_allocation`'s primary key is what makes an address be given once; everything else here only
 * makes it quick. Each process remembers the last address it gave out in a subnet and goes on from there, so an address
 * that was given back rests until the pools have been gone round. The memory is a hint: wrong or lost, it costs a
 * statement or two.
 */
import type { Queryable } from "../../../db/database.ts";
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

/** Any free address of the subnet's pools; null: there is none. The port's row follows in the same transaction. */
export async function takeAnyAddress(sql: Queryable, subnet: AddressSpace, portId: string): Promise<string | null> {
  const pools = toRanges(subnet.allocationPools);
  const last = hints.get(subnet.id) ?? valueOf(await findHighest(sql, subnet.id));
  const candidates = candidatesAfter(pools, hints.get(subnet.id) ?? last, CANDIDATES);
  const [first] = candidates;
  if (first === undefined) return null;
  // at once, so that whoever asks next in this process looks one further
  remember(subnet.id, first);
  const quick = await take(sql, subnet, portId, candidates);
  return quick ?? searchGaps(sql, subnet, portId, pools, first);
}

async function take(sql: Queryable, subnet: AddressSpace, portId: string, candidates: bigint[]): Promise<string | null> {
  const texts = candidates.map((value) => formatAddress(value, subnet.ipVersion));
  const taken = await takeOneOf(sql, subnet.id, portId, texts);
  return taken === null ? null : keep(subnet, taken);
}

function keep(subnet: AddressSpace, taken: string): string {
  const value = valueOf(taken) ?? 0n;
  if (value > (hints.get(subnet.id) ?? 0n)) remember(subnet.id, value);
  return formatAddress(value, subnet.ipVersion);
}

/** The neighbourhood is crowded: the first gap behind it, going round. */
async function searchGaps(sql: Queryable, subnet: AddressSpace, portId: string, pools: Range[], from: bigint): Promise<string | null> {
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
    const free = await findFirstFree(sql, subnet.id, { start: formatAddress(start, subnet.ipVersion), end: formatAddress(end, subnet.ipVersion) });
    if (free !== null) return free;
  }
  return null;
}

const valueOf = (text: string | null): bigint | undefined => (text === null ? undefined : parseAddress(text)?.value);

/** This very address; false: somebody has it. */
export async function takeAddress(sql: Queryable, subnet: Pick<AddressSpace, "id">, portId: string, address: string): Promise<boolean> {
  return (await takeOneOf(sql, subnet.id, portId, [address])) !== null;
}
