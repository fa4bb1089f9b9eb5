/** Every statement on key pairs. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Keypair } from "./keypair.model.ts";

const columns = (sql: Queryable) => sql`user_id, name, number, type, public_key, fingerprint, created_at`;

export async function findKeypair(sql: Queryable, userId: string, name: string): Promise<Keypair | null> {
  const [row] = await sql<Keypair[]>`select ${columns(sql)} from keypair where user_id = ${userId} and name = ${name}`;
  return row ?? null;
}

/** By name, after `marker`. */
export async function listKeypairs(
  sql: Queryable,
  userId: string,
  page: { marker: string; limit: number },
): Promise<Keypair[]> {
  return sql<Keypair[]>`
    select ${columns(sql)} from keypair where user_id = ${userId} and name > ${page.marker} order by name limit ${page.limit}`;
}

/** How many the user has; nobody adds one to them until the transaction ends. */
export async function countKeypairsLocked(sql: Queryable, userId: string): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`keypair/${userId}`}, 0))`;
  return countKeypairs(sql, userId);
}

export async function countKeypairs(sql: Queryable, userId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from keypair where user_id = ${userId}`;
  return row?.count ?? 0;
}

/** Null: the user has one of that name. */
export async function insertKeypair(sql: Queryable, keypair: Omit<Keypair, "number">): Promise<Keypair | null> {
  const [row] = await sql<Keypair[]>`
    insert into keypair (user_id, name, type, public_key, fingerprint, created_at)
    values (${keypair.userId}, ${keypair.name}, ${keypair.type}, ${keypair.publicKey}, ${keypair.fingerprint}, ${keypair.createdAt})
    on conflict do nothing returning ${columns(sql)}`;
  return row ?? null;
}

export async function deleteKeypair(sql: Queryable, userId: string, name: string): Promise<boolean> {
  return (await sql`delete from keypair where user_id = ${userId} and name = ${name} returning name`).length > 0;
}
