/** What is open to whom: by ownership, and by what RBAC policies say (their targets are kept beside each object). Pure. */
import { forbidden } from "@andromede/base/errors";

import type { Requester } from "./requester.ts";

/** Classes of objects that can be shared; tables are named so too. */
export const SHARABLE = [
  "network",
  "qos_policy",
  "security_group",
  "address_scope",
  "subnetpool",
  "address_group",
] as const;
export type Sharable = (typeof SHARABLE)[number];

type Shared = { projectId: string; sharedWith: readonly string[] };

/** Every project. */
export const EVERYBODY = "*";

/** Shown as `shared`: with all, or with who looks. */
export const isSharedWith = (object: Pick<Shared, "sharedWith">, requester: Pick<Requester, "projectId">): boolean =>
  object.sharedWith.includes(EVERYBODY) || object.sharedWith.includes(requester.projectId);

export const isOpenTo = (object: Shared, requester: Requester): boolean =>
  requester.admin || object.projectId === requester.projectId || isSharedWith(object, requester);

/** What one sees but does not own, one does not change. */
export function checkOwned(object: { projectId: string }, requester: Requester, action: string): void {
  if (requester.admin || object.projectId === requester.projectId) return;
  throw forbidden(`rule:${action} is disallowed by policy`, { type: "PolicyNotAuthorized" });
}
