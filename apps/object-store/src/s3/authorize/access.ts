/** The decision for a request in hand: what it says of itself, for policies to compare, and the question to `decide`. */
import { amendAccess } from "../../access-logs/watch.ts";
import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { allowsReferrer, namesIdentity, namesRole, parseAcl } from "../../swift/acl/acl.model.ts";
import { type BucketCall, type Call, headerIn } from "../call.ts";
import { s3Error } from "../errors.ts";
import { parseTagHeader } from "../settings/tags.ts";
import { commonValue, listOf, tagOf } from "./condition-values.ts";
import type { ConditionValues } from "./conditions.ts";
import { type Action, type Request, grantOf, mayDoAnything } from "./decide.ts";

export type Target = {
  /** Absent: the bucket itself. */
  key?: string;
  object?: StoredObject;
  /** Another bucket than the request's: the source of a copy. */
  container?: Container;
};

/** May the caller do this? */
export function isPermitted(call: BucketCall, action: Action, target: Target = {}): boolean {
  const { actor } = call.caller;
  const { plane } = call.exchange.door;
  const container = target.container ?? call.container;
  if (mayDoAnything(actor, plane)) return true;
  const request: Request = {
    actor,
    plane,
    action,
    container,
    values: conditionValues(call, target),
    swiftAllows: (access) => swiftAllows(call, container, access),
  };
  if (target.key !== undefined) request.key = target.key;
  if (target.object !== undefined) request.object = target.object.details;
  const grant = grantOf(request);
  if (grant === "acl" && container === call.container) amendAccess(call.exchange, { byAcl: true });
  return grant !== null;
}

/** Throws AccessDenied. */
export function assertPermitted(call: BucketCall, action: Action, target: Target = {}): void {
  if (!isPermitted(call, action, target)) throw s3Error("AccessDenied");
}

/** `s3:GetObject` and its like have another name where a version is asked for. */
export const versioned = (action: Action, versionId: string | undefined): Action =>
  versionId === undefined ? action : (action.replace(/Object/, "ObjectVersion") as Action);

/** Swift's ACLs, by ids: names would need a look at Identity. */
function swiftAllows(call: Call, container: Container, access: "read" | "write" | "list"): boolean {
  const text = access === "write" ? container.settings.writeAcl : container.settings.readAcl;
  if (text === undefined) return false;
  const acl = parseAcl(text);
  const { actor } = call.caller;
  if (actor !== null) {
    if (namesIdentity(acl, actor, { byName: false })) return true;
    if (actor.projectId === container.projectId && namesRole(acl, actor.roles)) return true;
  }
  if (access === "write" || !allowsReferrer(acl, call.headers.referer ?? "")) return false;
  return access === "read" || acl.groups.includes(".rlistings");
}

type Source = (call: Call, target: Target) => string | null | undefined;

const SOURCES: { [key: string]: Source } = {
  "s3:prefix": (call) => call.query.get("prefix"),
  "s3:delimiter": (call) => call.query.get("delimiter"),
  "s3:max-keys": (call) => call.query.get("max-keys"),
  "s3:versionid": (call) => call.query.get("versionId"),
  "s3:authtype": (call) => call.caller.authType,
  "s3:signatureversion": (call) => (call.caller.actor === null ? null : "AWS4-HMAC-SHA256"),
  "s3:signatureage": ({ caller, store }) =>
    caller.signedAtMs === null ? null : String(store.clock.now() - caller.signedAtMs),
  "s3:object-lock-mode": (call) => headerIn(call, "x-amz-object-lock-mode"),
  "s3:object-lock-retain-until-date": (call) => headerIn(call, "x-amz-object-lock-retain-until-date"),
  "s3:object-lock-legal-hold": (call) => headerIn(call, "x-amz-object-lock-legal-hold"),
  "s3:object-lock-remaining-retention-days": (call) => {
    const until = Date.parse(headerIn(call, "x-amz-object-lock-retain-until-date") ?? "");
    return Number.isNaN(until) ? null : String(Math.ceil((until - call.store.clock.now()) / 86_400_000));
  },
};

function requestTags(call: Call): { [name: string]: string } | undefined {
  const text = headerIn(call, "x-amz-tagging");
  return text === undefined ? undefined : parseTagHeader(text);
}

/** Looked up only when a policy asks. */
function conditionValues(call: Call, target: Target): ConditionValues {
  return (key) => {
    const common = commonValue(key, call.exchange, call.caller.actor);
    if (common !== "unknown") return common;
    const source = Object.hasOwn(SOURCES, key) ? SOURCES[key] : undefined;
    if (source !== undefined) return listOf(source(call, target));
    if (key.startsWith("s3:x-amz-")) return listOf(headerIn(call, key.slice(3)));
    if (key.startsWith("s3:existingobjecttag/"))
      return listOf(tagOf(target.object?.details.tags, key.slice("s3:existingobjecttag/".length)));
    if (key.startsWith("s3:requestobjecttag/"))
      return listOf(tagOf(requestTags(call), key.slice("s3:requestobjecttag/".length)));
    if (key === "s3:requestobjecttagkeys") return Object.keys(requestTags(call) ?? {});
    return undefined;
  };
}
