import type { Role } from "../roles/role.model.ts";
import { toRoleView } from "../roles/role.view.ts";
import { identityUrl, selfLink } from "../shared/identity-links.ts";
import { keystoneTime } from "../tokens/token.view.ts";
import type { Trust } from "./trust.model.ts";

/** As lists show one: without its roles. */
export const toTrustView = (trust: Trust, baseUrl: string) => ({
  ...trust.extra,
  id: trust.id,
  trustor_user_id: trust.trustorUserId,
  trustee_user_id: trust.trusteeUserId,
  project_id: trust.projectId,
  impersonation: trust.impersonation,
  expires_at: trust.expiresAt === null ? null : keystoneTime(trust.expiresAt.getTime()),
  remaining_uses: trust.remainingUses,
  redelegation_count: trust.redelegationCount,
  redelegated_trust_id: trust.redelegatedTrustId,
  deleted_at: null,
  ...selfLink(baseUrl, `OS-TRUST/trusts/${trust.id}`),
});

export const toTrustRolesView = (trust: Trust, roles: Role[], baseUrl: string) => ({
  roles: roles.map((role) => toRoleView(role, baseUrl)),
  links: { self: identityUrl(baseUrl, `OS-TRUST/trusts/${trust.id}/roles`), previous: null, next: null },
});

export function toFullTrustView(trust: Trust, roles: Role[], baseUrl: string) {
  const { roles: shown, links } = toTrustRolesView(trust, roles, baseUrl);
  return { ...toTrustView(trust, baseUrl), roles: shown, roles_links: links };
}
