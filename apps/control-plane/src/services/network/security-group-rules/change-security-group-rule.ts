import { notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { securityGroupNotFound } from "../security-groups/security-group.model.ts";
import { findSecurityGroup, touchSecurityGroup } from "../security-groups/security-group.queries.ts";
import { type NewRule, type SecurityGroupRule, ruleExists } from "./security-group-rule.model.ts";
import { deleteRule, findSameRule, insertRule } from "./security-group-rule.queries.ts";

export type CreateRule = { projectId: string; securityGroupId: string; rule: NewRule };

export async function createRules(tx: Transaction, requester: Requester, wanted: CreateRule[]): Promise<SecurityGroupRule[]> {
  await reserveAll(tx, wanted);
  const made: SecurityGroupRule[] = [];
  // one after the other: a duplicate within the request is a duplicate too
  for (const one of wanted) made.push(await createRule(tx, requester, one));
  return made;
}

async function reserveAll(tx: Transaction, wanted: CreateRule[]): Promise<void> {
  const projects = [...new Set(wanted.map(({ projectId }) => projectId))].toSorted();
  for (const projectId of projects) {
    await reserveQuota(tx.sql, projectId, { security_group_rule: wanted.filter((one) => one.projectId === projectId).length });
  }
}

async function createRule(tx: Transaction, requester: Requester, { projectId, securityGroupId, rule }: CreateRule): Promise<SecurityGroupRule> {
  const { remoteGroupId } = rule;
  const [group, remote] = await Promise.all([
    findSecurityGroup(tx.sql, requester, securityGroupId),
    remoteGroupId === null ? null : findSecurityGroup(tx.sql, requester, remoteGroupId),
  ]);
  if (group === null) throw securityGroupNotFound(securityGroupId);
  if (remoteGroupId !== null && remote === null) throw securityGroupNotFound(remoteGroupId);
  const row = { ...rule, id: newUuid(), projectId, securityGroupId };
  const [inserted] = await Promise.all([insertRule(tx.sql, row), touchSecurityGroup(tx.sql, securityGroupId)]);
  if (inserted === null) throw ruleExists((await findSameRule(tx.sql, row)) ?? "unknown");
  tx.event({ action: "network.security_group_rule.create", target: { type: "security_group_rule", id: row.id, projectId }, detail: { securityGroupId } });
  tx.enqueue(`security_group/${securityGroupId}`);
  return inserted;
}

export async function removeRule(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const gone = await deleteRule(tx.sql, requester, id);
  if (gone === null) throw notFound(`Security group rule ${id} does not exist`, { type: "SecurityGroupRuleNotFound" });
  await touchSecurityGroup(tx.sql, gone.securityGroupId);
  tx.event({
    action: "network.security_group_rule.delete",
    target: { type: "security_group_rule", id, projectId: gone.projectId },
    detail: { securityGroupId: gone.securityGroupId },
  });
  tx.enqueue(`security_group/${gone.securityGroupId}`);
}
