/** Every SQL statement on events and their log but the insert, which is in append.ts. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Tile } from "./tiles.ts";

/** Any fixed number: who holds this lock gives the events their places. */
const SEQUENCER_LOCK = 4_208_154;

/** Takes the sequencer's seat for as long as this connection lives. Says which backend it is, so that a change is noticed. */
export async function takeSeat(sql: Queryable): Promise<{ taken: boolean; backend: number }> {
  const [row] = await sql<{ taken: boolean; backend: number }[]>`
    select pg_try_advisory_lock(${SEQUENCER_LOCK}) as taken, pg_backend_pid() as backend`;
  return row ?? { taken: false, backend: 0 };
}

export type UnsequencedEvent = { id: string; leafHash: Buffer; backend: number };

/** Committed, without a place yet, oldest first. One that commits later than a younger one gets a later place: that is all. */
export async function listUnsequenced(sql: Queryable, limit: number): Promise<UnsequencedEvent[]> {
  return sql<UnsequencedEvent[]>`
    select id, leaf_hash, pg_backend_pid() as backend from event where leaf_index is null order by id limit ${limit}`;
}

/** Gives places `start`, `start` + 1, ... in the order of the ids. */
export async function placeEvents(sql: Queryable, start: number, ids: string[]): Promise<number> {
  const result = await sql`
    update event set leaf_index = ${start}::bigint + place.n - 1
    from unnest(${ids}::text[]::uuid[]) with ordinality as place (id, n)
    where event.id = place.id and event.leaf_index is null`;
  return result.count;
}

export async function upsertTile(sql: Queryable, tile: Tile): Promise<void> {
  await sql`
    insert into event_tile (level, tile_index, hashes, ids) values (${tile.level}, ${tile.tileIndex}, ${tile.hashes}, ${tile.ids}::text[]::uuid[])
    on conflict (level, tile_index) do update set hashes = excluded.hashes, ids = excluded.ids`;
}

export async function insertCheckpoint(sql: Queryable, size: number, root: Buffer, note: string): Promise<void> {
  await sql`insert into event_checkpoint (size, root, time, note) values (${size}, ${root}, now(), ${note})`;
}

export type CheckpointRow = { size: number; root: Buffer; time: Date; note: string };

export async function findNewestCheckpoint(sql: Queryable): Promise<CheckpointRow | null> {
  const [row] = await sql<CheckpointRow[]>`select * from event_checkpoint order by size desc limit 1`;
  return row ?? null;
}

export async function listCheckpoints(sql: Queryable, aboveSize: number, limit: number): Promise<CheckpointRow[]> {
  return sql<CheckpointRow[]>`select * from event_checkpoint where size > ${aboveSize} order by size limit ${limit}`;
}

/** The last tile of each level that a log of this size has. */
export async function listEdgeTiles(sql: Queryable, size: number): Promise<Tile[]> {
  const places: [number, number][] = [];
  for (let level = 0, entries = size; entries > 0; level += 1, entries = Math.floor(entries / 256))
    places.push([level, Math.floor(entries / 256)]);
  return sql<Tile[]>`
    select level, tile_index, hashes, ids from event_tile
    where (level, tile_index) in (
      select * from unnest(${places.map(([level]) => level)}::int[], ${places.map(([, index]) => index)}::bigint[]))`;
}

export async function findTile(sql: Queryable, level: number, tileIndex: number): Promise<Tile | null> {
  const [row] = await sql<
    Tile[]
  >`select level, tile_index, hashes, ids from event_tile where level = ${level} and tile_index = ${tileIndex}`;
  return row ?? null;
}

/** How many tiles there are a level. */
export async function countTiles(sql: Queryable): Promise<{ level: number; lastIndex: number; lastBytes: number }[]> {
  return sql<{ level: number; lastIndex: number; lastBytes: number }[]>`
    select distinct on (level) level::int as level, tile_index as last_index, length(hashes) as last_bytes
    from event_tile order by level, tile_index desc`;
}

export type EventRow = {
  id: string;
  time: Date;
  action: string;
  outcome: string;
  userId: string | null;
  projectId: string | null;
  targetType: string;
  targetId: string;
  body: string;
  leafHash: Buffer;
  leafIndex: number | null;
};

export async function listPlaced(sql: Queryable, first: number, end: number): Promise<EventRow[]> {
  return sql<EventRow[]>`select * from event where leaf_index >= ${first} and leaf_index < ${end} order by leaf_index`;
}

export async function findLastPlace(sql: Queryable): Promise<number | null> {
  const [row] = await sql<{ last: number | null }[]>`select max(leaf_index) as last from event`;
  return row?.last ?? null;
}

export async function listUnplaced(sql: Queryable, afterId: string, limit: number): Promise<EventRow[]> {
  return sql<EventRow[]>`select * from event where leaf_index is null and id > ${afterId} order by id limit ${limit}`;
}

export type EventQuery = { projectId: string | null; since: Date | null; marker: string | null; limit: number };

/** Ids begin with the time in milliseconds (append.ts): the lowest that an event of that moment could have. */
const lowestId = (time: Date): string => {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
};

/** Oldest first, from `since` on, after the marker; of one project, or of the whole cloud. */
export async function findEvents(sql: Queryable, query: EventQuery): Promise<EventRow[]> {
  const { projectId, since, marker, limit } = query;
  return sql<EventRow[]>`
    select * from event
    where ${projectId === null ? sql`true` : sql`project_id = ${projectId}`}
      and ${since === null ? sql`true` : sql`id >= ${lowestId(since)}`}
      and ${marker === null ? sql`true` : sql`id > ${marker}`}
    order by id limit ${limit}`;
}
