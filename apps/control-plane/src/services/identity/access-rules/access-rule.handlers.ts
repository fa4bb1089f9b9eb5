import { isAdmin } from "../../../http/policy.ts";
import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { refused } from "../shared/authority.ts";
import { identityUrl, listLinks } from "../shared/identity-links.ts";
import type { OwnedRule } from "./access-rule.model.ts";
import { deleteAccessRule, readAccessRule, readAccessRules } from "./use-access-rules.ts";

const userIdOf = (request: Pick<ApiRequest, "params">): string => request.params["user_id"] ?? "";
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["access_rule_id"] ?? "";

function assertOwner(request: Pick<ApiRequest, "actor" | "plane" | "params">, rule: string): void {
  if (request.actor.userId !== userIdOf(request) && !isAdmin(request.actor, request.plane)) throw refused(rule);
}

const toView = (rule: OwnedRule, baseUrl: string) => ({
  id: rule.id,
  service: rule.service,
  path: rule.path,
  method: rule.method,
  links: { self: identityUrl(baseUrl, `users/${rule.userId}/access_rules/${rule.id}`) },
});

export async function handleListRules(request: ApiRequest): Promise<Reply> {
  assertOwner(request, "list_access_rules");
  const rules = await readAccessRules(request, userIdOf(request));
  return ok({ access_rules: rules.map((rule) => toView(rule, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowRule(request: ApiRequest): Promise<Reply> {
  assertOwner(request, "get_access_rule");
  return ok({ access_rule: toView(await readAccessRule(request, userIdOf(request), idOf(request)), request.baseUrl) });
}

export async function handleDeleteRule(request: ApiRequest): Promise<Reply> {
  assertOwner(request, "delete_access_rule");
  await deleteAccessRule(request, userIdOf(request), idOf(request));
  return noContent();
}
