import type { Queryable } from "@andromede/platform/db/database";

/** Above all numbers that others lock: a writer's lock is this and its number. */
export const WRITER_LOCK = "4702111234474983424";

/** Makes a writer and takes its lock, in one statement: no writer is ever seen without. The lock is the session's. */
export async function insertWriter(sql: Queryable): Promise<number> {
  const [row] = await sql<{ id: number }[]>`
    with writer as (insert into object_writer default values returning id)
    select id, pg_advisory_lock(${WRITER_LOCK}::bigint + id)::text from writer`;
  if (row === undefined) throw new Error("insert gave no writer");
  return row.id;
}

/** Gives up a writer that has nothing uncommitted. */
export async function endOwnWriter(sql: Queryable, id: number): Promise<void> {
  await sql`
    with ended as (update object_writer set ended_at = now() where id = ${id} and ended_at is null)
    select pg_advisory_unlock(${WRITER_LOCK}::bigint + ${id})`;
}

/** null: the writer was ended, and nobody would look for the pack. */
export async function insertPack(sql: Queryable, writerId: number): Promise<number | null> {
  const [row] = await sql<{ id: number }[]>`
    insert into object_pack (writer_id)
    select id from object_writer where id = ${writerId} and ended_at is null returning id`;
  return row?.id ?? null;
}

/** Nothing is appended any more, and whoever did has committed or never will. */
export async function sealPack(sql: Queryable, id: number, sealedBytes: number): Promise<void> {
  await sql`update object_pack set sealed_bytes = ${sealedBytes} where id = ${id} and sealed_bytes is null`;
}

/** Recorded only while somebody owns these bytes: what is deleted may be gone. */
export async function insertChunkDamage(
  sql: Queryable,
  chunk: { writerId: number; address: string },
  detail: string,
): Promise<void> {
  await sql`
    insert into object_damage (place, detail)
    select ${`chunk/${chunk.writerId}/${chunk.address}`}, ${detail}
     where exists (select from object_chunk
                    where writer_id = ${chunk.writerId} and address = decode(${chunk.address}, 'hex')
                      and garbage_at is null)
    on conflict (place) do nothing`;
}

export async function insertPackDamage(sql: Queryable, packId: number, detail: string): Promise<void> {
  await sql`
    insert into object_damage (place, detail)
    select ${`pack/${packId}`}, ${detail}
     where exists (select from object_pack where id = ${packId} and garbage_at is null)
    on conflict (place) do nothing`;
}
