import { notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import type { SecurityGroupRule } from "./security-group-rule.model.ts";
import { findRule, listRules } from "./security-group-rule.queries.ts";

export const readRules = (sql: Queryable, requester: Requester, request: ListRequest): Promise<SecurityGroupRule[]> =>
  listRules(sql, requester, request);

export async function readRule(sql: Queryable, requester: Requester, id: string): Promise<SecurityGroupRule> {
  const rule = await findRule(sql, requester, id);
  if (rule === null) throw notFound(`Security group rule ${id} does not exist`, { type: "SecurityGroupRuleNotFound" });
  return rule;
}
