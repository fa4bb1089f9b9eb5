import { newUuid } from "@andromede/base/ids";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import { findProject, insertProject, lockProject } from "../quotas/quota.queries.ts";
import { type NewRule, defaultRule } from "../security-group-rules/security-group-rule.model.ts";
import { insertRule } from "../security-group-rules/security-group-rule.queries.ts";
import { DEFAULT_GROUP_NAME, type SecurityGroupWithRules } from "./security-group.model.ts";
import { insertSecurityGroup, setDefaultGroup } from "./security-group.queries.ts";

/** A group and the rules it is born with: everything may leave; in the default group, its own members may come in. */
export async function makeGroup(
  tx: Transaction,
  group: { projectId: string; name: string; description: string; stateful: boolean; isDefault: boolean },
): Promise<SecurityGroupWithRules> {
  const id = newUuid();
  const rules: NewRule[] = [defaultRule("egress", "IPv4"), defaultRule("egress", "IPv6")];
  if (group.isDefault) rules.push(defaultRule("ingress", "IPv4", id), defaultRule("ingress", "IPv6", id));
  const [made, ...inserted] = await Promise.all([
    insertSecurityGroup(tx.sql, { id, ...group }),
    ...rules.map((rule) =>
      insertRule(tx.sql, { ...rule, id: newUuid(), projectId: group.projectId, securityGroupId: id }),
    ),
  ]);
  tx.event({
    action: "network.security_group.create",
    target: { type: "security_group", id, projectId: group.projectId },
    detail: { name: group.name },
  });
  tx.enqueue(`security_group/${id}`);
  // in the order in which they will be read
  return { ...made, rules: inserted.filter((rule) => rule !== null).toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** The project's `default` group, made on first need. The project's row stays locked when it had to be made. */
export async function ensureDefaultGroup(tx: Transaction, projectId: string): Promise<string> {
  let project = await lockProject(tx.sql, projectId);
  if (project === null) {
    await insertProject(tx.sql, projectId);
    project = await lockProject(tx.sql, projectId);
  }
  if (project?.defaultSecurityGroupId !== null && project?.defaultSecurityGroupId !== undefined)
    return project.defaultSecurityGroupId;
  const { id } = await makeGroup(tx, {
    projectId,
    name: DEFAULT_GROUP_NAME,
    description: "Default security group",
    stateful: true,
    isDefault: true,
  });
  await setDefaultGroup(tx.sql, projectId, id);
  return id;
}

/** Before a list or show: true when the group had to be made just now. */
export async function ensureDefaultGroupSeen(app: App, origin: Origin, projectId: string): Promise<boolean> {
  const project = await findProject(app.db, projectId);
  if (project !== null && project.defaultSecurityGroupId !== null) return false;
  await transact(app, origin, (tx) => ensureDefaultGroup(tx, projectId));
  return true;
}
