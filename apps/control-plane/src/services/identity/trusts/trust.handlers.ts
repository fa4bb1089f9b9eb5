import { notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { toRoleView } from "../roles/role.view.ts";
import { listLinks } from "../shared/identity-links.ts";
import { type CreateTrust, createTrust } from "./create-trust.ts";
import { deleteTrust } from "./delete-trust.ts";
import { assertNoApplicationCredential, readTrustWithRoles, readTrusts } from "./read-trusts.ts";
import { toFullTrustView, toTrustRolesView, toTrustView } from "./trust.view.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["trust_id"] ?? "";

export async function handleCreateTrust(request: ApiRequest<{ trust: CreateTrust }>): Promise<Reply> {
  assertNoApplicationCredential(request);
  const { trust, roles } = await createTrust(request, request.body.trust);
  return created({ trust: toFullTrustView(trust, roles, request.baseUrl) });
}

export async function handleListTrusts(request: ApiRequest): Promise<Reply> {
  const trusts = await readTrusts(request);
  return ok({ trusts: trusts.map((trust) => toTrustView(trust, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowTrust(request: ApiRequest): Promise<Reply> {
  const { trust, roles } = await readTrustWithRoles(request, idOf(request));
  return ok({ trust: toFullTrustView(trust, roles, request.baseUrl) });
}

export async function handleDeleteTrust(request: ApiRequest): Promise<Reply> {
  await deleteTrust(request, idOf(request));
  return noContent();
}

export async function handleListTrustRoles(request: ApiRequest): Promise<Reply> {
  const { trust, roles } = await readTrustWithRoles(request, idOf(request));
  return ok(toTrustRolesView(trust, roles, request.baseUrl));
}

export async function handleShowTrustRole(request: ApiRequest): Promise<Reply> {
  const { roles } = await readTrustWithRoles(request, idOf(request));
  const role = roles.find(({ id }) => id === request.params["role_id"]);
  if (role === undefined) throw notFound(`Could not find role: ${request.params["role_id"] ?? ""}.`);
  return ok({ role: toRoleView(role, request.baseUrl) });
}

export async function handleCheckTrustRole(request: ApiRequest): Promise<Reply> {
  await handleShowTrustRole(request);
  return { status: 200 };
}
