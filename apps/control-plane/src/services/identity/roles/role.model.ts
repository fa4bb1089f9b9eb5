import type { JsonObject } from "@andromede/base/json";

import type { ImmutableOption } from "../shared/identity.schema.ts";

export type Role = {
  id: string;
  name: string;
  /** A domain's own role; null: everybody's. */
  domainId: string | null;
  description: string | null;
  /** Neither changed nor deleted until somebody says that it may be; the policies' own never. */
  immutable: boolean;
  extra: JsonObject;
};

export type RoleChange = {
  name?: string;
  description?: string | null;
  domain_id?: string | null;
  options?: ImmutableOption;
};

/** Policies are written in terms of these: they stay as they are. */
export const isPolicyRole = (role: Pick<Role, "name" | "domainId">): boolean =>
  role.domainId === null && ["admin", "manager", "member", "reader", "ResellerAdmin"].includes(role.name);

/** What a domain manager may hand on (Keystone's rule `domain_managed_target_role`). */
export const isDomainManaged = (role: Pick<Role, "name" | "domainId">): boolean =>
  role.domainId === null && ["manager", "member", "reader"].includes(role.name);

/** Nothing implies this one: who is an operator is said, never derived (Keystone's `prohibited_implied_role`). */
export const NEVER_IMPLIED = "admin";

export type Implication = { prior: Role; implied: Role[] };
