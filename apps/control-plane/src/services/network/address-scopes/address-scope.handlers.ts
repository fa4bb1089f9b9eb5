import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { type WireBoolean, pickFields, toBoolean } from "../common/wire.ts";
import { toAddressScopeView } from "./address-scope.model.ts";
import { addressScopeAttributes } from "./address-scope.schema.ts";
import {
  createAddressScope,
  deleteAddressScope,
  readAddressScope,
  readAddressScopes,
  updateAddressScope,
} from "./change-address-scope.ts";

type Wire = {
  name: string;
  ip_version: 4 | 6 | "4" | "6";
  shared?: WireBoolean;
  project_id?: string;
  tenant_id?: string;
};
const FOR_ADMINS = ["shared"];
const asked = (wire: object): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== false));

export async function listAddressScopes(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const list = readListRequest(request.query, addressScopeAttributes(requester));
  const scopes = await readAddressScopes(request.app.db, requester, list);
  return listReply(
    request,
    list,
    "address_scopes",
    scopes.map((scope) => toAddressScopeView(scope, requester)),
  );
}

export async function showAddressScope(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const scope = await readAddressScope(request.app.db, requester, request.params["id"] ?? "");
  return ok({ address_scope: pickFields(toAddressScopeView(scope, requester), request.query.all("fields")) });
}

export async function createAddressScopeHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "address_scope", "address_scopes", {
    read(wire: Wire) {
      requireAdminFor(requester, "create_address_scope", asked(wire), FOR_ADMINS);
      return {
        projectId: ownerOf(requester, wire),
        name: wire.name,
        ipVersion: Number(wire.ip_version) === 4 ? (4 as const) : (6 as const),
        shared: toBoolean(wire.shared ?? false),
      };
    },
    create: (tx, wanted) => createAddressScope(tx, wanted),
    view: (scope) => toAddressScopeView(scope, requester),
  });
}

export async function updateAddressScopeHandler(request: ApiRequest<{ address_scope: Partial<Wire> }>): Promise<Reply> {
  const requester = requesterOf(request);
  const wire = request.body.address_scope;
  requireAdminFor(requester, "update_address_scope", wire, FOR_ADMINS);
  const change = {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.shared === undefined ? {} : { shared: toBoolean(wire.shared) }),
  };
  const scope = await mutate(request, (tx) => updateAddressScope(tx, requester, request.params["id"] ?? "", change));
  return ok({ address_scope: toAddressScopeView(scope, requester) });
}

export async function deleteAddressScopeHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteAddressScope(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
