import type { Requester } from "../common/requester.ts";
import { isSharedWith } from "../common/sharing.ts";
import { toTime } from "../common/wire.ts";
import { toSecurityGroupRuleView } from "../security-group-rules/security-group-rule.view.ts";
import type { SecurityGroupWithRules } from "./security-group.model.ts";

export function toSecurityGroupView(group: SecurityGroupWithRules, requester: Requester) {
  return {
    id: group.id,
    name: group.name,
    stateful: group.stateful,
    tenant_id: group.projectId,
    project_id: group.projectId,
    description: group.description,
    shared: isSharedWith(group, requester),
    security_group_rules: group.rules.map(toSecurityGroupRuleView),
    tags: group.tags,
    created_at: toTime(group.createdAt),
    updated_at: toTime(group.updatedAt),
    revision_number: group.revisionNumber,
  };
}
