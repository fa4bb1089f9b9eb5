import type { Queryable } from "@andromede/platform/db/database";

import type { NetworkQuotaName } from "../servers/server-ports.model.ts";
import { checkQuota, limitsOf } from "./quota.model.ts";
import { type NetworkProject, countOwned, insertProject, lockProject } from "./quota.queries.ts";

/**
 * Locks the project and refuses what would go past its quota. The lock lasts as long as the transaction, so however
 * many create at once, each counts what those before it committed. One flight: callers may send their inserts behind it
 * without awaiting it first, since a refusal takes the transaction back whole.
 */
export async function reserveQuota(
  sql: Queryable,
  projectId: string,
  wanted: Partial<{ [name in NetworkQuotaName]: number }>,
): Promise<NetworkProject> {
  const names = Object.keys(wanted) as NetworkQuotaName[];
  // in this order on one connection: each count's snapshot is taken when the lock is already held
  const [, project, ...counts] = await Promise.all([
    insertProject(sql, projectId),
    lockProject(sql, projectId),
    ...names.map((name) => countOwned(sql, name, projectId)),
  ] as const);
  const { quota = {}, defaultSecurityGroupId = null } = project ?? {};
  checkQuota(
    limitsOf(quota),
    names.map((name, index) => ({ name, used: counts[index] ?? 0, wanted: wanted[name] ?? 0 })),
  );
  return { quota, defaultSecurityGroupId };
}

/** The same for a request's many: each project once, in order of id. */
export function reserveQuotas(
  sql: Queryable,
  name: NetworkQuotaName,
  projectIds: readonly string[],
): Promise<NetworkProject[]> {
  const distinct = [...new Set(projectIds)].toSorted();
  return Promise.all(
    distinct.map((projectId) =>
      reserveQuota(sql, projectId, { [name]: projectIds.filter((one) => one === projectId).length }),
    ),
  );
}
