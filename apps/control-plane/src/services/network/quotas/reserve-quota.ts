import type { Queryable } from "../../../db/database.ts";
import type { NetworkQuotaName } from "../servers/server-ports.model.ts";
import { checkQuota, limitsOf } from "./quota.model.ts";
import { type NetworkProject, countOwned, insertProject, lockProject } from "./quota.queries.ts";

/**
 * Locks the project and refuses what would go past its quota. The lock lasts as long as the transaction, so however
 * many create at once, each counts what those before it committed. One flight, except on a project's first use.
 */
export async function reserveQuota(sql: Queryable, projectId: string, wanted: Partial<{ [name in NetworkQuotaName]: number }>): Promise<NetworkProject> {
  const names = Object.keys(wanted) as NetworkQuotaName[];
  // sent in this order on one connection: each count's snapshot is taken when the lock is already held
  const look = () => Promise.all([lockProject(sql, projectId), ...names.map((name) => countOwned(sql, name, projectId))] as const);
  let [project, ...counts] = await look();
  if (project === null) {
    await insertProject(sql, projectId);
    [project, ...counts] = await look();
  }
  const { quota = {}, defaultSecurityGroupId = null } = project ?? {};
  checkQuota(
    limitsOf(quota),
    names.map((name, index) => ({ name, used: counts[index] ?? 0, wanted: wanted[name] ?? 0 })),
  );
  return { quota, defaultSecurityGroupId };
}
