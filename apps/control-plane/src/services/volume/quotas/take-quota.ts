/** Taking from a project's quota, and giving back. */
import { tooLarge } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import { findTypeName } from "../types/type.queries.ts";
import { type Taking, amountsOf, exceeded, limitOf, overQuotaError } from "./quota.model.ts";
import { addUsage, lockUsage } from "./quota.queries.ts";

/**
 * Counts what is taken, or throws Cinder's refusal. Holds the project's row until the transaction ends: of those who race
 * for the last of a quota, one gets it. `force`: counts without asking (what is there is there).
 */
export async function takeQuota(
  tx: Transaction,
  projectId: string,
  taking: Taking,
  options: { force?: boolean; sizeGib?: number } = {},
): Promise<void> {
  const usage = await lockUsage(tx.sql, projectId);
  const amounts = amountsOf(taking);
  const limit = (name: string): number => limitOf(usage.quota, usage.defaults, name);
  if (options.force !== true) {
    const each = limit("per_volume_gigabytes");
    if (options.sizeGib !== undefined && each >= 0 && options.sizeGib > each) {
      throw tooLarge(
        `VolumeSizeExceedsLimit: Requested volume size ${options.sizeGib}G is larger than maximum allowed limit ${each}.`,
      );
    }
    const over = exceeded(amounts, usage.used, limit);
    if (over !== null) throw overQuotaError(over, await shownName(tx, over.name, taking.typeId));
  }
  await addUsage(tx.sql, projectId, amounts);
}

/** `volumes_<type id>` as its owner knows it: `volumes_<type's name>`. */
async function shownName(tx: Transaction, name: string, typeId: string | undefined): Promise<string> {
  if (typeId === undefined || !name.endsWith(typeId)) return name;
  return name.replace(typeId, (await findTypeName(tx.sql, typeId)) ?? typeId);
}

/** Gives back what was taken. */
export function giveBackQuota(tx: Transaction, projectId: string, taking: Taking): Promise<void> {
  const negative = Object.fromEntries(
    Object.entries(taking).map(([name, amount]) => [name, typeof amount === "number" ? -amount : amount]),
  ) as Taking;
  return takeQuota(tx, projectId, negative, { force: true });
}
