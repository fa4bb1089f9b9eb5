import { forbidden, notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { projectExists } from "../../identity/public.ts";
import { mutate } from "../common/mutate.ts";
import { requesterOf } from "../common/requester.ts";
import { toInteger } from "../common/wire.ts";
import { changeQuota, readChangedQuotas, readLimits, resetQuota } from "./change-quota.ts";
import { DEFAULT_QUOTAS, QUOTA_NAMES, type StoredQuota } from "./quota.model.ts";
import { projectQuotaUsage } from "./read-quotas.ts";

/** The project in the path: one's own, or for an operator any that exists. */
async function projectOf(request: ApiRequest): Promise<string> {
  const projectId = request.params["project_id"] ?? "";
  const requester = requesterOf(request);
  if (!requester.admin && requester.projectId !== projectId) {
    throw forbidden("Non-admin is not authorized to access quotas for another tenant", { type: "AdminRequired" });
  }
  if (projectId !== requester.projectId && !(await projectExists(request.app.db, projectId))) {
    throw notFound(`Project ${projectId} could not be found.`, { type: "ProjectNotFound" });
  }
  return projectId;
}

export async function listQuotas(request: ApiRequest): Promise<Reply> {
  const rows = await readChangedQuotas(request.app.db);
  return ok({
    quotas: rows.map(({ projectId, limits }) => ({ ...limits, tenant_id: projectId, project_id: projectId })),
  });
}

/** `GET /quotas/tenant` and `/quotas/project`: whose quotas this token would see. */
export function showOwnProject(key: "tenant" | "project") {
  return (request: ApiRequest): Reply => {
    const { projectId } = request.actor;
    if (projectId === null) throw notFound("The token has no project.");
    return ok({ [key]: { tenant_id: projectId, project_id: projectId } });
  };
}

export async function showQuota(request: ApiRequest): Promise<Reply> {
  return ok({ quota: await readLimits(request.app.db, await projectOf(request)) });
}

export async function showDefaultQuota(request: ApiRequest): Promise<Reply> {
  await projectOf(request);
  return ok({ quota: DEFAULT_QUOTAS });
}

export async function showQuotaDetails(request: ApiRequest): Promise<Reply> {
  const usage = await projectQuotaUsage(request.app.db, await projectOf(request));
  return ok({ quota: Object.fromEntries(QUOTA_NAMES.map((name) => [name, { ...usage[name], reserved: 0 }])) });
}

export async function updateQuota(request: ApiRequest<{ quota: { [name: string]: number | string } }>): Promise<Reply> {
  const projectId = await projectOf(request);
  const change: StoredQuota = {};
  for (const name of QUOTA_NAMES) {
    const value = request.body.quota[name];
    if (value !== undefined) change[name] = toInteger(value, name, -1, 2_147_483_647);
  }
  return ok({ quota: await mutate(request, (tx) => changeQuota(tx, projectId, change)) });
}

export async function deleteQuota(request: ApiRequest): Promise<Reply> {
  const projectId = await projectOf(request);
  if (!(await mutate(request, (tx) => resetQuota(tx, projectId)))) {
    throw notFound(`Quota for tenant ${projectId} could not be found.`, { type: "TenantQuotaNotFound" });
  }
  return noContent();
}
