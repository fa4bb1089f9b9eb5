import { forbidden } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import { queryBoolean } from "../common/wire.ts";
import type { QuotaBody, QuotaClassBody } from "./quota.schema.ts";
import { toLimits, toLimitsView, toUsage } from "./quota.view.ts";
import { changeQuota, changeQuotaClass, checkProject, readCells, readDefaults, resetQuota } from "./read-quotas.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["project_id"] ?? "";
const classOf = (request: Pick<ApiRequest, "params">): string => request.params["class_name"] ?? "";

export async function showQuota(request: ApiRequest): Promise<Reply> {
  await checkProject(request, idOf(request));
  const cells = await readCells(request, idOf(request));
  const shown = queryBoolean(request, "usage") ? toUsage(cells) : toLimits(cells);
  return { status: 200, body: { quota_set: { id: idOf(request), ...shown } } };
}

export async function showQuotaDefaults(request: ApiRequest): Promise<Reply> {
  await checkProject(request, idOf(request));
  return { status: 200, body: { quota_set: { id: idOf(request), ...toLimits(await readDefaults(request)) } } };
}

export async function putQuota(request: ApiRequest<QuotaBody>): Promise<Reply> {
  await checkProject(request, idOf(request));
  const cells = await changeQuota(request, idOf(request), request.body.quota_set);
  return { status: 200, body: { quota_set: toLimits(cells) } };
}

export async function deleteQuota(request: ApiRequest): Promise<Reply> {
  await checkProject(request, idOf(request));
  await resetQuota(request, idOf(request));
  return { status: 200 };
}

export const showQuotaClass = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { quota_class_set: { id: classOf(request), ...toLimits(await readDefaults(request, classOf(request))) } },
});

export const putQuotaClass = async (request: ApiRequest<QuotaClassBody>): Promise<Reply> => ({
  status: 200,
  body: {
    quota_class_set: toLimits(await changeQuotaClass(request, classOf(request), request.body.quota_class_set)),
  },
});

/** From 3.39 on an operator may ask for a project's. */
export async function showLimits(request: ApiRequest): Promise<Reply> {
  const asked = request.query.get("project_id") ?? request.query.get("tenant_id");
  if (asked !== undefined && asked !== request.actor.projectId && !asksAsAdmin(request)) {
    throw forbidden("Policy doesn't allow limits_extension:used_limits to be performed.");
  }
  const projectId = request.version >= 39 && asked !== undefined ? asked : projectOf(request);
  return { status: 200, body: { limits: toLimitsView(await readCells(request, projectId)) } };
}
