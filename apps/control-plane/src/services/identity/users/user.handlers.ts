import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { changePassword } from "../passwords/change-password.ts";
import { domainWithin, requireDomainScope } from "../shared/authority.ts";
import { extraOf } from "../shared/extra.ts";
import { listLinks } from "../shared/identity-links.ts";
import { createUser } from "./create-user.ts";
import { readUser, readUsers } from "./read-users.ts";
import { deleteUser, updateUser } from "./update-user.ts";
import type { User, UserChange } from "./user.model.ts";
import { userMembers } from "./user.schema.ts";
import { toUserView } from "./user.view.ts";

/** As this installation shows one. */
export const userView = (request: Pick<ApiRequest, "app" | "baseUrl">, user: User) =>
  toUserView(user, request.baseUrl, request.app.config.identity?.passwordExpiresDays);

type Created = { user: UserChange & { name: string } };
type Updated = { user: UserChange };
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["user_id"] ?? "";

export async function handleCreateUser(request: ApiRequest<Created>): Promise<Reply> {
  const given = request.body.user;
  const domainId = domainWithin(requireDomainScope(request, "manager", "create_user"), given.domain_id, "create_user");
  const user = await createUser(request.app, request.origin, given, domainId, extraOf(given, userMembers));
  return created({ user: userView(request, user) });
}

export async function handleListUsers(request: ApiRequest): Promise<Reply> {
  const page = await readUsers(request);
  return ok({
    users: page.rows.map((user) => userView(request, user)),
    links: listLinks(request, page.next),
  });
}

export async function handleShowUser(request: ApiRequest): Promise<Reply> {
  return ok({ user: userView(request, await readUser(request, idOf(request))) });
}

export async function handleUpdateUser(request: ApiRequest<Updated>): Promise<Reply> {
  const given = request.body.user;
  const scope = requireDomainScope(request, "manager", "update_user");
  const user = await updateUser(request.app, request.origin, scope, idOf(request), given, extraOf(given, userMembers));
  return ok({ user: userView(request, user) });
}

export async function handleDeleteUser(request: ApiRequest): Promise<Reply> {
  await deleteUser(request.app, request.origin, requireDomainScope(request, "manager", "delete_user"), idOf(request));
  return noContent();
}

type PasswordChange = { user: { password: string; original_password: string } };

export async function handleChangePassword(request: ApiRequest<PasswordChange>): Promise<Reply> {
  const { password, original_password: original } = request.body.user;
  await changePassword(request.app, request.origin, request.plane, idOf(request), { original, chosen: password });
  return noContent();
}
