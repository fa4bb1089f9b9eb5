/** Who asks, and may they? Swift's keystoneauth, on the house's tokens. */
import { isAllowed } from "@andromede/platform/tokens/access-rules";
import type { Actor } from "@andromede/platform/tokens/actor";

import { amendAccess } from "../../access-logs/watch.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { Container } from "../../namespace/container.model.ts";
import type { Store } from "../../store.ts";
import { refusal } from "../wire/refusal.ts";
import {
  type Acl,
  allowsReferrer,
  couldMatchByName,
  namesIdentity,
  namesRole,
  parseAcl,
  withoutPublic,
} from "./acl.model.ts";
import { type Asked, type Asking, isDenied } from "./denial.ts";
import { findProjectDomain } from "./projects.queries.ts";

export type Caller = {
  /** null: nobody signed in. */
  actor: Actor | null;
  /** May use every account. */
  isReseller: boolean;
  /** What a signed URL or form lets its bearer do, instead of a token: everything below that path, and nothing else. */
  bearer: { projectId: string; container: string | null } | null;
  referrer: string;
};

const OPERATOR_ROLES = ["member", "manager", "admin"];
const READER_ROLE = "reader";
const RESELLER_ROLE = "reselleradmin";
/** Names in ACLs are of this domain's projects and users: in others, anybody may choose them. */
const NAMED_DOMAIN = "default";

/** A token that is none, or that this door does not know, is as good as no token: a public container stays public. */
export function callerOf({ store, door, request, method, rawPath }: Exchange): Caller {
  const { headers } = request;
  const token = headers["x-auth-token"] ?? headers["x-storage-token"];
  const found = typeof token === "string" && token !== "" ? store.tokens.verify(token, store.clock.now()) : null;
  const actor = found !== null && (door.plane === "operator" || found.directory === "customer") ? found : null;
  if (actor?.accessRules !== undefined) {
    const ruled = { service: "object-store", mount: "", method, path: rawPath };
    if (!isAllowed(actor.accessRules, ruled)) throw refusal(401, "Token authorization failed");
  }
  return { actor, isReseller: isReseller(actor), bearer: null, referrer: headers.referer ?? "" };
}

function isReseller(actor: Actor | null): boolean {
  if (actor === null) return false;
  // operators' accounts come through the operators' door only: see callerOf
  if (actor.directory === "operator" && actor.roles.has("admin")) return true;
  for (const role of actor.roles) if (role.toLowerCase() === RESELLER_ROLE) return true;
  return false;
}

export type Wanted = Asked & {
  projectId: string;
  /** null: the account itself, or a container that is not there. */
  container: Container | null;
};

/** Whose request it is. */
export type Requesting = Omit<Asking, "caller"> & { store: Store; caller: Caller };

/**
 * `owner`: sees and sets what only an account's own people may. Throws 401 or 403. Of objects that are not named here nothing is
 * known of whether a policy denies them: see `isDenied`.
 */
export async function authorize(requesting: Requesting, wanted: Wanted): Promise<"owner" | "granted"> {
  const { caller, store } = requesting;
  const { actor } = caller;
  if (caller.isReseller) return "owner";
  const { container } = wanted;
  if (container?.settings.policy !== undefined) await assertNotDenied(requesting, container, wanted);
  if (caller.bearer !== null) return authorizeBearer(caller.bearer, wanted);
  const isOwn = actor !== null && actor.projectId === wanted.projectId;
  if (isOwn) {
    if (OPERATOR_ROLES.some((role) => actor.roles.has(role))) return "owner";
    if (actor.roles.has(READER_ROLE) && isRead(wanted.method)) return "granted";
  }
  const acl = aclFor(wanted);
  if (acl !== null && (await isInAcl(store, caller, acl, wanted, isOwn))) {
    amendAccess(requesting.exchange, { byAcl: true });
    return "granted";
  }
  throw refusal(actor === null ? 401 : 403);
}

async function assertNotDenied(requesting: Requesting, container: Container, wanted: Wanted): Promise<void> {
  if (wanted.level === "object" && wanted.object === undefined) return;
  if (await isDenied(requesting, container, wanted)) throw refusal(requesting.caller.actor === null ? 401 : 403);
}

const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

function authorizeBearer(bearer: { projectId: string; container: string | null }, wanted: Wanted): "granted" {
  const reaches =
    bearer.projectId === wanted.projectId && (bearer.container === null || bearer.container === wanted.container?.name);
  if (!reaches) throw refusal(401);
  return "granted";
}

/** Containers themselves are only read by others, never made, changed or deleted. */
function aclFor({ container, level, method }: Wanted): Acl | null {
  if (container === null) return null;
  const { readAcl, writeAcl, publicAccessBlock: block } = container.settings;
  if (!isRead(method) && level !== "object") return null;
  const acl = parseAcl(isRead(method) ? readAcl : writeAcl);
  const isBlocked = block?.ignorePublicAcls === true || block?.restrictPublicBuckets === true;
  return isBlocked ? withoutPublic(acl) : acl;
}

async function isInAcl(store: Store, caller: Caller, acl: Acl, wanted: Wanted, isOwn: boolean): Promise<boolean> {
  if (acl.referrers.length === 0 && acl.groups.length === 0) return false;
  const { actor } = caller;
  if (actor !== null) {
    if (namesIdentity(acl, actor, { byName: false })) return true;
    if (couldMatchByName(acl, actor) && (await mayUseNames(store, actor, wanted.projectId))) return true;
    if (isOwn && namesRole(acl, actor.roles)) return true;
  }
  return allowsReferrer(acl, caller.referrer) && (wanted.level === "object" || acl.groups.includes(".rlistings"));
}

async function mayUseNames(store: Store, actor: Actor, projectId: string): Promise<boolean> {
  const isNamed = actor.userDomainId === NAMED_DOMAIN && (actor.projectDomainId ?? NAMED_DOMAIN) === NAMED_DOMAIN;
  return isNamed && (await findProjectDomain(store.db, projectId)) === NAMED_DOMAIN;
}
