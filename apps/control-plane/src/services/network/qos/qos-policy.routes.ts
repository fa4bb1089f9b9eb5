import { type Route, route } from "../../../http/service.ts";
import { crudRoutes } from "../common/crud-routes.ts";
import type { QosRuleType } from "./qos-policy.model.ts";
import {
  createQosPolicyHandler,
  deleteQosPolicyHandler,
  listQosPolicies,
  listRuleTypes,
  ruleHandlers,
  showQosPolicy,
  showRuleType,
  updateQosPolicyHandler,
} from "./qos-policy.handlers.ts";
import {
  createQosPolicySchema,
  createQosRuleSchema,
  updateQosPolicySchema,
  updateQosRuleSchema,
} from "./qos-policy.schema.ts";

function ruleRoutes(type: QosRuleType): Route[] {
  const member = `${type}_rule`;
  const { alias, ...calls } = ruleHandlers(type, member);
  const update = updateQosRuleSchema(type, member);
  const noun = `policy_${member}`;
  const one = `/v2.0/qos/alias_${member}s/:id`;
  const routes = crudRoutes(
    `/v2.0/qos/policies/:policy_id/${member}s`,
    noun,
    { create: createQosRuleSchema(type, member), update },
    calls,
  );
  return [
    ...routes,
    route({ method: "GET", path: one, rule: `get_${noun}`, handler: alias.show }),
    route({ method: "PUT", path: one, rule: `update_${noun}`, body: update, handler: alias.update }),
    route({ method: "DELETE", path: one, rule: `delete_${noun}`, handler: alias.remove }),
  ];
}

export const qosRoutes: Route[] = [
  ...crudRoutes(
    "/v2.0/qos/policies",
    "policy",
    { create: createQosPolicySchema, update: updateQosPolicySchema },
    {
      list: listQosPolicies,
      create: createQosPolicyHandler,
      show: showQosPolicy,
      update: updateQosPolicyHandler,
      remove: deleteQosPolicyHandler,
    },
  ),
  ...ruleRoutes("bandwidth_limit"),
  ...ruleRoutes("dscp_marking"),
  ...ruleRoutes("minimum_bandwidth"),
  route({ method: "GET", path: "/v2.0/qos/rule-types", rule: "get_rule_type", handler: listRuleTypes }),
  route({ method: "GET", path: "/v2.0/qos/rule-types/:type", rule: "get_rule_type_details", handler: showRuleType }),
];
