/** S3's decision: may this caller do this? Pure; the order is Amazon's, ownership is by project. */
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

import type { Container } from "../../namespace/container.model.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";
import { type Grant, type Permission, isGranted, storedGrants } from "./acl.model.ts";
import type { ConditionValues } from "./conditions.ts";
import { type Principal, evaluatePolicy, isPublicPolicy, policyOf } from "./policy.model.ts";

export type Action = `s3:${string}`;

export type Request = {
  actor: Actor | null;
  plane: Plane;
  action: Action;
  container: Container;
  /** Absent: the bucket itself. */
  key?: string;
  /** The object, for actions on one that is there. */
  object?: Pick<ObjectDetails, "acl" | "owner">;
  values: ConditionValues;
  /** What Swift's ACLs of the container allow, for the actions that they know. */
  swiftAllows?: (access: "read" | "write" | "list") => boolean;
};

const MANAGING = ["member", "manager", "admin"] as const;

/** Operators' administrators at the operators' door, and resellers, may do anything. */
export const mayDoAnything = (actor: Actor | null, plane: Plane): boolean =>
  actor !== null &&
  (actor.roles.has("ResellerAdmin") ||
    (plane === "operator" && actor.directory === "operator" && actor.roles.has("admin")));

/** What a role of the project allows on what the project owns. */
export function roleAllows(actor: Actor, action: Action): boolean {
  if (MANAGING.some((role) => actor.roles.has(role))) return true;
  return actor.roles.has("reader") && isRead(action);
}

const isRead = (action: Action): boolean => action.startsWith("s3:Get") || action.startsWith("s3:List");

/** Whoever owns a bucket can always mend its policy: else one wrong statement would lock it for ever. */
const POLICY_ACTIONS = new Set<Action>([
  "s3:GetBucketPolicy",
  "s3:PutBucketPolicy",
  "s3:DeleteBucketPolicy",
  "s3:GetBucketPolicyStatus",
]);

const BUCKET_PERMISSION: { [action: Action]: Permission } = {
  "s3:ListBucket": "READ",
  "s3:ListBucketVersions": "READ",
  "s3:ListBucketMultipartUploads": "READ",
  "s3:PutObject": "WRITE",
  "s3:DeleteObject": "WRITE",
  "s3:AbortMultipartUpload": "WRITE",
  "s3:ListMultipartUploadParts": "WRITE",
  "s3:GetBucketAcl": "READ_ACP",
  "s3:PutBucketAcl": "WRITE_ACP",
};

const OBJECT_PERMISSION: { [action: Action]: Permission } = {
  "s3:GetObject": "READ",
  "s3:GetObjectVersion": "READ",
  "s3:GetObjectAttributes": "READ",
  "s3:GetObjectVersionAttributes": "READ",
  "s3:GetObjectAcl": "READ_ACP",
  "s3:GetObjectVersionAcl": "READ_ACP",
  "s3:PutObjectAcl": "WRITE_ACP",
  "s3:PutObjectVersionAcl": "WRITE_ACP",
};

const SWIFT_ACCESS: { [action: Action]: "read" | "write" | "list" } = {
  "s3:GetObject": "read",
  "s3:GetObjectAttributes": "read",
  "s3:ListBucket": "list",
  "s3:PutObject": "write",
  "s3:DeleteObject": "write",
  "s3:AbortMultipartUpload": "write",
  "s3:ListMultipartUploadParts": "write",
};

const principalOf = (actor: Actor | null): Principal =>
  actor === null ? null : { projectId: actor.projectId, userId: actor.userId, userName: actor.userName };

/**
 * What allows it: explicit denial, then ownership, policy, ACLs of S3, ACLs of Swift. null: nothing, so it is denied; `acl`:
 * nothing else would.
 */
export function grantOf(request: Request): "rights" | "acl" | null {
  const { actor, action, container } = request;
  if (mayDoAnything(actor, request.plane)) return "rights";
  const isOwners = actor !== null && actor.projectId === container.projectId && roleAllows(actor, action);
  const verdict = policyVerdict(request);
  if (verdict === "deny" && !(isOwners && POLICY_ACTIONS.has(action))) return null;
  if ((isOwners || verdict === "allow") && !isWithheld(request)) return "rights";
  if (isWriters(request)) return "rights";
  return aclAllows(request) || swiftAllows(request) ? "acl" : null;
}

function policyVerdict({ actor, action, container, key, values }: Request): "allow" | "deny" | null {
  const policy = policyOf(container.settings.policy);
  if (policy === undefined) return null;
  const bucket = container.globalName ?? container.name;
  const resource = key === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
  const verdict = evaluatePolicy(policy, { principal: principalOf(actor), action, resource, values });
  if (verdict !== "allow" || container.settings.publicAccessBlock?.restrictPublicBuckets !== true) return verdict;
  const isForeign = actor?.projectId !== container.projectId;
  return isForeign && isPublicPolicy(policy) ? null : verdict;
}

/** With ObjectWriter, what another project wrote is its own: the bucket's owner may delete it, and read it when told. */
function isWithheld({ container, object, action }: Request): boolean {
  const owner = object?.owner;
  if (owner === undefined || owner === container.projectId) return false;
  if (!isOwnedByWriter(container)) return false;
  return Object.hasOwn(OBJECT_PERMISSION, action);
}

/** May the writer of an object own it, in somebody else's bucket? */
export const isOwnedByWriter = ({ settings }: Pick<Container, "settings">): boolean =>
  settings.ownership === "ObjectWriter" || settings.ownership === "BucketOwnerPreferred";

/** What somebody wrote and owns, in another project's bucket. */
function isWriters({ actor, action, container, object }: Request): boolean {
  if (actor === null || object?.owner === undefined || object.owner !== actor.projectId) return false;
  return isOwnedByWriter(container) && roleAllows(actor, action);
}

function aclAllows({ actor, action, container, object }: Request): boolean {
  const { settings } = container;
  if (settings.ownership === "BucketOwnerEnforced") return false;
  const who = { projectId: actor?.projectId ?? null };
  const ignorePublic = settings.publicAccessBlock?.ignorePublicAcls === true;
  const granted = (grants: Grant[] | null, permission: Permission | undefined): boolean =>
    permission !== undefined && isGranted(grants, permission, who, ignorePublic);
  if (object !== undefined && granted(storedGrants(object.acl), OBJECT_PERMISSION[action])) return true;
  return granted(storedGrants(settings.s3Acl), BUCKET_PERMISSION[action]);
}

function swiftAllows({ action, swiftAllows: ask, container }: Request): boolean {
  const access = SWIFT_ACCESS[action];
  if (access === undefined || ask === undefined || container.settings.publicAccessBlock?.ignorePublicAcls === true)
    return false;
  return ask(access);
}
