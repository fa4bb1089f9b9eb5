import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf } from "../common/requester.ts";
import { pickFields, resourcesOf } from "../common/wire.ts";
import { ensureDefaultGroupSeen } from "../security-groups/default-group.ts";
import { createRules, removeRule } from "./change-security-group-rule.ts";
import { readRule as readRuleRow, readRules } from "./read-security-group-rules.ts";
import { type RuleWire, readRule } from "./security-group-rule.model.ts";
import { securityGroupRuleAttributes } from "./security-group-rule.schema.ts";
import { toSecurityGroupRuleView } from "./security-group-rule.view.ts";

type Wire = RuleWire & { security_group_id: string; project_id?: string; tenant_id?: string };

export async function listSecurityGroupRules(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, securityGroupRuleAttributes);
  if (request.actor.projectId !== null)
    await ensureDefaultGroupSeen(request.app, request.origin, request.actor.projectId);
  const rules = await readRules(request.app.db, requesterOf(request), list);
  return listReply(request, list, "security_group_rules", rules.map(toSecurityGroupRuleView));
}

export async function showSecurityGroupRule(request: ApiRequest): Promise<Reply> {
  const rule = await readRuleRow(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ security_group_rule: pickFields(toSecurityGroupRuleView(rule), request.query.all("fields")) });
}

export async function createSecurityGroupRule(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const { bulk, wires } = resourcesOf<Wire>(request.body, "security_group_rule", "security_group_rules");
  const requester = requesterOf(request);
  const wanted = wires.map((wire) => ({
    projectId: ownerOf(requester, wire),
    securityGroupId: wire.security_group_id,
    rule: readRule(wire),
  }));
  const rules = await mutate(request, (tx) => createRules(tx, requester, wanted));
  const views = rules.map(toSecurityGroupRuleView);
  return created(bulk ? { security_group_rules: views } : { security_group_rule: views[0] });
}

export async function deleteSecurityGroupRule(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => removeRule(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
