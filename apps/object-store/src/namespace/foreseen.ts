/**
 * Objects that were read together with their container, for the request that asked for both. Each is given once, and not long
 * after: what a request sees is as it was after the request came.
 */
import type { Container } from "./container.model.ts";
import type { StoredObject } from "./object.model.ts";

const KEPT_MS = 100;

export type Foreseen = {
  foresee(container: Container, key: string, object: StoredObject | null): void;
  forget(container: Container): void;
  /** undefined: nobody looked. */
  take(container: Container, key: string): StoredObject | null | undefined;
};

export function createForeseen(): Foreseen {
  const seen = new WeakMap<Container, { key: string; object: StoredObject | null; atMs: number }>();
  return {
    foresee: (container, key, object) => void seen.set(container, { key, object, atMs: performance.now() }),
    forget: (container) => void seen.delete(container),
    take(container, key) {
      const found = seen.get(container);
      if (found?.key !== key) return undefined;
      seen.delete(container);
      return performance.now() - found.atMs > KEPT_MS ? undefined : found.object;
    },
  };
}
