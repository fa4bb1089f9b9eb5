import type { Queryable } from "@andromede/platform/db/database";

import { afterMarker, filtersOf, findMarker, inOrder, nothing, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import type { NewRule, SecurityGroupRule } from "./security-group-rule.model.ts";

const columns = (
  sql: Queryable,
) => sql`t.id, t.project_id, t.security_group_id, t.direction, t.ethertype, t.protocol, t.port_range_min,
  t.port_range_max, t.remote_group_id, t.remote_ip_prefix, t.remote_address_group_id, t.description, t.tags, t.revision_number, t.created_at, t.updated_at`;

export type InsertedRule = NewRule & { id: string; projectId: string; securityGroupId: string };

/** Null for a rule that is there already. */
export async function insertRule(sql: Queryable, rule: InsertedRule): Promise<SecurityGroupRule | null> {
  const [row] = await sql<SecurityGroupRule[]>`
    insert into security_group_rule as t (id, project_id, security_group_id, direction, ethertype, protocol, port_range_min, port_range_max,
      remote_group_id, remote_ip_prefix, remote_address_group_id, description, match_protocol, match_prefix)
    values (${rule.id}, ${rule.projectId}, ${rule.securityGroupId}, ${rule.direction}, ${rule.ethertype}, ${rule.protocol}, ${rule.portRangeMin},
      ${rule.portRangeMax}, ${rule.remoteGroupId}, ${rule.remoteIpPrefix}, ${rule.remoteAddressGroupId}, ${rule.description}, ${rule.matchProtocol}, ${rule.matchPrefix})
    on conflict on constraint security_group_rule_once do nothing returning ${columns(sql)}`;
  return row ?? null;
}

/** The rule that means the same. */
export async function findSameRule(sql: Queryable, rule: InsertedRule): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select id from security_group_rule where security_group_id = ${rule.securityGroupId} and direction = ${rule.direction}
      and ethertype = ${rule.ethertype} and match_protocol is not distinct from ${rule.matchProtocol}
      and port_range_min is not distinct from ${rule.portRangeMin} and port_range_max is not distinct from ${rule.portRangeMax}
      and remote_group_id is not distinct from ${rule.remoteGroupId}
      and remote_address_group_id is not distinct from ${rule.remoteAddressGroupId} and match_prefix is not distinct from ${rule.matchPrefix}`;
  return row?.id ?? null;
}

export async function findRule(sql: Queryable, requester: Requester, id: string): Promise<SecurityGroupRule | null> {
  const [row] = await sql<SecurityGroupRule[]>`
    select ${columns(sql)} from security_group_rule t
    where t.id = ${id} ${requester.admin ? nothing(sql) : sql`and t.project_id = ${requester.projectId}`}`;
  return row ?? null;
}

const scope = (sql: Queryable, requester: Requester) =>
  requester.admin ? sql`true` : sql`t.project_id = ${requester.projectId}`;

export async function listRules(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<SecurityGroupRule[]> {
  const marker = await findMarker(sql, "security_group_rule", scope(sql, requester), request);
  const rows = await sql<SecurityGroupRule[]>`
    select ${columns(sql)} from security_group_rule t where ${scope(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function listRulesOfGroups(sql: Queryable, securityGroupIds: string[]): Promise<SecurityGroupRule[]> {
  return sql<SecurityGroupRule[]>`
    select ${columns(sql)} from security_group_rule t where t.security_group_id = any(${securityGroupIds}::text[])
    order by t.security_group_id, t.created_at, t.id`;
}

export async function deleteRule(
  sql: Queryable,
  requester: Requester,
  id: string,
): Promise<{ securityGroupId: string; projectId: string } | null> {
  const [row] = await sql<{ securityGroupId: string; projectId: string }[]>`
    delete from security_group_rule t
    where t.id = ${id} ${requester.admin ? nothing(sql) : sql`and t.project_id = ${requester.projectId}`}
    returning t.security_group_id, t.project_id`;
  return row ?? null;
}

/** A group's rules with the addresses that they name by an address group. */
export async function listRulesWithAddresses(
  sql: Queryable,
  securityGroupId: string,
): Promise<(SecurityGroupRule & { remoteAddresses: string[] | null })[]> {
  return sql<(SecurityGroupRule & { remoteAddresses: string[] | null })[]>`
    select ${columns(sql)}, g.addresses as remote_addresses from security_group_rule t
      left join address_group g on g.id = t.remote_address_group_id
    where t.security_group_id = ${securityGroupId} order by t.created_at, t.id`;
}
