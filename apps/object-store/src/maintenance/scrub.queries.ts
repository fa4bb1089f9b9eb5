import type { Queryable } from "@andromede/platform/db/database";

import type { ChunkName } from "./collect.queries.ts";

export type ChunkToScrub = ChunkName & { bytes: number };

/** Chunks that were not looked at for so long, the longest first. */
export async function listChunksToScrub(sql: Queryable, ageSeconds: number, limit: number): Promise<ChunkToScrub[]> {
  return sql<ChunkToScrub[]>`
    select writer_id, encode(address, 'hex') as address, bytes from object_chunk
     where garbage_at is null and scrubbed_at <= now() - make_interval(secs => ${ageSeconds})
     order by scrubbed_at limit ${limit}`;
}

/** It was looked at; what was found before, if it is mended, is forgotten. */
export async function markChunkScrubbed(sql: Queryable, chunk: ChunkName, isWhole: boolean): Promise<void> {
  await sql`
    with seen as (update object_chunk set scrubbed_at = now()
                   where writer_id = ${chunk.writerId} and address = decode(${chunk.address}, 'hex'))
    delete from object_damage where ${isWhole} and place = ${`chunk/${chunk.writerId}/${chunk.address}`}`;
}

/** Packs that are full and were not looked at for so long. */
export async function listPacksToScrub(sql: Queryable, ageSeconds: number, limit: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id from object_pack
     where garbage_at is null and sealed_bytes is not null and scrubbed_at <= now() - make_interval(secs => ${ageSeconds})
     order by scrubbed_at limit ${limit}`;
  return rows.map((row) => row.id);
}

export async function markPackScrubbed(sql: Queryable, packId: number, isWhole: boolean): Promise<void> {
  await sql`
    with seen as (update object_pack set scrubbed_at = now() where id = ${packId})
    delete from object_damage where ${isWhole} and place = ${`pack/${packId}`}`;
}
