/**
 * Memory in which bodies are gathered on their way to be sealed: a bounded number of pieces of the same size, used again. It is
 * shared with the worker threads: what is handed from one to another is counted as new memory by either, and collected as such.
 */
import { BLOCK_BYTES } from "./seal.ts";

export const SLAB_BYTES = 2 * BLOCK_BYTES;
/** The whole of it. */
export type Slab = Uint8Array<SharedArrayBuffer>;

export const createSlab = (): Slab => new Uint8Array(new SharedArrayBuffer(SLAB_BYTES));

export type SlabPool = {
  /** Waits until one is free, unless `holds` is 0: who has none gets one, so that slow bodies never stop the others. */
  take(holds: number): Slab | Promise<Slab>;
  give(slab: Slab): void;
};

export function createSlabPool(limit: number): SlabPool {
  const free: Slab[] = [];
  const waiting: ((slab: Slab) => void)[] = [];
  let taken = 0;
  const next = (): Slab => {
    taken += 1;
    return free.pop() ?? createSlab();
  };
  return {
    take(holds) {
      if (holds === 0 || taken < limit) return next();
      return new Promise((resolve) => waiting.push(resolve));
    },
    give(slab) {
      taken -= 1;
      if (free.length < limit) free.push(slab);
      if (taken < limit) waiting.shift()?.(next());
    },
  };
}
