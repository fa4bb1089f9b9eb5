/** Work in the background that one program does at a time, however many there are: who holds the lock of its name. */
import { setTimeout as delay } from "node:timers/promises";

import type { Logger } from "@andromede/base/log";
import { type DatabaseConfig, openConnection } from "@andromede/platform/db/database";

import { tryLease } from "./lease.queries.ts";

export type Leased = { stop(): Promise<void> };

/**
 * Runs `turn` again and again, `everyMs` after it ended, while the lease is ours; looks as often for a lease that is another's.
 * The signal says that it is lost, or that we are to stop. A turn that fails is only logged.
 */
export function startLeased(options: {
  name: string;
  database: DatabaseConfig;
  everyMs: number;
  log: Logger;
  turn: (signal: AbortSignal) => Promise<unknown>;
}): Leased {
  const { name, database, everyMs, log, turn } = options;
  const stopping = new AbortController();
  const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
    delay(ms, undefined, { signal }).catch(() => undefined); // woken to stop

  async function hold(): Promise<void> {
    const lost = new AbortController();
    const sql = openConnection(database, { applicationName: `object-store ${name}`, onClose: () => lost.abort() });
    try {
      if (!(await tryLease(sql, name))) return;
      const signal = AbortSignal.any([lost.signal, stopping.signal]);
      while (!signal.aborted) {
        try {
          await turn(signal);
        } catch (error) {
          if (!signal.aborted) log.error({ error, name }, "a turn in the background failed; the next one tries again");
        }
        await pause(everyMs, signal);
      }
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await hold();
      } catch (error) {
        log.warn({ error, name }, "no lease could be asked for");
      }
      await pause(everyMs, stopping.signal);
    }
  }
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
