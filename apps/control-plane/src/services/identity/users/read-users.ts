import { notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { listedDomain, requireDomainScope, selfOrDomainScope } from "../shared/authority.ts";
import { readListFilter, toPage } from "../shared/list-filter.ts";
import type { User } from "./user.model.ts";
import { findUserInDomain, listUsers } from "./user.queries.ts";

/** Oneself, or a user within the asker's domain authority. */
export async function readUser(request: ApiRequest, id: string): Promise<User> {
  const scope = selfOrDomainScope(request, id, "reader", "get_user");
  const user = await findUserInDomain(request.app.db, id, scope);
  if (user === null) throw notFound(`Could not find user: ${id}.`);
  return user;
}

export async function readUsers(request: ApiRequest): Promise<{ rows: User[]; next: string | null }> {
  const scope = requireDomainScope(request, "reader", "list_users");
  const filter = readListFilter(request.query);
  const listed = listedDomain(scope, request.query.get("domain_id"));
  if (listed === null) return { rows: [], next: null };
  return toPage(await listUsers(request.app.db, filter, listed.domainId), filter.limit);
}
