/** What a project owns of a class, by id. The default group goes last: others may name it. */
import type { Queryable } from "@andromede/platform/db/database";

export async function listOwnedIds(sql: Queryable, table: string, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from ${sql(table)} where project_id = ${projectId} order by id`;
  return rows.map(({ id }) => id);
}

/** Ports that a customer, not the cloud, made. */
export async function listCustomerPorts(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from port where project_id = ${projectId} and device_owner not like 'network:%' order by id`;
  return rows.map(({ id }) => id);
}
