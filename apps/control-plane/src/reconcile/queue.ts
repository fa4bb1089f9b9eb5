/** `<kind>/<id>`: all a reconciler is ever given. */
import type { Queryable } from "@andromede/platform/db/database";

export type ResourceKey = `${string}/${string}`;

export type ClaimedKey = { key: ResourceKey; version: number; attempts: number };

/** Adds keys, or makes them due now. The caller wakes the worker once this is committed. A version bump tells a worker that is on the key that it must look again. */
export async function insertKeys(sql: Queryable, keys: ResourceKey[]): Promise<void> {
  // sorted, so that two transactions that enqueue the same keys never deadlock
  await sql`
    insert into reconcile_queue (key, kind)
    select key, split_part(key, '/', 1) from unnest(${keys.toSorted()}::text[]) as key
    on conflict (key) do update set run_at = now(), version = reconcile_queue.version + 1, attempts = 0, waiting_for = null`;
}

/** Tells every worker that listens. `from`: who says so. */
export async function notifyWorkers(sql: Queryable, from: string): Promise<void> {
  await sql`select pg_notify('reconcile', ${from})`;
}

/**
 * What the workers write of their own doings does not wait for the disk, and lets nobody's commit wait for it: true, and a
 * setting for the statement it stands in. When PostgreSQL is killed within the next moment, a claim or an end that is lost
 * means a key that is looked at once more. Never what a customer was told: statements with this MUST NOT be part of a
 * transaction.
 */
export const unhurried = (sql: Queryable) => sql`set_config('synchronous_commit', 'off', true) = 'off'`;

/** Claims up to `limit` due keys of the given kinds for `seat`. SKIP LOCKED: workers never wait for each other. */
export async function claimKeys(
  sql: Queryable,
  seat: string,
  kinds: string[],
  limit: number,
  leaseMs: number,
): Promise<ClaimedKey[]> {
  return sql<ClaimedKey[]>`
    update reconcile_queue set lease_by = ${seat}, lease_until = now() + ${leaseMs} * interval '1 millisecond'
    where key in (
      select key from reconcile_queue
      where run_at <= now() and (lease_until is null or lease_until < now()) and kind = any(${kinds})
      order by run_at limit ${limit} for update skip locked) and ${unhurried(sql)}
    returning key, version, attempts`;
}

/** Keeps the leases of keys that take long. A key that was given back since the caller looked is nobody's: it gets none. */
export async function renewLeases(sql: Queryable, seat: string, keys: string[], leaseMs: number): Promise<void> {
  await sql`
    update reconcile_queue set lease_until = now() + ${leaseMs} * interval '1 millisecond'
    where lease_by = ${seat} and lease_until is not null and key = any(${keys}) and ${unhurried(sql)}`;
}

/**
 * A seat is one process's place; its successor may take over at once what it held when it died, and it itself what it
 * holds without knowing: all but `known`.
 */
export async function releaseSeat(sql: Queryable, seat: string, known: string[] = []): Promise<void> {
  await sql`
    update reconcile_queue set lease_until = null, lease_by = null
    where lease_by = ${seat} and key <> all(${known}::text[])`;
}

/**
 * The key has nothing left to do, unless it was enqueued again meanwhile. Wakes who waited for it; true when the queue may
 * have new due keys. Locks the row before it looks: somebody whose transaction is just enqueuing the key is waited for, and
 * seen. (Without that, this statement would see the row as it was, and neither delete it nor make it due.)
 */
export async function finishKey(sql: Queryable, claimed: ClaimedKey): Promise<boolean> {
  const [row] = await sql<{ released: boolean }[]>`
    with mine as materialized (select key, version <> ${claimed.version} as changed from reconcile_queue
        where key = ${claimed.key} and ${unhurried(sql)} for update),
      finished as (delete from reconcile_queue q using mine where q.key = mine.key and not mine.changed),
      released as (update reconcile_queue q set lease_until = null, lease_by = null, run_at = now() from mine
        where q.key = mine.key and mine.changed returning q.key)
    select exists (select 1 from released) as released`;
  // A statement of its own, so that it sees who began to wait while the first one waited for the row (see postponeKey).
  const woken =
    await sql`update reconcile_queue set run_at = now(), waiting_for = null where waiting_for = ${claimed.key} and ${unhurried(sql)} returning key`;
  return row?.released === true || woken.length > 0;
}

/** Puts the key back for `delayMs`, saying why. Enqueued again meanwhile: due now. */
export async function postponeKey(
  sql: Queryable,
  claimed: ClaimedKey,
  options: { delayMs: number; why: string; waitingFor?: ResourceKey; failed?: boolean },
): Promise<boolean> {
  const waitingFor = options.waitingFor ?? null;
  // The lock makes who finishes the awaited key wait until this is to be seen, and makes this wait for who is finishing it:
  // either they wake us, or we find that there is nothing to wait for.
  const [row] = await sql<{ due: boolean }[]>`
    with awaited as materialized (select key from reconcile_queue where key = ${waitingFor}::text for key share)
    update reconcile_queue q set lease_until = null, lease_by = null, why = ${options.why},
      attempts = ${options.failed === true ? claimed.attempts + 1 : 0},
      waiting_for = (select key from awaited),
      run_at = case when q.version <> ${claimed.version} or (${waitingFor}::text is not null and not exists (select 1 from awaited)) then now()
        else now() + ${options.delayMs} * interval '1 millisecond' end
    where key = ${claimed.key} and ${unhurried(sql)}
    returning run_at <= now() as due`;
  return row?.due ?? false;
}

/** Milliseconds until the next key is due; null when the queue is empty. */
export async function nextDueMs(sql: Queryable, kinds: string[]): Promise<number | null> {
  const [row] = await sql<{ ms: number | null }[]>`
    select extract(epoch from min(greatest(run_at, coalesce(lease_until, run_at))) - now())::float8 * 1000 as ms
    from reconcile_queue where kind = any(${kinds})`;
  return row?.ms ?? null;
}
