import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import { type Limits, type StoredQuota, limitsOf } from "./quota.model.ts";
import { clearQuota, findProject, listChangedQuotas, updateQuota } from "./quota.queries.ts";

export async function readLimits(sql: Queryable, projectId: string): Promise<Limits> {
  return limitsOf((await findProject(sql, projectId))?.quota ?? {});
}

export async function readChangedQuotas(sql: Queryable): Promise<{ projectId: string; limits: Limits }[]> {
  return (await listChangedQuotas(sql)).map(({ projectId, quota }) => ({ projectId, limits: limitsOf(quota) }));
}

export async function changeQuota(tx: Transaction, projectId: string, change: StoredQuota): Promise<Limits> {
  const quota = await updateQuota(tx.sql, projectId, change);
  tx.event({
    action: "network.quota.update",
    target: { type: "quota", id: projectId, projectId },
    detail: { ...change },
  });
  return limitsOf(quota);
}

/** Back to the defaults. False: nothing had been set. */
export async function resetQuota(tx: Transaction, projectId: string): Promise<boolean> {
  if (!(await clearQuota(tx.sql, projectId))) return false;
  tx.event({ action: "network.quota.delete", target: { type: "quota", id: projectId, projectId } });
  return true;
}
