/** Bodies sealed one piece after the other: what a worker thread does with the messages it gets. */
import type { Chunk } from "./byte-store.ts";
import type { Driver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { createSealedBody } from "./sealed-body.ts";

export function createLocalEngine(driver: Driver): Engine {
  return {
    beginBody({ writerId, key, digests, onFree }) {
      const chunks: Chunk[] = [];
      const body = createSealedBody(driver, { writerId, key, digests, onChunk: (chunk) => chunks.push(chunk) });
      const end = Promise.withResolvers<ReturnType<typeof body.digests>>();
      end.promise.catch(() => undefined);
      let stopped = false;
      let turn: Promise<void> = Promise.resolve();

      async function add(slab: ArrayBuffer, bytes: number, isLast: boolean): Promise<void> {
        try {
          if (stopped) return;
          await body.add(new Uint8Array(slab, 0, bytes), isLast);
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
    },
    close: () => Promise.resolve(),
  };
}
