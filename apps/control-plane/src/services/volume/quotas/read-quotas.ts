/** Quotas as customers and operators may read and set them. */
import { forbidden, invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { projectExists } from "../../identity/public.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { toInteger } from "../common/wire.ts";
import { listTypeRefs } from "../types/type.queries.ts";
import { QUOTA_NAMES, type QuotaOverrides, TYPE_QUOTAS, type TypeRef } from "./quota.model.ts";
import { findQuotaClass, findUsage, lockUsage, setQuota, setQuotaClass } from "./quota.queries.ts";
import { type QuotaCell, quotaCells } from "./quota.view.ts";

/** A customer may ask about their own project, an operator about any that there is. */
export async function checkProject(request: ApiRequest, projectId: string): Promise<void> {
  if (projectId === request.actor.projectId) return;
  if (!asksAsAdmin(request)) throw forbidden("Policy doesn't allow volume_extension:quotas:show to be performed.");
  if (!(await projectExists(request.app.db, projectId))) {
    throw notFound(`Project ${projectId} could not be found.`.slice(0, 400));
  }
}

export async function readCells(request: ApiRequest, projectId: string): Promise<QuotaCell[]> {
  const { db } = request.app;
  const [types, usage] = await Promise.all([listTypeRefs(db), findUsage(db, projectId)]);
  return quotaCells(types, usage);
}

/** The only class that projects are of, so the only one there is. */
function checkClass(name: string): void {
  if (name !== "default") throw notFound(`Quota class ${name} could not be found.`.slice(0, 400));
}

/** What a project without limits of its own has. */
export async function readDefaults(request: ApiRequest, className = "default"): Promise<QuotaCell[]> {
  checkClass(className);
  const { db } = request.app;
  const [types, defaults] = await Promise.all([listTypeRefs(db), findQuotaClass(db, className)]);
  return quotaCells(types, { quota: {}, defaults, used: {} });
}

const IGNORED = new Set(["tenant_id", "skip_validation", "class_name"]);

/** Wire names to ours; unknown ones are refused, as Cinder's schema does. */
function toOverrides(types: readonly TypeRef[], limits: { [name: string]: number | string }): QuotaOverrides {
  const found: QuotaOverrides = {};
  for (const [name, value] of Object.entries(limits)) {
    if (IGNORED.has(name)) continue;
    found[ourName(types, name)] = toInteger(value, name, -1);
  }
  return found;
}

function ourName(types: readonly TypeRef[], name: string): string {
  if ((QUOTA_NAMES as string[]).includes(name)) return name;
  for (const kind of TYPE_QUOTAS) {
    const type = name.startsWith(`${kind}_`)
      ? types.find((one) => one.name === name.slice(kind.length + 1))
      : undefined;
    if (type !== undefined) return `${kind}_${type.id}`;
  }
  throw invalid(`Invalid input for field/attribute quota_set. '${name.slice(0, 100)}' is not a quota`, { field: name });
}

export async function changeQuota(
  request: ApiRequest,
  projectId: string,
  limits: { [name: string]: number | string },
): Promise<QuotaCell[]> {
  const { app } = request;
  if (projectId.length > 255) throw invalid("quota_set_name has more than 255 characters.");
  const types = await listTypeRefs(app.db);
  const wanted = toOverrides(types, limits);
  return transact(app, request.origin, async (tx) => {
    const usage = await lockUsage(tx.sql, projectId);
    for (const [name, limit] of Object.entries(wanted)) {
      const used = usage.used[name] ?? 0;
      if (limit < 0 || limit >= used) continue;
      throw invalid(
        `Quota ${name} limit must be equal or greater than existing resources. Current usage is ${used} and the requested limit is ${limit}.`,
      );
    }
    const quota = { ...usage.quota, ...wanted };
    await setQuota(tx.sql, projectId, quota);
    tx.event({ action: "volume.quota.update", target: { type: "quota", id: projectId, projectId }, detail: wanted });
    return quotaCells(types, { ...usage, quota });
  });
}

export async function resetQuota(request: ApiRequest, projectId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    await setQuota(tx.sql, projectId, {});
    tx.event({ action: "volume.quota.delete", target: { type: "quota", id: projectId, projectId } });
  });
}

export async function changeQuotaClass(
  request: ApiRequest,
  name: string,
  limits: { [name: string]: number | string },
): Promise<QuotaCell[]> {
  const { app } = request;
  checkClass(name);
  const wanted = toOverrides(await listTypeRefs(app.db), limits);
  await transact(app, request.origin, async (tx) => {
    await setQuotaClass(tx.sql, name, wanted);
    tx.event({ action: "volume.quota_class.update", target: { type: "quota_class", id: name }, detail: wanted });
  });
  return readDefaults(request, name);
}
