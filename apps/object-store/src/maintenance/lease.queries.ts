import type { Queryable } from "@andromede/platform/db/database";

/** A class of advisory locks of its own. */
const LEASE = 1_868_720_750;

/** For the session. */
export async function tryLease(sql: Queryable, name: string): Promise<boolean> {
  const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${LEASE}::int, hashtext(${name})) as taken`;
  return row?.taken === true;
}
