import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { extraOf } from "../shared/extra.ts";
import { identityUrl, listLinks } from "../shared/identity-links.ts";
import { createRole, deleteRole, updateRole } from "./change-roles.ts";
import { createImplication, deleteOneImplication, readImplication, readImplications } from "./implications.ts";
import { readRole, readRoles } from "./read-roles.ts";
import type { RoleChange } from "./role.model.ts";
import { roleMembers } from "./role.schema.ts";
import { toImplicationView, toOneImplicationView, toRoleView } from "./role.view.ts";

type Created = { role: RoleChange & { name: string } };
type Updated = { role: RoleChange };
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["role_id"] ?? "";
const impliedIdOf = (request: Pick<ApiRequest, "params">): string => request.params["implied_role_id"] ?? "";

export async function handleCreateRole(request: ApiRequest<Created>): Promise<Reply> {
  const given = request.body.role;
  return created({
    role: toRoleView(
      await createRole(request.app, request.origin, given, extraOf(given, roleMembers)),
      request.baseUrl,
    ),
  });
}

export async function handleListRoles(request: ApiRequest): Promise<Reply> {
  const page = await readRoles(request);
  return ok({
    roles: page.rows.map((role) => toRoleView(role, request.baseUrl)),
    links: listLinks(request, page.next),
  });
}

export async function handleShowRole(request: ApiRequest): Promise<Reply> {
  return ok({ role: toRoleView(await readRole(request, idOf(request)), request.baseUrl) });
}

export async function handleUpdateRole(request: ApiRequest<Updated>): Promise<Reply> {
  const given = request.body.role;
  const role = await updateRole(request.app, request.origin, idOf(request), given, extraOf(given, roleMembers));
  return ok({ role: toRoleView(role, request.baseUrl) });
}

export async function handleDeleteRole(request: ApiRequest): Promise<Reply> {
  await deleteRole(request.app, request.origin, idOf(request));
  return noContent();
}

export async function handleListInferences(request: ApiRequest): Promise<Reply> {
  const all = await readImplications(request.app.db, null);
  return ok({ role_inferences: all.map((one) => toImplicationView(one, request.baseUrl)), links: listLinks(request) });
}

export async function handleListImplied(request: ApiRequest): Promise<Reply> {
  const [one] = await readImplications(request.app.db, idOf(request));
  return ok({
    role_inference: one === undefined ? {} : toImplicationView(one, request.baseUrl),
    links: { self: identityUrl(request.baseUrl, `roles/${idOf(request)}/implies`) },
  });
}

export async function handleCreateImplied(request: ApiRequest): Promise<Reply> {
  const { prior, implied } = await createImplication(request.app, request.origin, idOf(request), impliedIdOf(request));
  return created(toOneImplicationView(prior, implied, request.baseUrl));
}

export async function handleShowImplied(request: ApiRequest): Promise<Reply> {
  const { prior, implied } = await readImplication(request.app.db, idOf(request), impliedIdOf(request));
  return ok(toOneImplicationView(prior, implied, request.baseUrl));
}

export async function handleCheckImplied(request: ApiRequest): Promise<Reply> {
  await readImplication(request.app.db, idOf(request), impliedIdOf(request));
  return noContent();
}

export async function handleDeleteImplied(request: ApiRequest): Promise<Reply> {
  await deleteOneImplication(request.app, request.origin, idOf(request), impliedIdOf(request));
  return noContent();
}
