/** Classes whose rows say what OVN was last brought to. */
import type { Queryable } from "@andromede/platform/db/database";

import { unhurried } from "../../../reconcile/queue.ts";

export type Realised = "network" | "port" | "router" | "floatingip" | "security_group";

/** OVN is as the row was at this revision. A newer row stays behind: its key is queued. Lost with PostgreSQL's last moment, the end of that key is lost too. */
export async function markRealised(sql: Queryable, table: Realised, id: string, revision: number): Promise<void> {
  await sql`update ${sql(table)} set observed_revision = ${revision} where id = ${id} and observed_revision is distinct from ${revision}
    and ${unhurried(sql)}`;
}

/** A row's revision, held until the transaction ends; null: no such row. */
export async function lockRevision(sql: Queryable, table: string, id: string): Promise<number | null> {
  const [row] = await sql<{ revisionNumber: number }[]>`
    select revision_number from ${sql(table)} where id = ${id} for no key update`;
  return row?.revisionNumber ?? null;
}

/** Has it ever been brought to OVN? */
export async function isRealised(sql: Queryable, table: Realised, id: string): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`
    select exists (select 1 from ${sql(table)} where id = ${id} and observed_revision is not null) as there`;
  return row?.there ?? false;
}

export async function listIds(sql: Queryable, table: Realised | "subnet"): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from ${sql(table)} order by id`;
  return rows.map(({ id }) => id);
}

/** Rows that OVN should have rows of its own for, by its classes. */
export async function listExpected(
  sql: Queryable,
): Promise<{ owner: "network" | "port" | "router_port" | "router" | "security_group"; id: string }[]> {
  return sql`
    select 'network' as owner, id from network where observed_revision is not null
    union all select case when device_owner = 'network:router_interface' then 'router_port' else 'port' end, id
      from port where observed_revision is not null and device_owner not in ('network:floatingip', 'network:router_gateway')
    union all select 'router', id from router where observed_revision is not null
    union all select 'security_group', id from security_group where observed_revision is not null`;
}

/** Of these ids, those that no row has any more. */
export async function listGone(sql: Queryable, table: Realised | "subnet", ids: string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select c.id from unnest(${ids}::text[]) as c(id) where not exists (select 1 from ${sql(table)} t where t.id = c.id)`;
  return rows.map(({ id }) => id);
}
