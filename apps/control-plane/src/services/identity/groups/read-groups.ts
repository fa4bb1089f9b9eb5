import { notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { listedDomain, requireDomainScope, selfOrDomainScope } from "../shared/authority.ts";
import { readListFilter, toPage } from "../shared/list-filter.ts";
import type { User } from "../users/user.model.ts";
import { findUserInDomain, listGroupMembers } from "../users/user.queries.ts";
import type { Group } from "./group.model.ts";
import { findGroupInDomain, isMember, listGroups, listGroupsOfUser } from "./group.queries.ts";

type Page<Row> = { rows: Row[]; next: string | null };

export async function readGroup(request: ApiRequest, id: string, rule = "get_group"): Promise<Group> {
  const group = await findGroupInDomain(request.app.db, id, requireDomainScope(request, "reader", rule));
  if (group === null) throw notFound(`Could not find group: ${id}.`);
  return group;
}

export async function readGroups(request: ApiRequest): Promise<Page<Group>> {
  const scope = requireDomainScope(request, "reader", "list_groups");
  const filter = readListFilter(request.query);
  const listed = listedDomain(scope, request.query.get("domain_id"));
  if (listed === null) return { rows: [], next: null };
  return toPage(await listGroups(request.app.db, filter, listed.domainId), filter.limit);
}

export async function readGroupsOfUser(request: ApiRequest, userId: string): Promise<Page<Group>> {
  const scope = selfOrDomainScope(request, userId, "reader", "list_groups_for_user");
  const filter = readListFilter(request.query);
  const user = await findUserInDomain(request.app.db, userId, scope);
  if (user === null) throw notFound(`Could not find user: ${userId}.`);
  return toPage(await listGroupsOfUser(request.app.db, userId, filter), filter.limit);
}

export async function readMembers(request: ApiRequest, groupId: string): Promise<Page<User>> {
  await readGroup(request, groupId, "list_users_in_group");
  const filter = readListFilter(request.query);
  return toPage(await listGroupMembers(request.app.db, groupId, filter), filter.limit);
}

export async function assertMember(request: ApiRequest, groupId: string, userId: string): Promise<void> {
  await readGroup(request, groupId, "check_user_in_group");
  if (!(await isMember(request.app.db, groupId, userId)))
    throw notFound(`Could not find user ${userId} in group ${groupId}.`);
}
