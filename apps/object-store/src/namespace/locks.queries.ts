/**
 * Who may do what at the same time. Advisory locks, because they cost no write: a row lock that many share is a row that is
 * written each time. All end with their transaction. Taken in the order in which they stand here, before anything is read: what a
 * later statement of the transaction reads is then as it is while they are held.
 */
import type { Queryable } from "@andromede/platform/db/database";

/** As in the migration and in the control plane (services/object-store). */
const CONTAINER = 1_868_720_739;
const KEY = 1_868_720_740;
const UPLOAD = 1_868_720_741;
const ACCOUNT_QUOTA = 1_868_720_742;
const CONTAINER_QUOTA = 1_868_720_743;

/** For who writes objects: the container is neither changed nor deleted meanwhile. */
export const shareContainer = (sql: Queryable, containerId: number): Promise<unknown> =>
  sql`select pg_advisory_xact_lock_shared(${CONTAINER}::int, object_container_lock(${containerId}::bigint))`.execute();

/** For who changes or deletes a container: nobody writes into it meanwhile. */
export const lockContainer = (sql: Queryable, containerId: number): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(${CONTAINER}::int, object_container_lock(${containerId}::bigint))`.execute();

/** For who writes parts. */
export const shareUpload = (sql: Queryable, uploadId: string): Promise<unknown> =>
  sql`select pg_advisory_xact_lock_shared(${UPLOAD}::int, hashtext(${uploadId}::text))`.execute();

/** For who completes or aborts an upload. */
export const lockUpload = (sql: Queryable, uploadId: string): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(${UPLOAD}::int, hashtext(${uploadId}::text))`.execute();

/** One writer a key at a time. In the order of the locks' numbers, so that no two wait for each other in a ring. */
export const lockKeys = (sql: Queryable, containerId: number, keys: readonly string[]): Promise<unknown> =>
  sql`
    select pg_advisory_xact_lock(${KEY}::int, l) from (
      select distinct object_key_lock(${containerId}::bigint, key) as l from unnest(${keys}::text[]) as key order by 1
    ) as locks`.execute();

/** For who adds to what has a quota: only so is the sum exact. */
export const lockQuotas = (
  sql: Queryable,
  container: { id: number; projectId: string },
  of: { account: boolean; container: boolean },
): Promise<unknown> =>
  Promise.all([
    of.account
      ? sql`select pg_advisory_xact_lock(${ACCOUNT_QUOTA}::int, hashtext(${container.projectId}::text))`.execute()
      : null,
    of.container
      ? sql`select pg_advisory_xact_lock(${CONTAINER_QUOTA}::int, object_container_lock(${container.id}::bigint))`.execute()
      : null,
  ]);
