import { forbidden, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { refusing } from "../shared/violations.ts";
import type { OwnedRule } from "./access-rule.model.ts";
import { deleteRule, findRule, listRules } from "./access-rule.queries.ts";

const missing = (id: string) => notFound(`Could not find Access Rule: ${id}.`);

export const readAccessRules = (request: ApiRequest, userId: string): Promise<OwnedRule[]> =>
  listRules(request.app.db, userId, {
    service: request.query.get("service"),
    path: request.query.get("path"),
    method: request.query.get("method"),
  });

export async function readAccessRule(request: ApiRequest, userId: string, id: string): Promise<OwnedRule> {
  const rule = await findRule(request.app.db, userId, id);
  if (rule === null) throw missing(id);
  return rule;
}

/** One that an application credential lives by stays. */
export async function deleteAccessRule(request: ApiRequest, userId: string, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const rule = await findRule(tx.sql, userId, id);
    if (rule === null) throw missing(id);
    await refusing(deleteRule(tx.sql, id), {
      dangling: (cause) => forbidden(`May not delete access rule in use: ${id}`, { cause }),
    });
    tx.event({
      action: "identity.access_rule.delete",
      target: { type: "access_rule", id },
      detail: { service: rule.service, method: rule.method, path: rule.path },
    });
  });
}
