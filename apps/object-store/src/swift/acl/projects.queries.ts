/** What Identity knows of an account's project. */
import type { Queryable } from "@andromede/platform/db/database";

/** null: there is no such project. */
export async function findProjectDomain(sql: Queryable, projectId: string): Promise<string | null> {
  const [row] = await sql<{ domainId: string }[]>`select domain_id from project where id = ${projectId}`;
  return row?.domainId ?? null;
}
