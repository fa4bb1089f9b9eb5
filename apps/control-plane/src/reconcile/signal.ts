import type { ResourceKey } from "./queue.ts";

/** How the rest of the program talks to the reconcile engine. */
export type ReconcileSignal = {
  /** There may be work: called after every commit that enqueued a key. Cheap, never throws. */
  wake(): void;
  /** Resolves true when the key has nothing left to do here, false after `timeoutMs`. For answers that are quick when the world is. */
  settled(key: ResourceKey, timeoutMs: number): Promise<boolean>;
};

/** For programs and tests that run no worker. */
export const noReconcile: ReconcileSignal = { wake: () => undefined, settled: () => Promise.resolve(false) };
