import { invalid } from "@andromede/base/errors";

import { readPaging } from "../../../http/paging.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import {
  createProxiedGroup,
  deleteProxiedGroup,
  readProxiedGroup,
  readProxiedGroups,
  updateProxiedGroup,
} from "./proxy-security-groups.ts";
import type { SecurityGroupBody } from "./security-group.schema.ts";
import { toSecurityGroupView } from "./security-group.view.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["security_group_id"] ?? "";
const fieldsOf = ({ security_group: { name, description = null } }: SecurityGroupBody) => ({ name, description });

export async function listProxiedGroups(request: ApiRequest): Promise<Reply> {
  const groups = await readProxiedGroups(request, {
    everybody: request.query.has("all_tenants"),
    limit: readPaging(request.query).limit,
    offset: readOffset(request),
  });
  return ok({ security_groups: groups.map(toSecurityGroupView) });
}

function readOffset({ query }: ApiRequest): number {
  const text = query.get("offset") ?? "0";
  if (!/^\d{1,9}$/.test(text))
    throw invalid(`Invalid offset: '${text}' is not a non-negative integer`, { field: "offset" });
  return Number(text);
}

export async function showProxiedGroup(request: ApiRequest): Promise<Reply> {
  return ok({ security_group: toSecurityGroupView(await readProxiedGroup(request, idOf(request))) });
}

export async function postProxiedGroup(request: ApiRequest<SecurityGroupBody>): Promise<Reply> {
  return ok({ security_group: toSecurityGroupView(await createProxiedGroup(request, fieldsOf(request.body))) });
}

export async function putProxiedGroup(request: ApiRequest<SecurityGroupBody>): Promise<Reply> {
  const group = await updateProxiedGroup(request, idOf(request), fieldsOf(request.body));
  return ok({ security_group: toSecurityGroupView(group) });
}

export async function removeProxiedGroup(request: ApiRequest): Promise<Reply> {
  await deleteProxiedGroup(request, idOf(request));
  return { status: 202 };
}
