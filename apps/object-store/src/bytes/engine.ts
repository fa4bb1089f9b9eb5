/** What does the heavy part of writing and reading bodies: in worker threads (`threads.ts`), each with its own (`local-engine.ts`). */
import type { Readable } from "node:stream";

import type { Slab } from "./slabs.ts";
import type { Chunk, DigestName, Digests, SealingKey } from "./byte-store.ts";

/** A part of one chunk: from `start` to before `end`, counted in the chunk. */
export type ChunkRange = { chunk: Chunk; start: number; end: number };

export type BodyOptions = { writerId: number; key: Uint8Array; digests: readonly DigestName[] };

export type BodyJob = {
  /**
   * The next bytes, in a slab that is the job's until it comes back by `onFree`. All but the last are full. Failures are told
   * by `done`.
   */
  push(slab: Slab, bytes: number, isLast: boolean): void;
  /** Everything durable, or why not; then nothing of it is left but the chunks that `chunks` names. */
  readonly done: Promise<Digests>;
  /** Those that are finished. */
  readonly chunks: Chunk[];
  /** Stops; resolves when nothing is being written any more. */
  abort(): Promise<void>;
};

export type Engine = {
  beginBody(
    options: BodyOptions & {
      /** A slab is free again. They come back in their order. */
      onFree: (slab: Slab) => void;
    },
  ): BodyJob;
  /** The plaintext of these ranges, one after the other. `onError` makes the error that the stream ends with. */
  read(ranges: readonly ChunkRange[], key: SealingKey, onError: OnReadError): Readable;
  close(): Promise<void>;
};

export type OnReadError = (chunk: Chunk, error: unknown) => Error;
