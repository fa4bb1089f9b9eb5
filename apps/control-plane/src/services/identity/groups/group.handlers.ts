import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { domainWithin, requireDomainScope } from "../shared/authority.ts";
import { extraOf } from "../shared/extra.ts";
import { listLinks } from "../shared/identity-links.ts";
import { userView } from "../users/user.handlers.ts";
import { addMember, createGroup, deleteGroup, removeMember, updateGroup } from "./change-groups.ts";
import type { Group, GroupChange } from "./group.model.ts";
import { groupMembers } from "./group.schema.ts";
import { toGroupView } from "./group.view.ts";
import { assertMember, readGroup, readGroups, readGroupsOfUser, readMembers } from "./read-groups.ts";

type Created = { group: GroupChange & { name: string } };
type Updated = { group: GroupChange };
const groupIdOf = (request: Pick<ApiRequest, "params">): string => request.params["group_id"] ?? "";
const userIdOf = (request: Pick<ApiRequest, "params">): string => request.params["user_id"] ?? "";

export async function handleCreateGroup(request: ApiRequest<Created>): Promise<Reply> {
  const given = request.body.group;
  const domainId = domainWithin(
    requireDomainScope(request, "manager", "create_group"),
    given.domain_id,
    "create_group",
  );
  const group = await createGroup(request.app, request.origin, given, domainId, extraOf(given, groupMembers));
  return created({ group: toGroupView(group, request.baseUrl) });
}

const page = (request: ApiRequest, found: { rows: Group[]; next: string | null }): Reply =>
  ok({ groups: found.rows.map((group) => toGroupView(group, request.baseUrl)), links: listLinks(request, found.next) });

export const handleListGroups = async (request: ApiRequest): Promise<Reply> => page(request, await readGroups(request));

export const handleGroupsOfUser = async (request: ApiRequest): Promise<Reply> =>
  page(request, await readGroupsOfUser(request, userIdOf(request)));

export async function handleShowGroup(request: ApiRequest): Promise<Reply> {
  return ok({ group: toGroupView(await readGroup(request, groupIdOf(request)), request.baseUrl) });
}

export async function handleUpdateGroup(request: ApiRequest<Updated>): Promise<Reply> {
  const given = request.body.group;
  const scope = requireDomainScope(request, "manager", "update_group");
  const group = await updateGroup(
    request.app,
    request.origin,
    scope,
    groupIdOf(request),
    given,
    extraOf(given, groupMembers),
  );
  return ok({ group: toGroupView(group, request.baseUrl) });
}

export async function handleDeleteGroup(request: ApiRequest): Promise<Reply> {
  await deleteGroup(
    request.app,
    request.origin,
    requireDomainScope(request, "manager", "delete_group"),
    groupIdOf(request),
  );
  return noContent();
}

export async function handleListMembers(request: ApiRequest): Promise<Reply> {
  const found = await readMembers(request, groupIdOf(request));
  return ok({
    users: found.rows.map((user) => userView(request, user)),
    links: listLinks(request, found.next),
  });
}

export async function handleCheckMember(request: ApiRequest): Promise<Reply> {
  await assertMember(request, groupIdOf(request), userIdOf(request));
  return noContent();
}

export async function handleAddMember(request: ApiRequest): Promise<Reply> {
  const scope = requireDomainScope(request, "manager", "add_user_to_group");
  await addMember(request.app, request.origin, scope, groupIdOf(request), userIdOf(request));
  return noContent();
}

export async function handleRemoveMember(request: ApiRequest): Promise<Reply> {
  const scope = requireDomainScope(request, "manager", "remove_user_from_group");
  await removeMember(request.app, request.origin, scope, groupIdOf(request), userIdOf(request));
  return noContent();
}
