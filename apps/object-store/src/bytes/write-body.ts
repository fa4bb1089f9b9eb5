/** Writes a body as it comes: gathered in slabs, which go to a worker thread; a short one is given back whole. */
import type { Readable } from "node:stream";

import type { Chunk, Digests, WriteOptions } from "./byte-store.ts";
import { PACKED_BYTES } from "./byte-store.ts";
import { readBody } from "./body.ts";
import type { BodyJob, Engine } from "./engine.ts";
import { free } from "./piece-memory.ts";
import { SLAB_BYTES, type Slab, type SlabPool } from "./slabs.ts";

/** Slabs that one body has in use at most. */
const SLABS_PER_BODY = 4;

/** Chunks that are durable under this writer's number. */
export type ChunkedBody = { size: number; digests: Digests; chunks: Chunk[] };

export type BodyEnd = { kind: "small"; body: Buffer } | ({ kind: "chunked" } & ChunkedBody);

/** `remove` takes away chunks of a body that failed. */
export type WriteBodyDeps = {
  engine: Engine;
  slabs: SlabPool;
  remove: (chunks: readonly Chunk[]) => Promise<void>;
};

/** A body that is known to be small. */
export async function readSmallBody(body: Readable, options: WriteOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await readBody(body, options, (piece) => void pieces.push(piece));
  const [first] = pieces;
  return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces);
}

/** `begin` takes the writer's number, and is only called when the body is too long for a pack. */
export async function writeBody(
  deps: WriteBodyDeps,
  body: Readable,
  options: WriteOptions,
  begin: () => Promise<{ writerId: number }>,
): Promise<BodyEnd> {
  const { engine, slabs } = deps;
  let job: BodyJob | null = null;
  let slab: Slab | null = null;
  let filled = 0;
  let held = 0;
  let roomFor: (() => void) | null = null;

  const onFree = (back: Slab): void => {
    held -= 1;
    slabs.give(back);
    roomFor?.();
  };

  async function send(isLast: boolean): Promise<void> {
    if (slab === null) return;
    job ??= engine.beginBody({
      writerId: (await begin()).writerId,
      key: options.key,
      digests: options.digests,
      onFree,
    });
    job.push(slab, filled, isLast);
    slab = null;
    filled = 0;
  }

  async function takeSlab(): Promise<void> {
    while (held >= SLABS_PER_BODY) {
      await Promise.race([new Promise<void>((resolve) => (roomFor = resolve)), job?.done]);
    }
    slab = await slabs.take(held);
    held += 1;
  }

  /** A full slab waits for the next byte: the last one has to be marked. */
  async function add(piece: Buffer): Promise<void> {
    let at = 0;
    while (at < piece.length) {
      if (filled === SLAB_BYTES) await send(false);
      if (slab === null) await takeSlab();
      at += copy(piece, at);
    }
    free(piece, body);
  }

  function copy(piece: Buffer, at: number): number {
    if (slab === null) return 0;
    const bytes = Math.min(piece.length - at, SLAB_BYTES - filled);
    piece.copy(slab, filled, at, at + bytes);
    filled += bytes;
    return bytes;
  }

  try {
    const size = await readBody(body, options, (piece) => {
      if (slab === null || filled + piece.length > SLAB_BYTES) return add(piece);
      copy(piece, 0);
      return free(piece, body);
    });
    if (job === null && size <= PACKED_BYTES && (options.mayPack || size === 0)) {
      const whole = slab as Slab | null;
      return { kind: "small", body: Buffer.from(whole?.subarray(0, size) ?? []) };
    }
    await send(true);
    const { done, chunks } = job as unknown as BodyJob;
    return { kind: "chunked", size, digests: await done, chunks };
  } catch (error) {
    const begun = job as BodyJob | null;
    if (begun !== null) {
      await begun.abort();
      await deps.remove(begun.chunks);
    }
    throw error;
  } finally {
    if (slab !== null) {
      held -= 1;
      slabs.give(slab);
    }
  }
}
