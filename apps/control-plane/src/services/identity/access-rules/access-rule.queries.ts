import { newHexId } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";
import type { AccessRule } from "@andromede/platform/tokens/actor";

import type { OwnedRule } from "./access-rule.model.ts";

const columns = (sql: Queryable) => sql`id, user_id, service, path, method`;

export async function listRules(
  sql: Queryable,
  userId: string,
  filter: { [member in keyof AccessRule]: string | undefined },
): Promise<OwnedRule[]> {
  const { service, path, method } = filter;
  return sql<OwnedRule[]>`
    select ${columns(sql)} from access_rule
    where user_id = ${userId} ${service === undefined ? sql`` : sql`and service = ${service}`}
      ${path === undefined ? sql`` : sql`and path = ${path}`} ${method === undefined ? sql`` : sql`and method = ${method}`}
    order by id limit 10000`;
}

export async function findRule(sql: Queryable, userId: string, id: string): Promise<OwnedRule | null> {
  const [row] = await sql<
    OwnedRule[]
  >`select ${columns(sql)} from access_rule where id = ${id} and user_id = ${userId}`;
  return row ?? null;
}

export async function findRuleById(sql: Queryable, id: string): Promise<OwnedRule | null> {
  const [row] = await sql<OwnedRule[]>`select ${columns(sql)} from access_rule where id = ${id}`;
  return row ?? null;
}

/** The same rule twice is one. */
export async function ensureRule(sql: Queryable, userId: string, rule: AccessRule): Promise<OwnedRule> {
  const [row] = await sql<OwnedRule[]>`
    insert into access_rule (id, user_id, service, path, method)
    values (${newHexId()}, ${userId}, ${rule.service}, ${rule.path}, ${rule.method})
    on conflict (user_id, service, path, method) do update set service = excluded.service
    returning ${columns(sql)}`;
  if (row === undefined) throw new Error("an access rule was neither made nor found");
  return row;
}

export async function deleteRule(sql: Queryable, id: string): Promise<void> {
  await sql`delete from access_rule where id = ${id}`;
}
