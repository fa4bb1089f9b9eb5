import { forbidden } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import { toBoolean, toInteger } from "../common/wire.ts";
import { QUOTA_DEFAULTS } from "./quota.model.ts";
import type { QuotaBody } from "./quota.schema.ts";
import { toLimitsView, toQuotaDetail, toQuotaView } from "./quota.view.ts";
import { changeQuota, checkProject, checkProjectIsKnown, readUse, resetQuota } from "./read-quotas.ts";

const projectIdOf = (request: Pick<ApiRequest, "params">): string => request.params["project_id"] ?? "";

export async function showQuota(request: ApiRequest): Promise<Reply> {
  await checkProject(request, projectIdOf(request));
  const { use, network } = await readUse(request, projectIdOf(request));
  return { status: 200, body: { quota_set: toQuotaView(projectIdOf(request), use.quota, network, request.version) } };
}

export async function showQuotaDetail(request: ApiRequest): Promise<Reply> {
  await checkProject(request, projectIdOf(request));
  const { use, network } = await readUse(request, projectIdOf(request));
  return { status: 200, body: { quota_set: toQuotaDetail(projectIdOf(request), use, network, request.version) } };
}

export async function showQuotaDefaults(request: ApiRequest): Promise<Reply> {
  await checkProjectIsKnown(request, projectIdOf(request));
  return { status: 200, body: { quota_set: toQuotaView(projectIdOf(request), QUOTA_DEFAULTS, null, request.version) } };
}

export async function putQuota(request: ApiRequest<QuotaBody>): Promise<Reply> {
  await checkProjectIsKnown(request, projectIdOf(request));
  const { force, ...limits } = request.body.quota_set;
  const numbers = Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [name, toInteger(limit as number | string, name, -1)]),
  );
  const quota = await changeQuota(
    request,
    projectIdOf(request),
    numbers,
    force !== undefined && toBoolean(force as boolean | string),
  );
  return { status: 200, body: { quota_set: toQuotaView(null, quota, null, request.version) } };
}

export async function deleteQuota(request: ApiRequest): Promise<Reply> {
  await checkProjectIsKnown(request, projectIdOf(request));
  await resetQuota(request, projectIdOf(request));
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
