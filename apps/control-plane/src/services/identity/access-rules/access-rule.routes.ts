import { type Route, route } from "../../../http/service.ts";
import { handleDeleteRule, handleListRules, handleShowRule } from "./access-rule.handlers.ts";

const list = "/v3/users/:user_id/access_rules";
const one = `${list}/:access_rule_id`;

export const accessRuleRoutes: Route[] = [
  route({ method: "GET", path: list, rule: "identity:list_access_rules", handler: handleListRules }),
  route({ method: "GET", path: one, rule: "identity:get_access_rule", handler: handleShowRule }),
  route({ method: "DELETE", path: one, rule: "identity:delete_access_rule", handler: handleDeleteRule }),
];
