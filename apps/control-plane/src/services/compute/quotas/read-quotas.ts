import { forbidden, invalid } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { projectExists } from "../../identity/public.ts";
import { type NetworkQuotaUsage, projectQuotaUsage } from "../../network/public.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { countKeypairs } from "../keypairs/keypair.queries.ts";
import { findUsage, lockUsage, setQuota } from "./project.queries.ts";
import { QUOTA_DEFAULTS, type Quota, type QuotaName, type QuotaOverrides, quotaOf } from "./quota.model.ts";

export type ProjectUse = { quota: Quota; servers: number; cores: number; ramMib: number; keypairs: number };

/** A customer may ask about their own project, an operator about any. */
export async function checkProject(request: ApiRequest, projectId: string): Promise<void> {
  if (projectId !== request.actor.projectId && !asksAsAdmin(request)) {
    throw forbidden("Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.");
  }
  await checkProjectIsKnown(request, projectId);
}

/** Nova asks Keystone, and says 400 for a project that is not there. One's own project is. */
export async function checkProjectIsKnown(request: ApiRequest, projectId: string): Promise<void> {
  if (projectId === request.actor.projectId || (await projectExists(request.app.db, projectId))) return;
  throw invalid(`Project ID ${projectId} is not a valid project.`, { field: "project_id" });
}

export async function readUse(
  request: ApiRequest,
  projectId: string,
): Promise<{ use: ProjectUse; network: NetworkQuotaUsage | null }> {
  const { db } = request.app;
  const [usage, keypairs, network] = await Promise.all([
    findUsage(db, projectId),
    countKeypairs(db, request.actor.userId),
    request.version < 36 ? projectQuotaUsage(db, projectId) : null,
  ]);
  const use = {
    quota: quotaOf(usage.quota),
    servers: usage.usedServers,
    cores: usage.usedCores,
    ramMib: usage.usedRamMib,
    keypairs,
  };
  return { use, network };
}

const isQuotaName = (name: string): name is QuotaName => Object.hasOwn(QUOTA_DEFAULTS, name);

/** An operator's limits for a project, merged into those it has. Below what is in use only with `force`. */
export async function changeQuota(
  request: ApiRequest,
  projectId: string,
  limits: { [name: string]: number },
  force: boolean,
): Promise<Quota> {
  return transact(request.app, request.origin, async (tx) => {
    const usage = await lockUsage(tx.sql, projectId);
    const used: QuotaOverrides = { instances: usage.usedServers, cores: usage.usedCores, ram: usage.usedRamMib };
    const quota: QuotaOverrides = { ...usage.quota };
    for (const [name, limit] of Object.entries(limits)) {
      if (!isQuotaName(name)) continue; // the network's: set through its own API
      const inUse = used[name] ?? 0;
      if (!force && limit >= 0 && limit < inUse) {
        throw invalid(
          `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${inUse}.`,
        );
      }
      quota[name] = limit;
    }
    await setQuota(tx.sql, projectId, quota);
    tx.event({ action: "compute.quota.update", target: { type: "quota", id: projectId, projectId }, detail: limits });
    return quotaOf(quota);
  });
}

export async function resetQuota(request: ApiRequest, projectId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    await setQuota(tx.sql, projectId, {});
    tx.event({ action: "compute.quota.delete", target: { type: "quota", id: projectId, projectId } });
  });
}
