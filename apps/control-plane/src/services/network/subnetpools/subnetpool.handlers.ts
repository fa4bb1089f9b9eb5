import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { type WireBoolean, pickFields, toBoolean, toInteger } from "../common/wire.ts";
import {
  type UpdateSubnetpool,
  createSubnetpool,
  deleteSubnetpool,
  readSubnetpool,
  readSubnetpools,
  updateSubnetpool,
} from "./change-subnetpool.ts";
import { subnetpoolAttributes } from "./subnetpool.schema.ts";
import { toSubnetpoolView } from "./subnetpool.view.ts";

type Wire = {
  name: string;
  description?: string;
  prefixes: string[];
  default_prefixlen?: number | string;
  min_prefixlen?: number | string;
  max_prefixlen?: number | string;
  default_quota?: number | string | null;
  shared?: WireBoolean;
  is_default?: WireBoolean;
  address_scope_id?: string | null;
  project_id?: string;
  tenant_id?: string;
};

export async function listSubnetpools(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, subnetpoolAttributes(requesterOf(request)));
  const pools = await readSubnetpools(request.app.db, requesterOf(request), list);
  return listReply(
    request,
    list,
    "subnetpools",
    pools.map((pool) => toSubnetpoolView(pool, requesterOf(request))),
  );
}

export async function showSubnetpool(request: ApiRequest): Promise<Reply> {
  const pool = await readSubnetpool(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ subnetpool: pickFields(toSubnetpoolView(pool, requesterOf(request)), request.query.all("fields")) });
}

const lengthsOf = (wire: Partial<Wire>) => ({
  ...(wire.default_prefixlen === undefined
    ? {}
    : { defaultPrefixlen: toInteger(wire.default_prefixlen, "default_prefixlen", 0, 128) }),
  ...(wire.min_prefixlen === undefined ? {} : { minPrefixlen: toInteger(wire.min_prefixlen, "min_prefixlen", 0, 128) }),
  ...(wire.max_prefixlen === undefined ? {} : { maxPrefixlen: toInteger(wire.max_prefixlen, "max_prefixlen", 0, 128) }),
});
const quotaOf = (value: number | string | null | undefined): number | null =>
  value === undefined || value === null ? null : toInteger(value, "default_quota", 0, 2_147_483_647);
const FOR_ADMINS = ["shared", "is_default"];
const asked = (wire: object): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== false));

export async function createSubnetpoolHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "subnetpool", "subnetpools", {
    read(wire: Wire) {
      requireAdminFor(requester, "create_subnetpool", asked(wire), FOR_ADMINS);
      return {
        projectId: ownerOf(requester, wire),
        name: wire.name,
        description: wire.description ?? "",
        prefixes: wire.prefixes,
        ...lengthsOf(wire),
        defaultQuota: quotaOf(wire.default_quota),
        shared: toBoolean(wire.shared ?? false),
        isDefault: toBoolean(wire.is_default ?? false),
        addressScopeId: wire.address_scope_id ?? null,
      };
    },
    create: (tx, wanted) => createSubnetpool(tx, requester, wanted),
    view: (pool) => toSubnetpoolView(pool, requester),
  });
}

export async function updateSubnetpoolHandler(request: ApiRequest<{ subnetpool: Partial<Wire> }>): Promise<Reply> {
  const wire = request.body.subnetpool;
  const requester = requesterOf(request);
  requireAdminFor(requester, "update_subnetpool", wire, FOR_ADMINS);
  const change: UpdateSubnetpool = {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
    ...(wire.prefixes === undefined ? {} : { prefixes: wire.prefixes }),
    ...lengthsOf(wire),
    ...(wire.default_quota === undefined ? {} : { defaultQuota: quotaOf(wire.default_quota) }),
    ...(wire.address_scope_id === undefined ? {} : { addressScopeId: wire.address_scope_id }),
    ...(wire.is_default === undefined ? {} : { isDefault: toBoolean(wire.is_default) }),
  };
  const pool = await mutate(request, (tx) => updateSubnetpool(tx, requester, request.params["id"] ?? "", change));
  return ok({ subnetpool: toSubnetpoolView(pool, requester) });
}

export async function deleteSubnetpoolHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteSubnetpool(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
