/** Memory in which bodies are gathered on their way to be sealed: a bounded number of pieces of the same size, used again. */
import { BLOCK_BYTES } from "./seal.ts";

export const SLAB_BYTES = 2 * BLOCK_BYTES;

export type SlabPool = {
  /** Waits until one is free, unless `holds` is 0: who has none gets one, so that slow bodies never stop the others. */
  take(holds: number): ArrayBuffer | Promise<ArrayBuffer>;
  /** Back, or detached and lost with a thread. */
  give(slab: ArrayBuffer | null): void;
};

export function createSlabPool(limit: number, keep = 16): SlabPool {
  const free: ArrayBuffer[] = [];
  const waiting: ((slab: ArrayBuffer) => void)[] = [];
  let taken = 0;
  const next = (): ArrayBuffer => {
    taken += 1;
    return free.pop() ?? new ArrayBuffer(SLAB_BYTES);
  };
  return {
    take(holds) {
      if (holds === 0 || taken < limit) return next();
      return new Promise((resolve) => waiting.push(resolve));
    },
    give(slab) {
      taken -= 1;
      if (slab !== null && free.length < keep) free.push(slab);
      if (taken < limit) waiting.shift()?.(next());
    },
  };
}
