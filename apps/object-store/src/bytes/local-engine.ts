/** Bodies sealed one piece after the other: what a worker thread does with the messages it gets. */
import type { Chunk, Digests } from "./byte-store.ts";
import type { Md5 } from "./digests.ts";
import type { Driver } from "./driver.ts";
import type { BodyJob, Engine } from "./engine.ts";
import { createSealedBody } from "./sealed-body.ts";
import type { Slab } from "./slabs.ts";

/** `onChunk`: a chunk more is finished. */
export function beginBody(
  driver: Driver,
  options: Parameters<Engine["beginBody"]>[0] & { onChunk?: (chunk: Chunk) => void; md5?: Md5 },
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
