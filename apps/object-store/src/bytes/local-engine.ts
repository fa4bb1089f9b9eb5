/** Bodies sealed one piece after the other: what a worker thread does with the messages it gets. */
import type { Chunk, DigestName, Digests } from "./byte-store.ts";
import { type Md5, createDigests } from "./digests.ts";
import type { Driver } from "./driver.ts";
import type { BodyJob, SealOptions } from "./engine.ts";
import { createSealedBody } from "./sealed-body.ts";
import type { Slab } from "./slabs.ts";

/** `onChunk`: a chunk more is finished. */
export function beginBody(
  driver: Driver,
  options: SealOptions & { onFree: (slab: Slab) => void; onChunk?: (chunk: Chunk) => void; md5?: Md5 | undefined },
): BodyJob {
  const { onFree } = options;
  const chunks: Chunk[] = [];
  const body = createSealedBody(driver, {
    ...options,
    onChunk(chunk) {
      chunks.push(chunk);
      options.onChunk?.(chunk);
    },
  });
  const end = Promise.withResolvers<Digests>();
  end.promise.catch(() => undefined); // whoever aborts does not look
  let stopped = false;
  let turn: Promise<void> = Promise.resolve();

  async function add(slab: Slab, bytes: number, isLast: boolean): Promise<void> {
    try {
      if (stopped) return;
      await body.add(slab.subarray(0, bytes), isLast);
      if (isLast) end.resolve(body.digests());
    } catch (error) {
      stopped = true;
      await body.abandon();
      end.reject(error);
    } finally {
      onFree(slab);
    }
  }

  return {
    chunks,
    done: end.promise,
    push(slab, bytes, isLast) {
      turn = turn.then(() => add(slab, bytes, isLast));
    },
    async abort() {
      stopped = true;
      await turn;
      await body.abandon();
    },
  };
}

/** The digests of a body that another thread seals. */
export function beginDigests(names: readonly DigestName[], onFree: (slab: Slab) => void): BodyJob {
  const digests = createDigests(names);
  const end = Promise.withResolvers<Digests>();
  return {
    chunks: [],
    done: end.promise,
    push(slab, bytes, isLast) {
      void digests.update(slab.subarray(0, bytes)); // at once: it has nobody to wait for
      if (isLast) end.resolve(digests.digests());
      onFree(slab);
    },
    abort: () => Promise.resolve(),
  };
}
