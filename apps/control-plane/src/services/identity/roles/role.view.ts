import { identityUrl, selfLink } from "../shared/identity-links.ts";
import type { Implication, Role } from "./role.model.ts";

export const toRoleView = (role: Role, baseUrl: string) => ({
  ...role.extra,
  id: role.id,
  name: role.name,
  domain_id: role.domainId,
  description: role.description,
  options: role.immutable ? { immutable: true } : {},
  ...selfLink(baseUrl, `roles/${role.id}`),
});

/** How implications show a role. */
const toRef = (role: Role, baseUrl: string) => ({
  id: role.id,
  name: role.name,
  ...selfLink(baseUrl, `roles/${role.id}`),
});

export const toImplicationView = (implication: Implication, baseUrl: string) => ({
  prior_role: toRef(implication.prior, baseUrl),
  implies: implication.implied.map((role) => toRef(role, baseUrl)),
});

export const toOneImplicationView = (prior: Role, implied: Role, baseUrl: string) => ({
  role_inference: { prior_role: toRef(prior, baseUrl), implies: toRef(implied, baseUrl) },
  links: { self: identityUrl(baseUrl, `roles/${prior.id}/implies/${implied.id}`) },
});
