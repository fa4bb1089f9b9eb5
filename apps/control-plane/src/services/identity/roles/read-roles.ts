import { notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { requireDomainScope } from "../shared/authority.ts";
import { readListFilter, toPage } from "../shared/list-filter.ts";
import { type Role, isDomainManaged } from "./role.model.ts";
import { findRole, listRoles } from "./role.queries.ts";

/** Operators see every role; a domain manager those to hand on. */
export async function readRole(request: ApiRequest, id: string): Promise<Role> {
  const scope = requireDomainScope(request, "manager", "get_role");
  const role = await findRole(request.app.db, id);
  if (role === null || (scope !== null && !isDomainManaged(role))) throw notFound(`Could not find role: ${id}.`);
  return role;
}

export async function readRoles(request: ApiRequest): Promise<{ rows: Role[]; next: string | null }> {
  requireDomainScope(request, "manager", "list_roles");
  const filter = readListFilter(request.query);
  const asked = request.query.get("domain_id");
  const domainId = asked === undefined || !isAdmin(request.actor, request.plane) ? null : asked;
  return toPage(await listRoles(request.app.db, filter, domainId), filter.limit);
}
