import { setTimeout as delay } from "node:timers/promises";

import { unavailable } from "./errors.ts";

/** Polls `probe` until it gives something other than undefined/false; throws `unavailable` naming `what` after `timeoutMs`. */
export async function waitUntil<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: { timeoutMs: number; everyMs?: number },
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      // One probe at a time is the point of polling.
      // eslint-disable-next-line no-await-in-loop
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) {
      throw unavailable(`${what}: not there after ${options.timeoutMs} ms`, { cause: last });
    }
    // eslint-disable-next-line no-await-in-loop
    await delay(options.everyMs ?? 50);
  }
}
