import type { Queryable } from "@andromede/platform/db/database";

import { WRITER_LOCK } from "../bytes/bytes.queries.ts";

/** Writers whose chunks and packs were not gone through yet. `endedSeconds`: how long ago they ended, null for who has not. */
export async function listUnsweptWriters(sql: Queryable): Promise<{ id: number; endedSeconds: number | null }[]> {
  return sql`
    select id, extract(epoch from now() - ended_at)::float8 as ended_seconds
    from object_writer where swept_at is null order by id limit 1000`;
}

/** Ends a writer whose lock is gone; its commits fail from here on. Gives whether it is ended now. */
export async function endDeadWriter(sql: Queryable, id: number): Promise<boolean> {
  // the lock is asked for in a transaction of its own: it is given back with it
  const [row] = await sql<{ dead: boolean }[]>`
    with lock as materialized (select pg_try_advisory_xact_lock(${WRITER_LOCK}::bigint + ${id}) as dead),
      ended as (update object_writer set ended_at = now()
                 where id = ${id} and ended_at is null and (select dead from lock) returning id)
    select dead from lock`;
  return row?.dead === true;
}

/**
 * Transactions of this database that are under way. Who waits until none of them is left has waited for everybody who may
 * have seen what was there before: a transaction has this number before it sees anything.
 */
export async function listTransactions(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select l.virtualtransaction || '/' || l.pid as id
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'virtualxid' and l.granted and l.mode = 'ExclusiveLock'
       and a.datname = current_database() and a.backend_type = 'client backend' and l.pid <> pg_backend_pid()`;
  return rows.map((row) => row.id);
}

/** Which of these a row names. */
export async function listNamed(sql: Queryable, writerId: number, addresses: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ address: string }[]>`
    select encode(c.address, 'hex') as address
      from object_chunk c
     where c.writer_id = ${writerId}
       and c.address = any(select decode(a, 'hex') from unnest(${[...addresses]}::text[]) as a)`;
  return new Set(rows.map((row) => row.address));
}

export async function listOpenPacks(sql: Queryable, writerId: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id from object_pack where writer_id = ${writerId} and sealed_bytes is null order by id`;
  return rows.map((row) => row.id);
}

export async function markSwept(sql: Queryable, id: number): Promise<void> {
  await sql`update object_writer set swept_at = now() where id = ${id} and ended_at is not null`;
}

/** Forgets writers of whom nothing is left. Gives their numbers. */
export async function deleteEmptyWriters(sql: Queryable): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    delete from object_writer w
     where swept_at is not null
       and not exists (select from object_chunk c where c.writer_id = w.id)
       and not exists (select from object_pack p where p.writer_id = w.id)
    returning id`;
  return rows.map((row) => row.id);
}

export type ChunkName = { writerId: number; address: string };

/** Chunks that have been nobody's for so long. */
export async function listGarbageChunks(sql: Queryable, graceSeconds: number, limit: number): Promise<ChunkName[]> {
  return sql<ChunkName[]>`
    select writer_id, encode(address, 'hex') as address from object_chunk
     where garbage_at < now() - make_interval(secs => ${graceSeconds})
     order by garbage_at limit ${limit}`;
}

/** After their files are gone. */
export async function deleteChunks(sql: Queryable, chunks: readonly ChunkName[]): Promise<void> {
  const writers = chunks.map((chunk) => chunk.writerId);
  const addresses = chunks.map((chunk) => chunk.address);
  await sql`
    with gone as (
      delete from object_chunk c
       using unnest(${writers}::int8[], ${addresses}::text[]) as g(writer_id, address)
       where c.writer_id = g.writer_id and c.address = decode(g.address, 'hex') and c.garbage_at is not null
      returning 'chunk/' || g.writer_id || '/' || g.address as place)
    delete from object_damage where place in (select place from gone)`;
}

export type PackState = { id: number; sealedBytes: number; live: number; liveBytes: number };

/** Packs that are full, from this number on, and what of them is still named. */
export async function listPacks(sql: Queryable, after: number, limit: number): Promise<PackState[]> {
  return sql<PackState[]>`
    select p.id, p.sealed_bytes, o.live, o.live_bytes
      from (select id, sealed_bytes from object_pack
             where id > ${after} and sealed_bytes is not null and garbage_at is null order by id limit ${limit}) p
     cross join lateral (select count(*) as live, coalesce(sum(size), 0)::int8 as live_bytes
                           from object where pack_id = p.id) o
     order by p.id`;
}

/** Only a pack that nothing names. */
export async function markPackGarbage(sql: Queryable, id: number): Promise<boolean> {
  const rows = await sql`
    update object_pack set garbage_at = now()
     where id = ${id} and sealed_bytes is not null and garbage_at is null
       and not exists (select from object where pack_id = ${id})
    returning id`;
  return rows.length > 0;
}

export async function listGarbagePacks(sql: Queryable, graceSeconds: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id from object_pack p
     where garbage_at < now() - make_interval(secs => ${graceSeconds})
       and not exists (select from object where pack_id = p.id)
     order by id limit 100`;
  return rows.map((row) => row.id);
}

export async function deletePack(sql: Queryable, id: number): Promise<void> {
  await sql`
    with gone as (delete from object_pack where id = ${id} and garbage_at is not null returning 'pack/' || id as place)
    delete from object_damage where place in (select place from gone)`;
}

/** A body in a pack. */
export type PackedRow = { containerId: number; key: string; sequence: number; size: number; packOffset: number };

export async function listPacked(sql: Queryable, packId: number, from: number, limit: number): Promise<PackedRow[]> {
  return sql<PackedRow[]>`
    select container_id, key, sequence, size, pack_offset from object
     where pack_id = ${packId} and pack_offset >= ${from} order by pack_offset limit ${limit}`;
}

/** The locks that writers of these keys take (`namespace/locks.queries.ts`), in their order. */
export async function lockKeysOf(sql: Queryable, rows: readonly PackedRow[]): Promise<void> {
  const containers = rows.map((row) => row.containerId);
  const keys = rows.map((row) => row.key);
  await sql`
    select pg_advisory_xact_lock_shared(1868720739, l) from (
      select distinct object_container_lock(id) as l from unnest(${containers}::int8[]) as id order by 1) as locks`;
  await sql`
    select pg_advisory_xact_lock(1868720740, l) from (
      select distinct object_key_lock(id, key) as l
        from unnest(${containers}::int8[], ${keys}::text[]) as k(id, key) order by 1) as locks`;
}

export async function isWriterAlive(sql: Queryable, id: number): Promise<boolean> {
  const rows = await sql`select 1 from object_writer where id = ${id} and ended_at is null`;
  return rows.length > 0;
}

/** Rows that are still where they were get their new places. */
export async function movePacked(
  sql: Queryable,
  packId: number,
  moves: readonly (PackedRow & { to: { packId: number; offset: number } })[],
): Promise<void> {
  await sql`
    update object o set pack_id = m.new_pack, pack_offset = m.new_offset
      from unnest(${moves.map((move) => move.containerId)}::int8[], ${moves.map((move) => move.key)}::text[],
                  ${moves.map((move) => move.sequence)}::int8[], ${moves.map((move) => move.packOffset)}::int8[],
                  ${moves.map((move) => move.to.packId)}::int8[], ${moves.map((move) => move.to.offset)}::int8[])
        as m(container_id, key, sequence, old_offset, new_pack, new_offset)
     where o.container_id = m.container_id and o.key = m.key and o.sequence = m.sequence
       and o.pack_id = ${packId} and o.pack_offset = m.old_offset`;
}
