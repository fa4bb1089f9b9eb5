/** What does the heavy part of writing a body, elsewhere: in a worker thread. */
import type { Chunk, DigestName, Digests } from "./byte-store.ts";

export type BodyJob = {
  /**
   * The next bytes, in a slab that is the job's until it comes back by `onFree`. All but the last are full. Failures are told
   * by `done`.
   */
  push(slab: ArrayBuffer, bytes: number, isLast: boolean): void;
  /** Everything durable, or why not; then nothing of it is left but the chunks that `chunks` names. */
  readonly done: Promise<Digests>;
  /** Those that are finished. */
  readonly chunks: Chunk[];
  /** Stops; resolves when nothing is being written any more. */
  abort(): Promise<void>;
};

export type Engine = {
  beginBody(options: {
    writerId: number;
    key: Uint8Array;
    digests: readonly DigestName[];
    /** A slab is free again: null when it was lost. */
    onFree: (slab: ArrayBuffer | null) => void;
  }): BodyJob;
  close(): Promise<void>;
};
