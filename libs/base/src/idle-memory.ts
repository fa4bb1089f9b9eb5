/**
 * Gives memory back while a program has nothing to do. V8 by itself keeps what its heap once grew to: the young generation at
 * its full size, pages half empty, what a start or a burst left behind. A full collection changes that, and stops the
 * program for 30 to 50 ms: so it is made when nobody is asking for anything, and only where there is something to gain.
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

const LOOK_MS = 500;
/** So much of the time, at most, an idle program spends on itself. */
const IDLE_SHARE = 0.1;
/** Idle at so many looks in a row: somebody who comes back for more does so sooner. */
const IDLE_LOOKS = 3;
/** Less than this is not worth stopping for. */
const GAIN_BYTES = 4 * 1024 * 1024;

export type IdleLook = { busyShare: number; heldBytes: number };

/** Says at each look whether to collect now; `collected` is told what was held afterwards. Pure but for what it remembers. */
export function planCollections(): { due(look: IdleLook): boolean; collected(heldBytes: number): void } {
  let idleLooks = 0;
  let floor = 0;
  return {
    due({ busyShare, heldBytes }) {
      idleLooks = busyShare <= IDLE_SHARE ? idleLooks + 1 : 0;
      return idleLooks >= IDLE_LOOKS && heldBytes - floor >= GAIN_BYTES;
    },
    collected(heldBytes) {
      floor = heldBytes;
      idleLooks = 0;
    },
  };
}

/** Until the program ends. Does nothing unless Node was started with --expose-gc. */
export function collectWhenIdle(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const plan = planCollections();
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const busyShare = performance.eventLoopUtilization(now, before).utilization;
    before = now;
    if (!plan.due({ busyShare, heldBytes: held() })) return;
    gc({ type: "major", execution: "sync", flavor: "last-resort" });
    plan.collected(held());
    before = performance.eventLoopUtilization();
  }, LOOK_MS).unref();
}

const held = (): number => {
  const { total_physical_size: heap, malloced_memory: beside } = getHeapStatistics();
  return heap + beside;
};
