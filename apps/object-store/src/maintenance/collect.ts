/**
 * Takes away what nobody needs any more (docs/rfd/0011-object-store.md, "Collecting"): what dead writers left, chunks of
 * deleted objects after a grace, packs that are dead. Every step may run twice, and may be cut off anywhere. Any number
 * may run at the same time, though one at a time is enough (`lease.ts`).
 */
import { setTimeout as delay } from "node:timers/promises";

import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";

import { sealPack } from "../bytes/bytes.queries.ts";
import { crashPoint } from "../bytes/crash-point.ts";
import type { Driver } from "../bytes/driver.ts";
import type { PackReader } from "../bytes/pack-reader.ts";
import type { PackWriter } from "../bytes/packs.ts";
import {
  type ChunkName,
  deleteChunks,
  deleteEmptyWriters,
  deletePack,
  endDeadWriter,
  listGarbageChunks,
  listGarbagePacks,
  listNamed,
  listOpenPacks,
  listPacks,
  listTransactions,
  listUnsweptWriters,
  markPackGarbage,
  markSwept,
} from "./collect.queries.ts";
import { isHalfDead } from "./collect.plan.ts";
import { rewritePack } from "./rewrite-pack.ts";

export type CollectDeps = {
  db: Database;
  driver: Driver;
  log: Logger;
  /** How long what was deleted is kept for those who are reading it. */
  graceSeconds: number;
  /** Only where there are packs. */
  packs: { reader: PackReader; writer: () => Promise<PackWriter> } | null;
  signal?: AbortSignal;
};

/** What was taken away. */
export type Collected = { writers: number; unnamed: number; chunks: number; packs: number };

const CHUNKS_AT_ONCE = 200;
const UNLINKS_AT_ONCE = 8;
const PACKS_AT_ONCE = 20;
/** Transactions are short; who waits longer comes again. */
const WAIT_MS = 5_000;

/** What dead writers left, and what has been garbage long enough. */
export async function collectGarbage(deps: CollectDeps): Promise<Collected> {
  const collected = { writers: 0, unnamed: 0, chunks: 0, packs: 0 };
  await collectWriters(deps, collected);
  await collectChunks(deps, collected);
  await collectDeadPacks(deps, collected);
  for (const id of await deleteEmptyWriters(deps.db)) await deps.driver.removeWriter(id);
  if (Object.values(collected).some((count) => count > 0)) deps.log.info(collected, "collected");
  return collected;
}

const stopped = ({ signal }: CollectDeps): boolean => signal?.aborted === true;

async function collectWriters(deps: CollectDeps, collected: Collected): Promise<void> {
  const { db } = deps;
  const ended: number[] = [];
  for (const { id, endedSeconds } of await listUnsweptWriters(db)) {
    const isEnded = endedSeconds !== null || (await endDeadWriter(db, id));
    if (isEnded && (endedSeconds ?? 0) >= deps.driver.lateSeconds) ended.push(id);
  }
  crashPoint("writer-ended");
  if (ended.length === 0 || !(await waitForTransactions(deps))) return;
  for (const id of ended) {
    if (stopped(deps)) return;
    collected.unnamed += await sweepWriter(deps, id);
    collected.writers += 1;
  }
}

/** Until everybody who may have seen a writer alive has committed or given up. */
async function waitForTransactions({ db }: CollectDeps): Promise<boolean> {
  let left = await listTransactions(db);
  const deadline = performance.now() + WAIT_MS;
  while (left.length > 0) {
    if (performance.now() > deadline) return false;
    await delay(20);
    const now = new Set(await listTransactions(db));
    left = left.filter((transaction) => now.has(transaction));
  }
  return true;
}

/** Its commits are over: what no row names now, no row will. */
async function sweepWriter({ db, driver, log }: CollectDeps, id: number): Promise<number> {
  let removed = 0;
  await driver.closeWriter(id);
  for await (const addresses of driver.listChunks(id)) {
    const named = await listNamed(db, id, addresses);
    for (const address of addresses) {
      if (named.has(address)) continue;
      await driver.removeChunk(id, address);
      removed += 1;
    }
  }
  for (const packId of await listOpenPacks(db, id)) await sealPack(db, packId, await packBytes(driver, packId));
  await driver.removeWriter(id);
  await markSwept(db, id);
  log.info({ writer: id, removed }, "a writer that is no more was swept");
  return removed;
}

async function packBytes(driver: Driver, packId: number): Promise<number> {
  try {
    const source = await driver.packs?.open(packId);
    await source?.close();
    return source?.bytes ?? 0;
  } catch (error) {
    // its writer died between row and file
    if ((error as { kind?: unknown }).kind === "notFound") return 0;
    throw error;
  }
}

async function collectChunks(deps: CollectDeps, collected: Collected): Promise<void> {
  const { db, driver, graceSeconds } = deps;
  for (;;) {
    const chunks = await listGarbageChunks(db, graceSeconds, CHUNKS_AT_ONCE);
    if (chunks.length === 0 || stopped(deps)) return;
    await removeAll(driver, chunks);
    crashPoint("chunk-unlinked");
    await deleteChunks(db, chunks);
    collected.chunks += chunks.length;
  }
}

async function removeAll(driver: Driver, chunks: readonly ChunkName[]): Promise<void> {
  const left = [...chunks];
  const work = async (): Promise<void> => {
    for (let chunk = left.pop(); chunk !== undefined; chunk = left.pop()) {
      await driver.removeChunk(chunk.writerId, chunk.address);
    }
  };
  await Promise.all(Array.from({ length: UNLINKS_AT_ONCE }, work));
}

async function collectDeadPacks({ db, driver, graceSeconds }: CollectDeps, collected: Collected): Promise<void> {
  for (const id of await listGarbagePacks(db, graceSeconds)) {
    await driver.packs?.remove(id);
    crashPoint("pack-unlinked");
    await deletePack(db, id);
    collected.packs += 1;
  }
}

/** Looks at every pack that is full, moves what is alive out of those that are half dead, and gives up those that are dead. */
export async function compactPacks(deps: CollectDeps): Promise<{ moved: number; dead: number }> {
  const { db, packs } = deps;
  const compacted = { moved: 0, dead: 0 };
  if (packs === null) return compacted;
  let after = 0;
  for (;;) {
    const states = await listPacks(db, after, PACKS_AT_ONCE);
    for (const state of states) {
      if (stopped(deps)) return compacted;
      after = state.id;
      if (state.live > 0 && !isHalfDead(state)) continue;
      if (state.live > 0) compacted.moved += await rewritePack(deps, packs, state.id);
      if (await markPackGarbage(db, state.id)) compacted.dead += 1;
    }
    if (states.length < PACKS_AT_ONCE) return compacted;
  }
}
