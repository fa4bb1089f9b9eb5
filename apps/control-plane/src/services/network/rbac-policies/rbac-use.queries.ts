/** Who uses what was shared with it: a policy that somebody relies on cannot be taken away. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Fragment } from "../common/list.queries.ts";
import { EVERYBODY, type Sharable } from "../common/sharing.ts";

/** Projects that hold something which hangs on the object. */
function usersOf(sql: Queryable, type: Sharable, id: string): Fragment {
  switch (type) {
    case "network":
      return sql`select project_id from port where network_id = ${id} and project_id <> ''
        union select project_id from subnet where network_id = ${id}`;
    case "qos_policy":
      return sql`select project_id from network where qos_policy_id = ${id} union select project_id from port where qos_policy_id = ${id}
        union select project_id from floatingip where qos_policy_id = ${id} union select project_id from router where gateway_qos_policy_id = ${id}`;
    case "security_group":
      return sql`select project_id from port where security_group_ids @> array[${id}]::text[]
        union select project_id from security_group_rule where remote_group_id = ${id}`;
    case "address_scope":
      return sql`select project_id from subnetpool where address_scope_id = ${id}`;
    case "subnetpool":
      return sql`select project_id from subnet where subnetpool_id = ${id}`;
    case "address_group":
      return sql`select project_id from security_group_rule where remote_address_group_id = ${id}`;
  }
}

/** Does a project other than the owner and those in `openTo` use it? */
export async function isUsedWithoutWildcard(
  sql: Queryable,
  type: Sharable,
  object: { id: string; projectId: string },
  openTo: readonly string[],
): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    select exists (select 1 from (${usersOf(sql, type, object.id)}) u
      where u.project_id <> all(${[object.projectId, ...openTo]}::text[])) as used`;
  return row?.used ?? false;
}

/** Would the object still be in use by somebody whom the remaining policies do not let in? */
export async function isNeeded(
  sql: Queryable,
  type: Sharable,
  object: { id: string; projectId: string; sharedWith: string[] },
  leaving: string,
): Promise<boolean> {
  const remaining = object.sharedWith.filter((target) => target !== leaving);
  if (remaining.includes(EVERYBODY)) return false;
  if (leaving === EVERYBODY) return isUsedWithoutWildcard(sql, type, object, remaining);
  if (leaving === object.projectId) return false;
  const [row] = await sql<{ used: boolean }[]>`
    select exists (select 1 from (${usersOf(sql, type, object.id)}) u where u.project_id = ${leaving}) as used`;
  return row?.used ?? false;
}

/** The same of a way out: routers with their gateway there, and floating IPs. */
export async function isWayOutNeeded(sql: Queryable, networkId: string, leaving: string): Promise<boolean> {
  const users = sql`select r.project_id from router r where r.gateway_network_id = ${networkId}
    union select f.project_id from floatingip f where f.floating_network_id = ${networkId}`;
  const [row] = await sql<{ used: boolean }[]>`
    select exists (select 1 from network n, (${users}) u where n.id = ${networkId} and u.project_id <> n.project_id
      and not n.external_to && array_remove(array['*', u.project_id], ${leaving})
      and not n.shared_with && array['*', u.project_id]
      and (${leaving} = '*' or u.project_id = ${leaving})) as used`;
  return row?.used ?? false;
}

/** The network is a way out no longer. */
export async function dropExternalPolicies(sql: Queryable, networkId: string): Promise<void> {
  await sql`delete from rbac_policy where object_id = ${networkId} and action = 'access_as_external'`;
}
