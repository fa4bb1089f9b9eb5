/** Reads bodies back: block by block, each checked before any of it is given. */
import type { KeyObject } from "node:crypto";
import { Readable } from "node:stream";

import { internal } from "@andromede/base/errors";

import type { Chunk, SealingKey } from "./byte-store.ts";
import type { Driver, Source } from "./driver.ts";
import type { ChunkRange, OnReadError } from "./engine.ts";
import { free, markFreeable } from "./piece-memory.ts";
import {
  BLOCK_BYTES,
  HEADER_BYTES,
  ROT,
  SEALED_BLOCK_BYTES,
  blockCount,
  blockOffset,
  createAddress,
  extentKey,
  openBlock,
  sealedBytes,
  SEAL_BYTES,
} from "./seal.ts";

/** Blocks that are read at once. */
const RUN_BLOCKS = 2;

/** What one of so many readers may have before it: blocks in a run, and runs. Many readers are slow ones, and each has its memory. */
export function readAhead(readers: number): { blocks: number; runs: number } {
  if (readers <= 32) return { blocks: RUN_BLOCKS, runs: 2 };
  return { blocks: readers <= 128 ? RUN_BLOCKS : 1, runs: 1 };
}

/** The parts of chunks that make up a range of a body. Throws where one is missing. */
export function rangesOf(chunks: readonly Chunk[], start: number, end: number): ChunkRange[] {
  const ranges: ChunkRange[] = [];
  let at = start;
  for (const chunk of chunks) {
    const last = chunk.start + chunk.bytes;
    if (last <= at || chunk.start >= end) continue;
    if (chunk.start > at) break;
    ranges.push({ chunk, start: at - chunk.start, end: Math.min(end, last) - chunk.start });
    at = Math.min(end, last);
  }
  if (at < end) throw internal(`bytes ${at} to ${end} of a body are in no chunk`);
  return ranges;
}

/** The plaintext of a part of a chunk, a run of blocks at a time. */
export async function* readChunk(
  driver: Driver,
  range: ChunkRange,
  ownerKey: SealingKey,
  runBlocks = RUN_BLOCKS,
): AsyncGenerator<Buffer[], void, void> {
  const { chunk, start, end } = range;
  const source = await driver.openChunk(chunk.writerId, chunk.address);
  let buffer: Buffer | null = null;
  try {
    if (source.bytes !== sealedBytes(chunk.bytes)) throw rotten("a chunk does not have the length it had");
    const key = await readKey(source, ownerKey);
    const blocks = blockCount(chunk.bytes);
    const first = Math.floor(start / BLOCK_BYTES);
    const after = Math.ceil(end / BLOCK_BYTES);
    const address = first === 0 && after === blocks ? createAddress() : null;
    buffer = Buffer.allocUnsafeSlow(Math.min(runBlocks, after - first) * SEALED_BLOCK_BYTES);
    for (let block = first; block < after; block += runBlocks) {
      const count = Math.min(runBlocks, after - block);
      const from = blockOffset(block);
      const run = buffer.subarray(0, Math.min(count * SEALED_BLOCK_BYTES, source.bytes - from));
      // a run at a time is all there is in memory
      if ((await source.read(run, from)) < run.length) throw rotten("a chunk is cut off");
      const plain: Buffer[] = [];
      for (let index = 0; index < count; index += 1) {
        const sealed = run.subarray(index * SEALED_BLOCK_BYTES, (index + 1) * SEALED_BLOCK_BYTES);
        address?.add(sealed.subarray(sealed.length - SEAL_BYTES));
        const number = block + index;
        const opened = openBlock(key, number, number === blocks - 1, sealed);
        plain.push(cut(opened, number * BLOCK_BYTES, start, end));
      }
      // the last run of a whole chunk is given when the whole is right
      if (block + count === after && address !== null && address.address() !== chunk.address)
        throw rotten("a chunk has another's name");
      yield plain;
    }
  } finally {
    if (buffer !== null) free(markFreeable(buffer));
    await source.close();
  }
}

const rotten = (what: string): Error => internal(what, { type: ROT });

async function readKey(source: Source, ownerKey: SealingKey): Promise<KeyObject> {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  if ((await source.read(header, 0)) < HEADER_BYTES) throw rotten("a chunk is cut off");
  return extentKey(ownerKey, header);
}

/** The part of a block, which begins at `at`, that is in the range. */
const cut = (block: Buffer, at: number, start: number, end: number): Buffer =>
  start <= at && at + block.length <= end
    ? block
    : block.subarray(Math.max(0, start - at), Math.min(block.length, end - at));

/** Is it rot, or nothing there at all? Then it is damage: everything else is an accident of the moment. */
export const isDamage = (error: unknown): error is Error =>
  error instanceof Error &&
  ((error as { type?: unknown }).type === ROT || (error as { kind?: unknown }).kind === "notFound");

/** All of the ranges, one after the other, as a stream. */
export function readInPlace(
  driver: Driver,
  ranges: readonly ChunkRange[],
  key: SealingKey,
  onError: OnReadError,
): Readable {
  async function* pieces(): AsyncGenerator<Buffer, void, void> {
    for (const range of ranges) {
      try {
        for await (const run of readChunk(driver, range, key)) yield* run;
      } catch (error) {
        throw onError(range.chunk, error);
      }
    }
  }
  return Readable.from(pieces(), { objectMode: false, highWaterMark: BLOCK_BYTES });
}
