/**
 * Reads everything that is kept, the longest unread first, and looks whether it is what was written: by checksums, so that it
 * needs no key. What is not is recorded (`object_damage`) and said aloud.
 */
import { setTimeout as delay } from "node:timers/promises";

import { CloudError } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";

import { insertChunkDamage, insertPackDamage } from "../bytes/bytes.queries.ts";
import type { Driver, Source } from "../bytes/driver.ts";
import { HEADER_BYTES, ROT, SEALED_BLOCK_BYTES, createExtentCheck, isWholeExtent, sealedBytes } from "../bytes/seal.ts";
import { listPacked } from "./collect.queries.ts";
import {
  type ChunkToScrub,
  findDueBefore,
  listChunksToScrub,
  listPacksToScrub,
  markChunkScrubbed,
  markPackScrubbed,
} from "./scrub.queries.ts";

export type ScrubDeps = {
  db: Database;
  driver: Driver;
  log: Logger;
  /** What was looked at less than this ago is left alone. */
  ageSeconds: number;
  /** Bytes that are read a second at most; absent: as fast as it goes. */
  bytesPerSecond?: number;
  signal?: AbortSignal;
};

export type Scrubbed = { chunks: number; packs: number; damaged: number };

const AT_ONCE = 100;
const ROWS_AT_ONCE = 256;
const RUN_BYTES = 4 * SEALED_BLOCK_BYTES;

/** All that is due. */
export async function scrubOnce(deps: ScrubDeps): Promise<Scrubbed> {
  const scrubbed = { chunks: 0, packs: 0, damaged: 0 };
  const pace = createPace(deps);
  const before = await findDueBefore(deps.db, deps.ageSeconds);
  for (;;) {
    const chunks = await listChunksToScrub(deps.db, before, AT_ONCE);
    for (const chunk of chunks) {
      if (deps.signal?.aborted === true) return scrubbed;
      scrubbed.chunks += 1;
      scrubbed.damaged += (await scrubChunk(deps, chunk, pace)) ? 0 : 1;
    }
    if (chunks.length < AT_ONCE) break;
  }
  for (;;) {
    const packs = await listPacksToScrub(deps.db, before, AT_ONCE);
    for (const packId of packs) {
      if (deps.signal?.aborted === true) return scrubbed;
      scrubbed.packs += 1;
      scrubbed.damaged += (await scrubPack(deps, packId, pace)) ? 0 : 1;
    }
    if (packs.length < AT_ONCE) break;
  }
  return scrubbed;
}

/** Waits until so many bytes more may be read. */
type Pace = (bytes: number) => Promise<void>;

function createPace({ bytesPerSecond, signal }: ScrubDeps): Pace {
  if (bytesPerSecond === undefined) return () => Promise.resolve();
  let next = performance.now();
  return async (bytes) => {
    const now = performance.now();
    next = Math.max(next, now) + (bytes / bytesPerSecond) * 1000;
    // short waits are saved up: timers are not that exact
    if (next - now > 20)
      await delay(next - now, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  };
}

async function scrubChunk(deps: ScrubDeps, chunk: ChunkToScrub, pace: Pace): Promise<boolean> {
  const { db, driver, log } = deps;
  const wrong = await findRot(
    () => driver.openChunk(chunk.writerId, chunk.address),
    (source) => checkChunk(source, chunk, pace),
  );
  if (wrong !== null) {
    log.error({ writer: chunk.writerId, address: chunk.address, wrong }, "a chunk is damaged");
    await insertChunkDamage(db, chunk, wrong);
  }
  await markChunkScrubbed(db, chunk, wrong === null);
  return wrong === null;
}

/** What is wrong with it, if anything. A disk that cannot be read is wrong, too. */
async function findRot(
  open: () => Promise<Source>,
  check: (source: Source) => Promise<string | null>,
): Promise<string | null> {
  let source: Source | null = null;
  try {
    source = await open();
    return await check(source);
  } catch (error) {
    if ((error as { kind?: unknown }).kind === "notFound") return "it is not there";
    if (error instanceof CloudError && error.type === ROT) return error.message;
    throw error;
  } finally {
    await source?.close();
  }
}

async function checkChunk(source: Source, chunk: ChunkToScrub, pace: Pace): Promise<string | null> {
  const bytes = sealedBytes(chunk.bytes);
  if (source.bytes !== bytes) return `it has ${source.bytes} bytes instead of ${bytes}`;
  const buffer = Buffer.allocUnsafeSlow(Math.min(RUN_BYTES, bytes));
  const header = buffer.subarray(0, HEADER_BYTES);
  await source.read(header, 0);
  const check = createExtentCheck(header);
  if (check === null) return "its header is not as it was written";
  for (let at = HEADER_BYTES; at < bytes; at += RUN_BYTES) {
    const run = buffer.subarray(0, Math.min(RUN_BYTES, bytes - at));
    await pace(run.length);
    if ((await source.read(run, at)) < run.length) return "it is cut off";
    for (let block = 0; block < run.length; block += SEALED_BLOCK_BYTES) {
      if (!check.add(run.subarray(block, block + SEALED_BLOCK_BYTES)))
        return `what lies at ${at + block} is not as it was written`;
    }
  }
  return check.address() === chunk.address ? null : "it has another's name";
}

/** What is alive in it; the rest may be anything. */
async function scrubPack(deps: ScrubDeps, packId: number, pace: Pace): Promise<boolean> {
  const { db, driver, log } = deps;
  const files = driver.packs;
  if (files === null) return true;
  const wrong = await findRot(
    () => files.open(packId),
    (source) => checkPack(deps, packId, source, pace),
  );
  if (wrong !== null) {
    log.error({ pack: packId, wrong }, "a pack is damaged");
    await insertPackDamage(db, packId, wrong);
  }
  await markPackScrubbed(db, packId, wrong === null);
  return wrong === null;
}

async function checkPack(
  { db, signal }: ScrubDeps,
  packId: number,
  source: Source,
  pace: Pace,
): Promise<string | null> {
  const places: number[] = [];
  for (let from = 0; ;) {
    const rows = await listPacked(db, packId, from, ROWS_AT_ONCE);
    for (const { size, packOffset } of rows) {
      const extent = Buffer.allocUnsafe(sealedBytes(size));
      await pace(extent.length);
      const read = await source.read(extent, packOffset);
      if (read < extent.length || !isWholeExtent(extent)) places.push(packOffset);
    }
    const last = rows.at(-1);
    if (last === undefined || signal?.aborted === true) break;
    from = last.packOffset + 1;
  }
  if (places.length === 0) return null;
  const more = places.length > 10 ? ` and ${places.length - 10} more` : "";
  return `bodies at ${places.slice(0, 10).join(", ")}${more} are not as they were written`;
}
