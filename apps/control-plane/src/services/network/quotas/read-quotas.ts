import { notImplemented } from "@andromede/base/errors";

import type { Queryable } from "../../../db/database.ts";
import type { NetworkQuotaUsage } from "../servers/server-ports.model.ts";

/** Limits and usage of a project: for Nova's `limits` and quota sets. One query. */
export function projectQuotaUsage(_sql: Queryable, _projectId: string): Promise<NetworkQuotaUsage> {
  throw notImplemented("being written");
}
