import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import type { SecurityGroupRule } from "../security-group-rules/security-group-rule.model.ts";
import { listRulesOfGroups } from "../security-group-rules/security-group-rule.queries.ts";
import { type SecurityGroup, type SecurityGroupWithRules, securityGroupNotFound } from "./security-group.model.ts";
import { findSecurityGroup, listSecurityGroups } from "./security-group.queries.ts";

async function withRules(sql: Queryable, groups: SecurityGroup[]): Promise<SecurityGroupWithRules[]> {
  const byGroup = new Map<string, SecurityGroupRule[]>(groups.map(({ id }) => [id, []]));
  if (groups.length > 0)
    for (const rule of await listRulesOfGroups(sql, [...byGroup.keys()])) byGroup.get(rule.securityGroupId)?.push(rule);
  return groups.map((group) => ({ ...group, rules: byGroup.get(group.id) ?? [] }));
}

export async function readSecurityGroups(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<SecurityGroupWithRules[]> {
  const groups = await listSecurityGroups(sql, requester, request);
  // rules are the larger part: not read for who does not want them
  if (request.fields.length > 0 && !request.fields.includes("security_group_rules"))
    return groups.map((group) => ({ ...group, rules: [] }));
  return withRules(sql, groups);
}

export async function readSecurityGroup(
  sql: Queryable,
  requester: Requester,
  id: string,
): Promise<SecurityGroupWithRules> {
  const [group, rules] = await Promise.all([findSecurityGroup(sql, requester, id), listRulesOfGroups(sql, [id])]);
  if (group === null) throw securityGroupNotFound(id);
  return { ...group, rules };
}
