import type { ProjectPurge } from "./purge.model.ts";

/** `{"project_purge": {"project_id", "status": "purging" | "purged", "found", "remaining", "reason", ...}}` */
export const toPurgeView = (purge: ProjectPurge): { [key: string]: unknown } => ({
  project_id: purge.id,
  project_name: purge.name,
  domain_id: purge.domainId,
  status: purge.finishedAt === null ? "purging" : "purged",
  requested_by: purge.requestedBy,
  requested_at: purge.requestedAt.toISOString(),
  finished_at: purge.finishedAt?.toISOString() ?? null,
  found: purge.found,
  remaining: purge.remaining,
  reason: purge.reason,
});
