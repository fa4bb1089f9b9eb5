/** Which operation does a request mean? Its method, and the first word of the query that names one. */
import type { Query } from "./query.ts";

/** What turns a plain request into another one. Those without a route are Amazon's that are not here: 501. */
const SUBRESOURCES = new Set([
  "accelerate",
  "acl",
  "analytics",
  "attributes",
  "cors",
  "delete",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "location",
  "logging",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versioning",
  "versions",
  "website",
]);

/** The key of a route: the method, and the subresource if the query names one. */
export function routeKey(method: string, query: Query): { key: string; subresource: string | null } {
  // HEAD is of the thing itself, whatever else is said
  if (query.size > 0 && method !== "HEAD")
    for (const name of query.keys()) if (SUBRESOURCES.has(name)) return { key: `${method} ${name}`, subresource: name };
  return { key: method, subresource: null };
}
