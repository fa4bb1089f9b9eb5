import { conflict } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { EVERYBODY, checkOwned } from "../common/sharing.ts";
import { dropSharing, setOpenToAll } from "../common/sharing.queries.ts";
import { rbacPolicyInUse } from "../rbac-policies/rbac-policy.model.ts";
import { isUsedWithoutWildcard } from "../rbac-policies/rbac-use.queries.ts";
import {
  type QosPolicy,
  type QosPolicyWithRules,
  type QosRule,
  type QosRuleType,
  type QosRuleWire,
  checkTogether,
  qosPolicyInUse,
  qosPolicyNotFound,
  qosRuleNotFound,
  readRuleValues,
} from "./qos-policy.model.ts";
import {
  deleteQosPolicyRow,
  deleteQosRuleRow,
  findDefaultPolicyId,
  findPolicyOfRule,
  findQosPolicy,
  findUser,
  insertQosPolicy,
  insertQosRule,
  listQosPolicies,
  listQosRules,
  listShaped,
  lockQosPolicy,
  touchQosPolicy,
  updateQosPolicyRow,
  updateQosRuleRow,
} from "./qos-policy.queries.ts";

export type CreateQosPolicy = Pick<QosPolicy, "projectId" | "name" | "description" | "isDefault"> & { shared: boolean };
export type UpdateQosPolicy = Partial<Omit<CreateQosPolicy, "projectId">>;

const everyone: Requester = { projectId: "-", admin: true };

/** A project has one default policy at most. */
async function checkDefault(tx: Transaction, projectId: string, id: string): Promise<void> {
  const held = await findDefaultPolicyId(tx.sql, projectId);
  if (held === null || held === id) return;
  throw conflict(`A default QoS policy exists for project ${projectId}.`, { type: "QoSPolicyDefaultAlreadyExists" });
}

function tell(
  tx: Transaction,
  verb: "create" | "update" | "delete",
  policy: { id: string; projectId: string },
  detail = {},
) {
  const { id, projectId } = policy;
  tx.event({ action: `network.qos_policy.${verb}`, target: { type: "qos_policy", id, projectId }, detail });
}

export async function createQosPolicy(tx: Transaction, wanted: CreateQosPolicy): Promise<QosPolicyWithRules> {
  const id = newUuid();
  if (wanted.isDefault) await checkDefault(tx, wanted.projectId, id);
  const policy = await insertQosPolicy(tx.sql, { ...wanted, id, sharedWith: wanted.shared ? [EVERYBODY] : [] });
  if (wanted.shared) await setOpenToAll(tx.sql, { ...policy, type: "qos_policy" }, "access_as_shared", true, newUuid());
  tell(tx, "create", policy, { name: policy.name });
  return { ...policy, rules: [] };
}

/** Seen, owned and held. */
async function lockOwned(
  tx: Transaction,
  requester: Requester,
  id: string,
  action: string,
): Promise<QosPolicyWithRules> {
  const policy = await lockQosPolicy(tx.sql, requester, id, true);
  if (policy === null) throw qosPolicyNotFound(id);
  checkOwned(policy, requester, action);
  return policy;
}

export async function updateQosPolicy(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: UpdateQosPolicy,
): Promise<QosPolicyWithRules> {
  const policy = await lockOwned(tx, requester, id, "update_policy");
  if (wanted.isDefault === true) await checkDefault(tx, policy.projectId, id);
  const wasShared = policy.sharedWith.includes(EVERYBODY);
  const shared = wanted.shared ?? wasShared;
  const others = policy.sharedWith.filter((one) => one !== EVERYBODY);
  if (shared !== wasShared) {
    if (!shared && (await isUsedWithoutWildcard(tx.sql, "qos_policy", policy, others)))
      throw rbacPolicyInUse(id, EVERYBODY);
    await setOpenToAll(tx.sql, { ...policy, type: "qos_policy" }, "access_as_shared", shared, newUuid());
  }
  await updateQosPolicyRow(tx.sql, id, {
    name: wanted.name ?? policy.name,
    description: wanted.description ?? policy.description,
    isDefault: wanted.isDefault ?? policy.isDefault,
    sharedWith: [...(shared ? [EVERYBODY] : []), ...others],
  });
  tell(tx, "update", policy);
  return readQosPolicy(tx.sql, everyone, id);
}

