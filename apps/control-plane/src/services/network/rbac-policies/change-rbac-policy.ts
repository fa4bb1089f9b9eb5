import { forbidden, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { EVERYBODY, type Sharable, isOpenTo } from "../common/sharing.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { type RbacPolicy, rbacPolicyExists, rbacPolicyInUse, rbacPolicyNotFound } from "./rbac-policy.model.ts";
import {
  deleteRbacPolicyRow,
  findRbacPolicy,
  insertRbacPolicy,
  listRbacPolicies,
  lockObject,
  refreshTargets,
  updateTarget,
} from "./rbac-policy.queries.ts";
import { isNeeded, isWayOutNeeded } from "./rbac-use.queries.ts";

export type CreateRbacPolicy = Omit<RbacPolicy, "id">;

/** For all, and as a way out, only operators open something: that is everybody's business. */
function checkTarget(requester: Requester, action: string, policy: Pick<RbacPolicy, "action" | "targetProject">): void {
  if (requester.admin) return;
  if (policy.targetProject !== EVERYBODY && policy.action === "access_as_shared") return;
  throw forbidden(`(rule:${action} and rule:${action}:target_tenant) is disallowed by policy`, {
    type: "PolicyNotAuthorized",
  });
}

export async function createRbacPolicy(
  tx: Transaction,
  requester: Requester,
  wanted: CreateRbacPolicy,
): Promise<RbacPolicy> {
  const { objectType, objectId, projectId } = wanted;
  checkTarget(requester, "create_rbac_policy", wanted);
  if (wanted.action === "access_as_external" && objectType !== "network")
    throw invalid(`'${wanted.action}' is not a valid action for an object of type ${objectType}.`, { field: "action" });
  await reserveQuota(tx.sql, projectId, { rbac_policy: 1 });
  const object = await lockObject(tx.sql, objectType, objectId);
  if (object === null || !isOpenTo(object, requester)) throw objectNotFound(objectType, objectId);
  if (!requester.admin && object.projectId !== requester.projectId)
    throw invalid("Invalid input for operation: Only admins can manipulate policies on objects they do not own.");
  const policy = await insertRbacPolicy(tx.sql, { ...wanted, id: newUuid() });
  if (policy === null) throw rbacPolicyExists();
  await refreshTargets(tx.sql, objectType, objectId);
  tell(tx, "create", policy);
  return policy;
}

const objectNotFound = (type: Sharable, id: string) =>
  notFound(`The ${type.replaceAll("_", " ")} ${id} could not be found.`, { type: "ObjectNotFound" });

function tell(tx: Transaction, verb: "create" | "update" | "delete", policy: RbacPolicy): void {
  tx.event({
    action: `network.rbac_policy.${verb}`,
    target: { type: "rbac_policy", id: policy.id, projectId: policy.projectId },
    detail: { objectType: policy.objectType, objectId: policy.objectId, targetProject: policy.targetProject },
  });
  // its revision moved on, and the row is to count as realised again
  if (policy.objectType === "network" || policy.objectType === "security_group")
    tx.enqueue(`${policy.objectType}/${policy.objectId}`);
}

/** Throws when somebody whom it lets in has something there. */
async function refuseNeeded(tx: Transaction, policy: RbacPolicy): Promise<void> {
  const object = await lockObject(tx.sql, policy.objectType, policy.objectId);
  if (object === null) return;
  const needed =
    policy.action === "access_as_external"
      ? await isWayOutNeeded(tx.sql, policy.objectId, policy.targetProject)
      : await isNeeded(tx.sql, policy.objectType, object, policy.targetProject);
  if (needed) throw rbacPolicyInUse(policy.objectId, policy.targetProject);
}

export async function updateRbacPolicy(
  tx: Transaction,
  requester: Requester,
  id: string,
  targetProject: string | undefined,
): Promise<RbacPolicy> {
  const policy = await readRbacPolicy(tx.sql, requester, id);
  if (targetProject === undefined || targetProject === policy.targetProject) return policy;
  checkTarget(requester, "update_rbac_policy", { ...policy, targetProject });
  if (targetProject !== EVERYBODY) await refuseNeeded(tx, policy);
  await updateTarget(tx.sql, id, targetProject);
  await refreshTargets(tx.sql, policy.objectType, policy.objectId);
  const changed = { ...policy, targetProject };
  tell(tx, "update", changed);
  return changed;
}

export async function deleteRbacPolicy(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const policy = await readRbacPolicy(tx.sql, requester, id);
  await refuseNeeded(tx, policy);
  await withdraw(tx, policy);
}

async function withdraw(tx: Transaction, policy: RbacPolicy): Promise<void> {
  await deleteRbacPolicyRow(tx.sql, policy.id);
  await refreshTargets(tx.sql, policy.objectType, policy.objectId);
  tell(tx, "delete", policy);
}

/** The project that made it is purged: whoever relies on it keeps what there is, and gets no more. */
export async function withdrawRbacPolicy(tx: Transaction, id: string): Promise<void> {
  await withdraw(tx, await readRbacPolicy(tx.sql, { projectId: "-", admin: true }, id));
}

export const readRbacPolicies = (sql: Queryable, requester: Requester, request: ListRequest): Promise<RbacPolicy[]> =>
  listRbacPolicies(sql, requester, request);

export async function readRbacPolicy(sql: Queryable, requester: Requester, id: string): Promise<RbacPolicy> {
  const policy = await findRbacPolicy(sql, requester, id);
  if (policy === null) throw rbacPolicyNotFound(id);
  return policy;
}
