import { conflict } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { checkOwned } from "../common/sharing.ts";
import { dropSharing } from "../common/sharing.queries.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { listRulesOfGroups } from "../security-group-rules/security-group-rule.queries.ts";
import { makeGroup, ensureDefaultGroup } from "./default-group.ts";
import {
  DEFAULT_GROUP_NAME,
  type SecurityGroup,
  type SecurityGroupWithRules,
  defaultGroupExists,
  securityGroupInUse,
  securityGroupNotFound,
} from "./security-group.model.ts";
import {
  deleteSecurityGroupRow,
  isSecurityGroupUsed,
  listGroupsNaming,
  lockSecurityGroups,
  updateSecurityGroupRow,
} from "./security-group.queries.ts";

export async function createSecurityGroup(
  tx: Transaction,
  group: { projectId: string; name: string; description: string; stateful: boolean },
): Promise<SecurityGroupWithRules> {
  if (group.name === DEFAULT_GROUP_NAME) throw defaultGroupExists();
  await ensureDefaultGroup(tx, group.projectId);
  await reserveQuota(tx.sql, group.projectId, { security_group: 1 });
  return makeGroup(tx, { ...group, isDefault: false });
}

async function getLocked(
  tx: Transaction,
  requester: Requester,
  id: string,
  action: "update_security_group" | "delete_security_group",
): Promise<SecurityGroup> {
  const [group] = await lockSecurityGroups(tx.sql, requester, [id], true);
  if (group === undefined) throw securityGroupNotFound(id);
  checkOwned(group, requester, action);
  return group;
}

export async function updateSecurityGroup(
  tx: Transaction,
  requester: Requester,
  id: string,
  change: Partial<Pick<SecurityGroup, "name" | "description" | "stateful">>,
): Promise<SecurityGroupWithRules> {
  const group = await getLocked(tx, requester, id, "update_security_group");
  if (change.name !== undefined && change.name !== group.name) {
    if (group.isDefault)
      throw conflict("Updating default security group not allowed.", { type: "SecurityGroupCannotUpdateDefault" });
    if (change.name === DEFAULT_GROUP_NAME) throw defaultGroupExists();
  }
  if (change.stateful !== undefined && change.stateful !== group.stateful && (await isSecurityGroupUsed(tx.sql, id)))
    throw securityGroupInUse(id);
  const [changed, rules] = await Promise.all([
    updateSecurityGroupRow(tx.sql, id, change),
    listRulesOfGroups(tx.sql, [id]),
  ]);
  tx.event({
    action: "network.security_group.update",
    target: { type: "security_group", id, projectId: group.projectId },
  });
  tx.enqueue(`security_group/${id}`);
  return { ...changed, rules };
}

export async function deleteSecurityGroup(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const group = await getLocked(tx, requester, id, "delete_security_group");
  if (group.isDefault && !requester.admin) {
    throw conflict("Insufficient rights for removing default security group.", {
      type: "SecurityGroupCannotRemoveDefault",
    });
  }
  if (await isSecurityGroupUsed(tx.sql, id)) throw securityGroupInUse(id);
  for (const other of await listGroupsNaming(tx.sql, id)) tx.enqueue(`security_group/${other}`);
  await Promise.all([deleteSecurityGroupRow(tx.sql, id), dropSharing(tx.sql, id)]);
  tx.event({
    action: "network.security_group.delete",
    target: { type: "security_group", id, projectId: group.projectId },
  });
  tx.enqueue(`security_group/${id}`);
}
