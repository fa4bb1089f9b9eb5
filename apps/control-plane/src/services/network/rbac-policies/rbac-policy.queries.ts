import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import type { Sharable } from "../common/sharing.ts";
import type { RbacPolicy } from "./rbac-policy.model.ts";

const columns = (sql: Queryable): Fragment =>
  sql`t.id, t.project_id, t.object_type, t.object_id, t.action, t.target_project`;
const scope = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin ? sql`true` : sql`t.project_id = ${requester.projectId}`;

/** Null: there is one that says the same. */
export async function insertRbacPolicy(sql: Queryable, policy: RbacPolicy): Promise<RbacPolicy | null> {
  const [row] = await sql<RbacPolicy[]>`
    insert into rbac_policy as t (id, project_id, object_type, object_id, action, target_project)
    values (${policy.id}, ${policy.projectId}, ${policy.objectType}, ${policy.objectId}, ${policy.action}, ${policy.targetProject})
    on conflict do nothing returning ${columns(sql)}`;
  return row ?? null;
}

export async function findRbacPolicy(sql: Queryable, requester: Requester, id: string): Promise<RbacPolicy | null> {
  const [row] = await sql<
    RbacPolicy[]
  >`select ${columns(sql)} from rbac_policy t where t.id = ${id} and ${scope(sql, requester)}`;
  return row ?? null;
}

export async function listRbacPolicies(
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<RbacPolicy[]> {
  const marker = await findMarker(sql, "rbac_policy", scope(sql, requester), request);
  const rows = await sql<RbacPolicy[]>`
    select ${columns(sql)} from rbac_policy t where ${scope(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateTarget(sql: Queryable, id: string, targetProject: string): Promise<void> {
  await sql`update rbac_policy set target_project = ${targetProject} where id = ${id}`;
}

export async function deleteRbacPolicyRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from rbac_policy where id = ${id}`;
}

/** The object that is to be shared, held; null: there is none. */
export async function lockObject(
  sql: Queryable,
  type: Sharable,
  id: string,
): Promise<{ id: string; projectId: string; sharedWith: string[] } | null> {
  const [row] = await sql<{ id: string; projectId: string; sharedWith: string[] }[]>`
    select id, project_id, shared_with from ${sql(type)} where id = ${id} for update`;
  return row ?? null;
}

/** Brings the copy beside the object in line with its policies. A network given away as a way out becomes one. */
export async function refreshTargets(sql: Queryable, type: Sharable, id: string): Promise<void> {
  const targets = (action: string): Fragment => sql`
    array(select r.target_project from rbac_policy r where r.object_id = ${id} and r.action = ${action} order by 1)`;
  const revision = type === "address_scope" ? sql`` : sql`, revision_number = revision_number + 1, updated_at = now()`;
  const external =
    type === "network"
      ? sql`, external_to = ${targets("access_as_external")},
          external = external or exists (select 1 from rbac_policy r where r.object_id = ${id} and r.action = 'access_as_external')`
      : sql``;
  await sql`update ${sql(type)} set shared_with = ${targets("access_as_shared")} ${external} ${revision} where id = ${id}`;
}
