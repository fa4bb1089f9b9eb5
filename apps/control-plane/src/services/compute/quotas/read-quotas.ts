import { forbidden, invalid } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { projectExists } from "../../identity/public.ts";
import { type NetworkQuotaUsage, projectQuotaUsage } from "../../network/public.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { countKeypairs } from "../keypairs/keypair.queries.ts";
import { countServerGroups } from "../server-groups/server-group.queries.ts";
import {
  countUserUsage,
  deleteUserQuota,
  findClassQuota,
  findOwnQuota,
  findUsage,
  findUserQuota,
  lockUsage,
  mergeClassQuota,
  mergeUserQuota,
  setQuota,
} from "./project.queries.ts";
import { QUOTA_DEFAULTS, type Quota, type QuotaName, type QuotaOverrides, quotaOf } from "./quota.model.ts";

export type ProjectUse = {
  quota: Quota;
  servers: number;
  cores: number;
  ramMib: number;
  keypairs: number;
  serverGroups: number;
};

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

/** `userId`: what counts for one user of the project. */
export async function readUse(
  request: ApiRequest,
  projectId: string,
  userId: string | null = null,
): Promise<{ use: ProjectUse; network: NetworkQuotaUsage | null }> {
  const { db } = request.app;
  const [usage, keypairs, serverGroups, network, ofUser] = await Promise.all([
    findUsage(db, projectId),
    countKeypairs(db, userId ?? request.actor.userId),
    countServerGroups(db, projectId),
    request.version < 36 ? projectQuotaUsage(db, projectId) : null,
    userId === null ? null : Promise.all([findUserQuota(db, projectId, userId), countUserUsage(db, projectId, userId)]),
  ]);
  const [limits, used] = ofUser ?? [null, usage];
  const use = {
    quota: quotaOf({ ...usage.quota, ...limits }),
    servers: used.usedServers,
    cores: used.usedCores,
    ramMib: used.usedRamMib,
    keypairs,
    serverGroups,
  };
  return { use, network };
}

/** What a project without limits of its own has. */
export const readDefaults = async (request: ApiRequest): Promise<Quota> =>
  quotaOf(await findClassQuota(request.app.db, "default"));

const isQuotaName = (name: string): name is QuotaName => Object.hasOwn(QUOTA_DEFAULTS, name);

/** Limits of one user: within the project's, and not below what they use unless `force`. */
export async function changeUserQuota(
  request: ApiRequest,
  projectId: string,
  userId: string,
  limits: { [name: string]: number },
  force: boolean,
): Promise<Quota> {
  return transact(request.app, request.origin, async (tx) => {
    const usage = await lockUsage(tx.sql, projectId);
    const user = await countUserUsage(tx.sql, projectId, userId);
    const used: QuotaOverrides = { instances: user.usedServers, cores: user.usedCores, ram: user.usedRamMib };
    const most = quotaOf(usage.quota);
    const changed: QuotaOverrides = {};
    for (const [name, limit] of Object.entries(limits)) {
      if (!isQuotaName(name)) continue;
      if (!force) checkAgainstUse(name, limit, used[name] ?? 0);
      if (!force && most[name] >= 0 && (limit < 0 || limit > most[name])) {
        throw invalid(`Quota limit ${limit} for ${name} must be less than or equal to ${most[name]}.`);
      }
      changed[name] = limit;
    }
    await mergeUserQuota(tx.sql, projectId, userId, changed);
    const own = await findUserQuota(tx.sql, projectId, userId);
    tx.event({
      action: "compute.quota.update",
      target: { type: "quota", id: projectId, projectId },
      detail: { ...limits, user_id: userId },
    });
    return quotaOf({ ...usage.quota, ...own });
  });
}

function checkAgainstUse(name: string, limit: number, inUse: number): void {
  if (limit >= 0 && limit < inUse) {
    throw invalid(
      `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${inUse}.`,
    );
  }
}

export async function resetUserQuota(request: ApiRequest, projectId: string, userId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    await deleteUserQuota(tx.sql, projectId, userId);
    tx.event({
      action: "compute.quota.delete",
      target: { type: "quota", id: projectId, projectId },
      detail: { user_id: userId },
    });
  });
}

/** Nova's quota classes: only the class `default` means anything, and it means every project. */
export const readClassQuota = async (request: ApiRequest, name: string): Promise<Quota> =>
  quotaOf(await findClassQuota(request.app.db, name));

export async function changeClassQuota(
  request: ApiRequest,
  name: string,
  limits: { [name: string]: number },
): Promise<Quota> {
  if (name.length > 255) throw invalid("quota_class_name has more than 255 characters.");
  return transact(request.app, request.origin, async (tx) => {
    const changed = Object.fromEntries(Object.entries(limits).filter(([one]) => isQuotaName(one)));
    const quota = await mergeClassQuota(tx.sql, name, changed);
    tx.event({
      action: "compute.quota.update",
      target: { type: "quota_class", id: name, projectId: null },
      detail: limits,
    });
    return quotaOf(quota);
  });
}

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
    const quota: QuotaOverrides = { ...(await findOwnQuota(tx.sql, projectId)) };
    for (const [name, limit] of Object.entries(limits)) {
      if (!isQuotaName(name)) continue; // the network's: set through its own API
      if (!force) checkAgainstUse(name, limit, used[name] ?? 0);
      quota[name] = limit;
    }
    await setQuota(tx.sql, projectId, quota);
    tx.event({ action: "compute.quota.update", target: { type: "quota", id: projectId, projectId }, detail: limits });
    return quotaOf({ ...usage.quota, ...quota });
  });
}

export async function resetQuota(request: ApiRequest, projectId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    await setQuota(tx.sql, projectId, {});
    tx.event({ action: "compute.quota.delete", target: { type: "quota", id: projectId, projectId } });
  });
}
