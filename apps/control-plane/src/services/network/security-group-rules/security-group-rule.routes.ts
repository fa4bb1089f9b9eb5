import { type Route, route } from "../../../http/service.ts";
import {
  createSecurityGroupRule,
  deleteSecurityGroupRule,
  listSecurityGroupRules,
  showSecurityGroupRule,
} from "./security-group-rule.handlers.ts";
import { createSecurityGroupRuleSchema } from "./security-group-rule.schema.ts";

export const securityGroupRuleRoutes: Route[] = [
  route({
    method: "GET",
    path: "/v2.0/security-group-rules",
    rule: "get_security_group_rule",
    handler: listSecurityGroupRules,
  }),
  route({
    method: "POST",
    path: "/v2.0/security-group-rules",
    rule: "create_security_group_rule",
    body: createSecurityGroupRuleSchema,
    handler: createSecurityGroupRule,
  }),
  route({
    method: "GET",
    path: "/v2.0/security-group-rules/:id",
    rule: "get_security_group_rule",
    handler: showSecurityGroupRule,
  }),
  route({
    method: "DELETE",
    path: "/v2.0/security-group-rules/:id",
    rule: "delete_security_group_rule",
    handler: deleteSecurityGroupRule,
  }),
];
