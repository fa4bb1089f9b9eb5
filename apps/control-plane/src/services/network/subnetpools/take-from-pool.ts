import { invalid, notFound, overQuota } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import { type Cidr, parseCidr, width } from "../common/addresses.ts";
import type { Requester } from "../common/requester.ts";
import { type Subnetpool, planAllocation, subnetpoolNotFound } from "./subnetpool.model.ts";
import { findDefaultSubnetpool, listPoolSubnets, lockSubnetpool } from "./subnetpool.queries.ts";

/** Cuts a subnet's prefix from a pool. The pool stays locked, so two cuts never meet. */
export async function takeFromPool(
  tx: Transaction,
  requester: Requester,
  which: { id: string } | { default: true },
  wanted: { ipVersion: 4 | 6 | undefined; cidr: string | undefined; prefixLength: number | undefined },
): Promise<{ cidr: Cidr; subnetpoolId: string }> {
  if (wanted.cidr !== undefined && wanted.prefixLength !== undefined) {
    throw invalid("Bad subnets request: cidr and prefixlen must not be supplied together.");
  }
  const id = "id" in which ? which.id : await defaultPool(tx, wanted.ipVersion ?? 4);
  const pool = await lockSubnetpool(tx.sql, requester, id);
  if (pool === null) throw subnetpoolNotFound(id);
  if (wanted.ipVersion !== undefined && wanted.ipVersion !== pool.ipVersion) {
    throw invalid("Cannot allocate requested subnet from the available set of prefixes: the ip_version differs.");
  }
  const taken = await listPoolSubnets(tx.sql, id);
  const cidr = planAllocation(
    pool,
    taken.map((one) => one.cidr),
    wanted,
  );
  checkPoolQuota(
    pool,
    taken.filter((one) => one.projectId === requester.projectId).map((one) => one.cidr),
    cidr,
  );
  return { cidr, subnetpoolId: id };
}

async function defaultPool(tx: Transaction, ipVersion: 4 | 6): Promise<string> {
  const id = await findDefaultSubnetpool(tx.sql, ipVersion);
  if (id === null) throw notFound(`No default subnetpool found for IPv${ipVersion}.`, { type: "SubnetPoolNotFound" });
  return id;
}

/** A pool's own quota counts addresses for IPv4 and /64s for IPv6. */
function checkPoolQuota(pool: Subnetpool, held: string[], cidr: Cidr): void {
  if (pool.defaultQuota === null) return;
  const unit = pool.ipVersion === 4 ? 32 : 64;
  const sizeOf = (prefix: number): bigint =>
    prefix > unit ? 1n : 1n << BigInt(Math.min(unit, width(pool.ipVersion)) - prefix);
  const used = held.reduce((sum, text) => sum + sizeOf(parseCidr(text)?.prefix ?? unit), 0n);
  if (used + sizeOf(cidr.prefix) > BigInt(pool.defaultQuota)) {
    throw overQuota("Per-tenant subnet pool prefix quota exceeded.", { type: "SubnetPoolQuotaExceeded" });
  }
}
