/**
 * Gives events their places in the Merkle log, and signs what the log is then.
 *
 * Requests never wait for this: they insert events without a place, and whatever has committed gets one here within a
 * second or so, many in one transaction. Places are given after commits, so that there are no gaps and nothing is
 * skipped, however long a transaction was open. One process leads: it holds an advisory lock on a connection of its
 * own, over which all this goes. Should that connection be lost, the lock is lost with it, the next batch notices, and
 * the unique places and checkpoint sizes make anything that two leaders do at the same time fail for one of them.
 *
 * The tree's right edge is kept in memory, so that a batch costs one read and a few writes; idle, one small read a second.
 */
import { setTimeout as delay } from "node:timers/promises";

import { conflict } from "@andromede/base/errors";
import { type Database, openDatabase } from "@andromede/platform/db/database";

import type { App } from "../app.ts";
import { logOrigin, signCheckpoint } from "./checkpoint.ts";
import {
  findNewestCheckpoint,
  insertCheckpoint,
  listEdgeTiles,
  listUnsequenced,
  placeEvents,
  takeSeat,
  upsertTile,
} from "./events.queries.ts";
import { rememberCheckpoint } from "./remembered-checkpoint.ts";
import { LogEdge, type Tile } from "./tiles.ts";

type Needs = Pick<App, "config" | "keys" | "log">;
export type Sequencer = { stop(): Promise<void> };

const TICK_MS = 1_000;
/** How soon somebody else is there when the leader dies. */
const SEAT_MS = 2_000;
const RETRY_MS = 5_000;
const BATCH = 1_000;

type Seat = { backend: number; edge: LogEdge };

/** Starts the sequencer. `stop` gives places to what has committed by then, if this process leads. */
export function startSequencer(app: Needs): Sequencer {
  const db = openDatabase(app.config.database, { max: 1, applicationName: "event-sequencer" });
  const stopping = new AbortController();
  const running = run(app, db, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function run(app: Needs, db: Database, signal: AbortSignal): Promise<void> {
  let seat: Seat | null = null;
  let complained = false;
  while (!signal.aborted) {
    let pauseMs = TICK_MS;
    try {
      seat ??= await sit(db);
      if (seat === null) pauseMs = SEAT_MS;
      else await sequenceAll(app, db, seat);
      complained = false;
    } catch (error) {
      // once an outage, not once a try
      if (!complained) app.log.error({ error }, "the event log is not growing");
      complained = true;
      seat = null;
      pauseMs = RETRY_MS;
    }
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  try {
    if (seat !== null) await sequenceAll(app, db, seat);
  } catch (error) {
    app.log.warn({ error }, "the last events get their places after the next start");
  }
  await db.end({ timeout: 5 });
}

/** Takes the lead and reads where the log ends; null while somebody else leads. */
async function sit(db: Database): Promise<Seat | null> {
  const { taken, backend } = await takeSeat(db);
  if (!taken) return null;
  const newest = await findNewestCheckpoint(db);
  if (newest === null) return { backend, edge: LogEdge.empty() };
  const edge = LogEdge.fromTiles(newest.size, await listEdgeTiles(db, newest.size));
  // a log that somebody damaged is not built upon: what comes next would seem to vouch for it
  if (!edge.root().equals(newest.root))
    throw conflict("the event log's tiles do not fit its newest checkpoint: run `andromede events verify`");
  return { backend, edge };
}

async function sequenceAll(app: Needs, db: Database, seat: Seat): Promise<void> {
  while ((await sequenceBatch(app, db, seat)) === BATCH);
}

async function sequenceBatch(app: Needs, db: Database, seat: Seat): Promise<number> {
  const events = await listUnsequenced(db, BATCH);
  const [first] = events;
  if (first === undefined) return 0;
  if (first.backend !== seat.backend) throw conflict("the sequencer's connection was lost, and its lead with it");
  const start = seat.edge.size;
  const edge = seat.edge.copy();
  const tiles = new Map<string, Tile>();
  for (const { id, leafHash } of events) {
    for (const tile of edge.append({ id, hash: leafHash })) tiles.set(`${tile.level}/${tile.tileIndex}`, tile);
  }
  for (const tile of edge.partialTiles()) tiles.set(`${tile.level}/${tile.tileIndex}`, tile);
  const root = edge.root();
  const note = signCheckpoint({ origin: logOrigin(app.config), size: edge.size, root }, app.keys.signer("event-log"));
  await db.begin(async (sql) => {
    const [placed] = await Promise.all([
      placeEvents(
        sql,
        start,
        events.map(({ id }) => id),
      ),
      ...[...tiles.values()].map((tile) => upsertTile(sql, tile)),
      insertCheckpoint(sql, edge.size, root, note),
    ]);
    if (placed !== events.length) throw conflict("events vanished before they got their places");
  });
  seat.edge = edge;
  await rememberCheckpoint(app.config, note).catch((error: unknown) =>
    app.log.warn({ error }, "the newest checkpoint is remembered in the database only"),
  );
  return events.length;
}
