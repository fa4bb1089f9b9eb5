import type { Requester } from "../common/requester.ts";
import { isSharedWith } from "../common/sharing.ts";
import { toTime } from "../common/wire.ts";
import type { Subnetpool } from "./subnetpool.model.ts";

/** Prefix lengths are text here, as Neutron has them. */
export function toSubnetpoolView(pool: Subnetpool, requester: Requester) {
  return {
    id: pool.id,
    name: pool.name,
    tenant_id: pool.projectId,
    project_id: pool.projectId,
    prefixes: pool.prefixes,
    default_prefixlen: String(pool.defaultPrefixlen),
    min_prefixlen: String(pool.minPrefixlen),
    max_prefixlen: String(pool.maxPrefixlen),
    default_quota: pool.defaultQuota,
    shared: isSharedWith(pool, requester),
    is_default: pool.isDefault,
    ip_version: pool.ipVersion,
    address_scope_id: pool.addressScopeId,
    description: pool.description,
    tags: pool.tags,
    created_at: toTime(pool.createdAt),
    updated_at: toTime(pool.updatedAt),
    revision_number: pool.revisionNumber,
  };
}
