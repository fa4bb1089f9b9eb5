import type { Queryable } from "../db/database.ts";

export type RevocationRow = { number: number; subject: string; expiresAt: Date };

/**
 * Advances the clock and says what is revoked from here on. Holds the clock's row until the transaction ends, so this
 * must be the last thing a transaction does.
 */
export async function insertRevocations(sql: Queryable, subjects: string[], expiresAtMs: number): Promise<void> {
  await sql`
    with tick as (update revocation_clock set value = value + 1 returning value)
    insert into revocation (number, subject, expires_at)
    select tick.value, subject, ${new Date(expiresAtMs)} from tick, unnest(${subjects}::text[]) as subject
    on conflict do nothing`;
  await sql`select pg_notify('revocation', '')`;
}

/** What was revoked since; numbers appear in commit order, so nothing is ever missed. */
export async function listRevocationsAfter(sql: Queryable, number: number): Promise<RevocationRow[]> {
  return sql<
    RevocationRow[]
  >`select number, subject, expires_at from revocation where number > ${number} order by number`;
}

/** Drops those that concern no living token any more. */
export async function deleteExpiredRevocations(sql: Queryable, nowMs: number): Promise<void> {
  await sql`delete from revocation where expires_at < ${new Date(nowMs)}`;
}
