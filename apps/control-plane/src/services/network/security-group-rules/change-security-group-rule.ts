import { notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import { addressGroupNotFound } from "../address-groups/address-group.model.ts";
import { findAddressGroup } from "../address-groups/address-group.queries.ts";
import type { Requester } from "../common/requester.ts";
import { checkOwned } from "../common/sharing.ts";
import { reserveQuotas } from "../quotas/reserve-quota.ts";
import { securityGroupNotFound } from "../security-groups/security-group.model.ts";
import { findSecurityGroup, touchSecurityGroup } from "../security-groups/security-group.queries.ts";
import { type NewRule, type SecurityGroupRule, ruleExists } from "./security-group-rule.model.ts";
import { deleteRule, findSameRule, insertRule } from "./security-group-rule.queries.ts";

export type CreateRule = { projectId: string; securityGroupId: string; rule: NewRule };

export async function createRules(
  tx: Transaction,
  requester: Requester,
  wanted: CreateRule[],
): Promise<SecurityGroupRule[]> {
  // one flight, in this order; refusals take back what was sent behind them
  const reserving = reserveQuotas(
    tx.sql,
    "security_group_rule",
    wanted.map((one) => one.projectId),
  );
  const making = wanted.map((one) => startRule(tx, requester, one));
  await reserving;
  const made: SecurityGroupRule[] = [];
  for (const finish of making) made.push(await finish());
  return made;
}

/** Sends everything for one rule; the returned function says whether it may stand. */
function startRule(
  tx: Transaction,
  requester: Requester,
  { projectId, securityGroupId, rule }: CreateRule,
): () => Promise<SecurityGroupRule> {
  const { remoteGroupId, remoteAddressGroupId } = rule;
  const row = { ...rule, id: newUuid(), projectId, securityGroupId };
  const looking = Promise.all([
    findSecurityGroup(tx.sql, requester, securityGroupId),
    remoteGroupId === null ? null : findSecurityGroup(tx.sql, requester, remoteGroupId),
    remoteAddressGroupId === null ? null : findAddressGroup(tx.sql, requester, remoteAddressGroupId),
  ]);
  const inserting = Promise.all([insertRule(tx.sql, row), touchSecurityGroup(tx.sql, securityGroupId)]);
  // when the group is missing, that is what is said, and not what the insert says of it
  for (const sent of [looking, inserting]) sent.catch(() => undefined);
  return async () => {
    const [group, remote, addresses] = await looking;
    if (group === null) throw securityGroupNotFound(securityGroupId);
    checkOwned(group, requester, "create_security_group_rule");
    if (remoteGroupId !== null && remote === null) throw securityGroupNotFound(remoteGroupId);
    if (remoteAddressGroupId !== null && addresses === null) throw addressGroupNotFound(remoteAddressGroupId);
    const [inserted] = await inserting;
    if (inserted === null) throw ruleExists((await findSameRule(tx.sql, row)) ?? "unknown");
    tx.event({
      action: "network.security_group_rule.create",
      target: { type: "security_group_rule", id: row.id, projectId },
      detail: { securityGroupId },
    });
    tx.enqueue(`security_group/${securityGroupId}`);
    return inserted;
  };
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
