import type { Queryable } from "@andromede/platform/db/database";

import type { ChunkName } from "./collect.queries.ts";

/**
 * The moment before which what was looked at is due again: one for all of a turn, so that it ends. It goes back to the
 * database as text: the client would cut a timestamp's microseconds off.
 */
export async function findDueBefore(sql: Queryable, ageSeconds: number): Promise<string> {
  const [row] = await sql<{ before: string }[]>`
    select (clock_timestamp() - make_interval(secs => ${ageSeconds}))::text as before`;
  if (row === undefined) throw new Error("no time was given");
  return row.before;
}

export type ChunkToScrub = ChunkName & { bytes: number };

/** Chunks that are due, the longest first. */
export async function listChunksToScrub(sql: Queryable, before: string, limit: number): Promise<ChunkToScrub[]> {
  return sql<ChunkToScrub[]>`
    select writer_id, encode(address, 'hex') as address, bytes from object_chunk
     where garbage_at is null and scrubbed_at < ${before}::text::timestamptz
     order by scrubbed_at limit ${limit}`;
}

/** It was looked at; what was found before, if it is mended, is forgotten. */
export async function markChunkScrubbed(sql: Queryable, chunk: ChunkName, isWhole: boolean): Promise<void> {
  await sql`
    with seen as (update object_chunk set scrubbed_at = now()
                   where writer_id = ${chunk.writerId} and address = decode(${chunk.address}, 'hex'))
    delete from object_damage where ${isWhole} and place = ${`chunk/${chunk.writerId}/${chunk.address}`}`;
}

/** Packs that are full and due. */
export async function listPacksToScrub(sql: Queryable, before: string, limit: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id from object_pack
     where garbage_at is null and sealed_bytes is not null and scrubbed_at < ${before}::text::timestamptz
     order by scrubbed_at limit ${limit}`;
  return rows.map((row) => row.id);
}

export async function markPackScrubbed(sql: Queryable, packId: number, isWhole: boolean): Promise<void> {
  await sql`
    with seen as (update object_pack set scrubbed_at = now() where id = ${packId})
    delete from object_damage where ${isWhole} and place = ${`pack/${packId}`}`;
}
