/** One-time tokens for consoles. Only their hashes are kept. */
import type { Queryable } from "@andromede/platform/db/database";

export type ConsoleStream = "vnc" | "serial";

export async function insertConsoleToken(
  sql: Queryable,
  token: { hash: string; serverId: string; stream: ConsoleStream; expiresAt: Date },
  now: Date,
): Promise<void> {
  await Promise.all([
    sql`delete from console_token where expires_at < ${now}`,
    sql`insert into console_token (token_hash, server_id, stream, expires_at) values (${token.hash}, ${token.serverId}, ${token.stream}, ${token.expiresAt})`,
  ]);
}

/** What a token would open, without using it up. */
export async function findConsoleToken(sql: Queryable, hash: string, now: Date): Promise<{ serverId: string } | null> {
  const [row] = await sql<{ serverId: string }[]>`
    select server_id from console_token where token_hash = ${hash} and expires_at >= ${now}`;
  return row ?? null;
}

/** Uses a token up. Null: unknown, used, run out, or for another stream; or its server is gone. */
export async function takeConsoleToken(
  sql: Queryable,
  hash: string,
  stream: ConsoleStream,
  now: Date,
): Promise<{ serverId: string; projectId: string; host: string | null } | null> {
  const [row] = await sql<{ serverId: string; projectId: string; host: string | null }[]>`
    with taken as (delete from console_token where token_hash = ${hash} and stream = ${stream} and expires_at >= ${now} returning server_id)
    select s.id as server_id, s.project_id, s.host from taken join server s on s.id = taken.server_id where not s.deleting`;
  return row ?? null;
}
