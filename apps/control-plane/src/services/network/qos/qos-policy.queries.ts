import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { openTo } from "../common/sharing.queries.ts";
import type { QosPolicy, QosPolicyWithRules, QosRule } from "./qos-policy.model.ts";

const columns = (sql: Queryable): Fragment =>
  sql`t.id, t.project_id, t.name, t.description, t.shared_with, t.is_default, t.tags, t.revision_number, t.created_at, t.updated_at`;
const ruleJson = (sql: Queryable): Fragment => sql`
  jsonb_build_object('id', q.id, 'qosPolicyId', q.qos_policy_id, 'type', q.type, 'direction', q.direction, 'maxKbps', q.max_kbps,
    'maxBurstKbps', q.max_burst_kbps, 'dscpMark', q.dscp_mark, 'minKbps', q.min_kbps)`;

/** As JSON, the rules of the policy that an expression names; nothing for null. */
export const rulesOf = (sql: Queryable, policyId: Fragment): Fragment => sql`
  coalesce((select jsonb_agg(${ruleJson(sql)} order by q.id) from qos_rule q where q.qos_policy_id = ${policyId}), '[]')`;

const withRules = (sql: Queryable): Fragment => sql`${columns(sql)}, ${rulesOf(sql, sql`t.id`)} as rules`;

export async function insertQosPolicy(
  sql: Queryable,
  policy: Pick<QosPolicy, "id" | "projectId" | "name" | "description" | "sharedWith" | "isDefault">,
): Promise<QosPolicy> {
  const [row] = await sql<QosPolicy[]>`
    insert into qos_policy as t (id, project_id, name, description, shared_with, is_default)
    values (${policy.id}, ${policy.projectId}, ${policy.name}, ${policy.description}, ${policy.sharedWith}, ${policy.isDefault})
    returning ${columns(sql)}`;
  return row as QosPolicy;
}

export async function findQosPolicy(
  sql: Queryable,
  requester: Requester,
  id: string,
): Promise<QosPolicyWithRules | null> {
  const [row] = await sql<QosPolicyWithRules[]>`
    select ${withRules(sql)} from qos_policy t where t.id = ${id} and ${openTo(sql, requester)}`;
  return row ?? null;
}

/** Held: `for update` against everything, else only against its deletion. */
export async function lockQosPolicy(
  sql: Queryable,
  requester: Requester,
  id: string,
  exclusive: boolean,
): Promise<QosPolicyWithRules | null> {
  const [row] = await sql<QosPolicyWithRules[]>`
    select ${withRules(sql)} from qos_policy t where t.id = ${id} and ${openTo(sql, requester)}
    ${exclusive ? sql`for update of t` : sql`for key share of t`}`;
  return row ?? null;
}

export async function findDefaultPolicyId(sql: Queryable, projectId: string): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`select id from qos_policy where project_id = ${projectId} and is_default`;
  return row?.id ?? null;
}

export async function listQosPolicies(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<QosPolicyWithRules[]> {
  const marker = await findMarker(sql, "qos_policy", openTo(sql, requester), request);
  const rows = await sql<QosPolicyWithRules[]>`
    select ${withRules(sql)} from qos_policy t where ${openTo(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateQosPolicyRow(
  sql: Queryable,
  id: string,
  change: Pick<QosPolicy, "name" | "description" | "sharedWith" | "isDefault">,
): Promise<void> {
  await sql`
    update qos_policy set name = ${change.name}, description = ${change.description}, shared_with = ${change.sharedWith},
      is_default = ${change.isDefault}, revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

/** A rule came, changed or went. */
export async function touchQosPolicy(sql: Queryable, id: string): Promise<void> {
  await sql`update qos_policy set revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

export async function deleteQosPolicyRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from qos_policy where id = ${id}`;
}

/** Something that goes by the policy; null: nothing does. */
export async function findUser(sql: Queryable, id: string): Promise<{ type: string; id: string } | null> {
  const [row] = await sql<{ type: string; id: string }[]>`
    (select 'network' as type, id from network where qos_policy_id = ${id} limit 1)
    union all (select 'port', id from port where qos_policy_id = ${id} limit 1)
    union all (select 'floatingip', id from floatingip where qos_policy_id = ${id} limit 1)
    union all (select 'router', id from router where gateway_qos_policy_id = ${id} limit 1) limit 1`;
  return row ?? null;
}

/** Whose rows in OVN change with the policy's rules: its own, and those of what has none of its own on its networks. */
export async function listShaped(
  sql: Queryable,
  id: string,
): Promise<{ type: "port" | "floatingip" | "router"; id: string }[]> {
  const networks = sql`(select n.id from network n where n.qos_policy_id = ${id})`;
  return sql`
    select 'port' as type, id from port where qos_policy_id = ${id}
    union all select 'port', p.id from port p where p.network_id in ${networks} and p.qos_policy_id is null and p.device_owner not like 'network:%'
    union all select 'floatingip', id from floatingip where qos_policy_id = ${id} and router_id is not null
    union all select 'floatingip', f.id from floatingip f where f.floating_network_id in ${networks} and f.qos_policy_id is null and f.router_id is not null
    union all select 'router', id from router where gateway_qos_policy_id = ${id}
    union all select 'router', r.id from router r where r.gateway_network_id in ${networks} and r.gateway_qos_policy_id is null`;
}

export async function insertQosRule(sql: Queryable, rule: QosRule): Promise<void> {
  await sql`
    insert into qos_rule (id, qos_policy_id, type, direction, max_kbps, max_burst_kbps, dscp_mark, min_kbps)
    values (${rule.id}, ${rule.qosPolicyId}, ${rule.type}, ${rule.direction}, ${rule.maxKbps}, ${rule.maxBurstKbps}, ${rule.dscpMark}, ${rule.minKbps})`;
}

export async function updateQosRuleRow(sql: Queryable, rule: QosRule): Promise<void> {
  await sql`
    update qos_rule set direction = ${rule.direction}, max_kbps = ${rule.maxKbps}, max_burst_kbps = ${rule.maxBurstKbps},
      dscp_mark = ${rule.dscpMark}, min_kbps = ${rule.minKbps} where id = ${rule.id}`;
}

export async function deleteQosRuleRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from qos_rule where id = ${id}`;
}

/** The policy that a rule is in; null: there is no such rule. */
export async function findPolicyOfRule(sql: Queryable, type: string, id: string): Promise<string | null> {
  const [row] = await sql<{ qosPolicyId: string }[]>`
    select qos_policy_id from qos_rule where id = ${id} and type = ${type}`;
  return row?.qosPolicyId ?? null;
}

/** A policy's rules of a type. Who may see the policy was asked before. */
export async function listQosRules(
  sql: Queryable,
  policyId: string,
  type: string,
  request: ListRequest,
): Promise<QosRule[]> {
  const seen = sql`t.qos_policy_id = ${policyId} and t.type = ${type}`;
  const marker = await findMarker(sql, "qos_rule", seen, request);
  const rows = await sql<QosRule[]>`
    select t.id, t.qos_policy_id, t.type, t.direction, t.max_kbps, t.max_burst_kbps, t.dscp_mark, t.min_kbps from qos_rule t
    where ${sql`t.qos_policy_id = ${policyId} and t.type = ${type}`}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}
