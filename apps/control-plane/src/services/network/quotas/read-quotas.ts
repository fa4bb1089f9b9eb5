import type { Queryable } from "@andromede/platform/db/database";

import type { NetworkQuotaUsage } from "../servers/server-ports.model.ts";
import { QUOTA_NAMES, limitsOf } from "./quota.model.ts";
import { findUsage } from "./quota.queries.ts";

/** Limits and usage of a project: for Nova's `limits` and quota sets. One query. */
export async function projectQuotaUsage(sql: Queryable, projectId: string): Promise<NetworkQuotaUsage> {
  const usage = await findUsage(sql, projectId);
  const limits = limitsOf(usage.quota ?? {});
  return Object.fromEntries(
    QUOTA_NAMES.map((name) => [name, { limit: limits[name], used: usage[name] }]),
  ) as NetworkQuotaUsage;
}
