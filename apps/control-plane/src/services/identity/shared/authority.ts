/**
 * Who may manage what. Operators: everything. A manager (or reader) with a token for a domain: what is in that domain,
 * as OpenStack's domain-manager persona. Everybody else: themselves only. Pure.
 */
import { forbidden } from "@andromede/base/errors";

import { hasRole, isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";

type Asking = Pick<ApiRequest, "actor" | "plane">;

/** null: every domain; else the only domain whose things exist for the asker. */
export type DomainScope = string | null;

export const refused = (rule: string) =>
  forbidden(`You are not authorized to perform the requested action: identity:${rule}.`);

/** undefined: no authority over any domain. */
export function domainScopeOf(request: Asking, role: "reader" | "manager"): DomainScope | undefined {
  if (isAdmin(request.actor, request.plane)) return null;
  const { domainId } = request.actor;
  return domainId !== null && hasRole(request.actor, role) ? domainId : undefined;
}

/** The same, refusing who has none. */
export function requireDomainScope(request: Asking, role: "reader" | "manager", rule: string): DomainScope {
  const scope = domainScopeOf(request, role);
  if (scope === undefined) throw refused(rule);
  return scope;
}

/** A domain named in a request or its default, refused unless it is within the asker's authority. */
export function domainWithin(scope: DomainScope, named: string | null | undefined, rule: string): string {
  const domainId = named ?? scope ?? "default";
  if (scope !== null && scope !== domainId) throw refused(rule);
  return domainId;
}

/** The domain a list is of: what was asked for, within the authority. null: a foreign domain's list is empty, never shown. */
export function listedDomain(scope: DomainScope, asked: string | undefined): { domainId: string | null } | null {
  if (scope === null) return { domainId: asked ?? null };
  return asked === undefined || asked === scope ? { domainId: scope } : null;
}

/** Where a user may be looked for: anywhere if it is oneself, else within the asker's domain authority. */
export function selfOrDomainScope(
  request: Asking,
  userId: string,
  role: "reader" | "manager",
  rule: string,
): DomainScope {
  if (request.actor.userId === userId) return null;
  return requireDomainScope(request, role, rule);
}
