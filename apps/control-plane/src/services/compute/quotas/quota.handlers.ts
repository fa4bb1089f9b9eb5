import { forbidden, invalid } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import { refuseUnknownParameters } from "../common/query.ts";
import { toBoolean, toInteger } from "../common/wire.ts";
import type { QuotaBody, QuotaClassBody } from "./quota.schema.ts";
import { toLimitsView, toQuotaClassView, toQuotaDetail, toQuotaView } from "./quota.view.ts";
import {
  changeClassQuota,
  changeQuota,
  changeUserQuota,
  checkProject,
  checkProjectIsKnown,
  readClassQuota,
  readDefaults,
  readUse,
  resetQuota,
  resetUserQuota,
} from "./read-quotas.ts";

const projectIdOf = (request: Pick<ApiRequest, "params">): string => request.params["project_id"] ?? "";

/** Until 2.75 whatever else is in the query is ignored. */
function userIdOf(request: ApiRequest): string | null {
  refuseUnknownParameters(request, ["user_id"]);
  return request.query.get("user_id") ?? null;
}

export async function showQuota(request: ApiRequest): Promise<Reply> {
  await checkProject(request, projectIdOf(request));
  const { use, network } = await readUse(request, projectIdOf(request), userIdOf(request));
  return { status: 200, body: { quota_set: toQuotaView(projectIdOf(request), use.quota, network, request.version) } };
}

export async function showQuotaDetail(request: ApiRequest): Promise<Reply> {
  await checkProject(request, projectIdOf(request));
  const { use, network } = await readUse(request, projectIdOf(request), userIdOf(request));
  return { status: 200, body: { quota_set: toQuotaDetail(projectIdOf(request), use, network, request.version) } };
}

export async function showQuotaDefaults(request: ApiRequest): Promise<Reply> {
  await checkProjectIsKnown(request, projectIdOf(request));
  return {
    status: 200,
    body: { quota_set: toQuotaView(projectIdOf(request), await readDefaults(request), null, request.version) },
  };
}

export async function putQuota(request: ApiRequest<QuotaBody>): Promise<Reply> {
  const projectId = projectIdOf(request);
  const userId = userIdOf(request);
  await checkProjectIsKnown(request, projectId);
  const { force, ...limits } = request.body.quota_set;
  if (Object.hasOwn(limits, "networks")) throw invalid("The networks quota has been removed");
  const numbers = toNumbers(limits);
  const isForced = force !== undefined && toBoolean(force as boolean | string);
  const quota =
    userId === null
      ? await changeQuota(request, projectId, numbers, isForced)
      : await changeUserQuota(request, projectId, userId, numbers, isForced);
  return { status: 200, body: { quota_set: toQuotaView(null, quota, null, request.version) } };
}

const toNumbers = (limits: { [name: string]: number | string | boolean }): { [name: string]: number } =>
  Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [name, toInteger(limit as number | string, name, -1)]),
  );

const classOf = (request: Pick<ApiRequest, "params">): string => request.params["class_name"] ?? "";

export const showQuotaClass = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    quota_class_set: toQuotaClassView(
      classOf(request),
      await readClassQuota(request, classOf(request)),
      request.version,
    ),
  },
});

export async function putQuotaClass(request: ApiRequest<QuotaClassBody>): Promise<Reply> {
  const quota = await changeClassQuota(request, classOf(request), toNumbers(request.body.quota_class_set));
  return { status: 200, body: { quota_class_set: toQuotaClassView(null, quota, request.version) } };
}

export async function deleteQuota(request: ApiRequest): Promise<Reply> {
  const userId = userIdOf(request);
  await checkProjectIsKnown(request, projectIdOf(request));
  if (userId === null) await resetQuota(request, projectIdOf(request));
  else await resetUserQuota(request, projectIdOf(request), userId);
  return { status: 202 };
}

export async function showLimits(request: ApiRequest): Promise<Reply> {
  const asked = request.query.get("tenant_id");
  if (asked !== undefined && asked !== request.actor.projectId && !asksAsAdmin(request)) {
    throw forbidden("Policy doesn't allow os_compute_api:limits:other_project to be performed.");
  }
  const { use, network } = await readUse(request, asked ?? projectOf(request));
  return { status: 200, body: { limits: toLimitsView(use, network, request.version) } };
}