export async function deleteQosPolicy(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const policy = await lockOwned(tx, requester, id, "delete_policy");
  const user = await findUser(tx.sql, id);
  if (user !== null) throw qosPolicyInUse(id, user.type, user.id);
  await Promise.all([deleteQosPolicyRow(tx.sql, id), dropSharing(tx.sql, id)]);
  tell(tx, "delete", policy);
}

export const readQosPolicies = (
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<QosPolicyWithRules[]> => listQosPolicies(sql, requester, request);

export async function readQosPolicy(sql: Queryable, requester: Requester, id: string): Promise<QosPolicyWithRules> {
  const policy = await findQosPolicy(sql, requester, id);
  if (policy === null) throw qosPolicyNotFound(id);
  return policy;
}

/** The rules are the policy's: its revision, its event, and the rows of all that goes by it. */
async function changed(tx: Transaction, policy: QosPolicy, detail: object): Promise<void> {
  const [shaped] = await Promise.all([listShaped(tx.sql, policy.id), touchQosPolicy(tx.sql, policy.id)]);
  for (const { type, id } of shaped) tx.enqueue(`${type}/${id}`);
  tell(tx, "update", policy, detail);
}

export async function createQosRule(
  tx: Transaction,
  requester: Requester,
  wanted: { policyId: string; type: QosRuleType; wire: QosRuleWire },
): Promise<QosRule> {
  const { policyId, type, wire } = wanted;
  const policy = await lockOwned(tx, requester, policyId, `create_policy_${type}_rule`);
  const rule = { id: newUuid(), qosPolicyId: policyId, type, ...readRuleValues(type, wire) };
  checkTogether(policyId, rule, policy.rules);
  await insertQosRule(tx.sql, rule);
  await changed(tx, policy, { addedRule: rule.id });
  return rule;
}

const ruleIn = (policy: QosPolicyWithRules, type: QosRuleType, id: string): QosRule => {
  const rule = policy.rules.find((one) => one.id === id && one.type === type);
  if (rule === undefined) throw qosRuleNotFound(policy.id, id);
  return rule;
};

export async function updateQosRule(
  tx: Transaction,
  requester: Requester,
  at: { policyId: string; type: QosRuleType; id: string },
  wire: QosRuleWire,
): Promise<QosRule> {
  const policy = await lockOwned(tx, requester, at.policyId, `update_policy_${at.type}_rule`);
  const held = ruleIn(policy, at.type, at.id);
  const rule = { ...held, ...readRuleValues(at.type, wire, held) };
  checkTogether(policy.id, rule, policy.rules);
  await updateQosRuleRow(tx.sql, rule);
  await changed(tx, policy, { changedRule: rule.id });
  return rule;
}

export async function deleteQosRule(
  tx: Transaction,
  requester: Requester,
  at: { policyId: string; type: QosRuleType; id: string },
): Promise<void> {
  const policy = await lockOwned(tx, requester, at.policyId, `delete_policy_${at.type}_rule`);
  const rule = ruleIn(policy, at.type, at.id);
  await deleteQosRuleRow(tx.sql, rule.id);
  await changed(tx, policy, { removedRule: rule.id });
}

export async function readQosRule(
  sql: Queryable,
  requester: Requester,
  at: { policyId: string; type: QosRuleType; id: string },
): Promise<QosRule> {
  return ruleIn(await readQosPolicy(sql, requester, at.policyId), at.type, at.id);
}

export async function readQosRules(
  sql: Queryable,
  requester: Requester,
  at: { policyId: string; type: QosRuleType },
  request: ListRequest,
): Promise<QosRule[]> {
  await readQosPolicy(sql, requester, at.policyId);
  return listQosRules(sql, at.policyId, at.type, request);
}

/** Extension "qos-rules-alias": a rule by itself. Where the policy is not seen, neither is the rule. */
export async function policyOfRule(
  sql: Queryable,
  requester: Requester,
  type: QosRuleType,
  id: string,
): Promise<string> {
  const policyId = await findPolicyOfRule(sql, type, id);
  if (policyId === null || (await findQosPolicy(sql, requester, policyId)) === null) throw qosRuleNotFound("", id);
  return policyId;
}
