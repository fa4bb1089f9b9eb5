import { setImmediate } from "node:timers/promises";

import { type EventInput, type Origin, insertEvents } from "@andromede/platform/events/append";
import type postgres from "postgres";

import type { App } from "../app.ts";
import { type ResourceKey, insertKeys } from "../reconcile/queue.ts";

/**
 * One intent, one transaction: rows, audit events and queue keys commit together or not at all.
 * Events and keys are gathered and sent in one flight with COMMIT.
 */
export type Transaction = {
  sql: postgres.TransactionSql;
  /** Every mutation says what it did. */
  event(event: EventInput): void;
  /** Asks for the key's reconciliation once this commits. */
  enqueue(key: ResourceKey): void;
};

/** How often PostgreSQL may choose a transaction as a deadlock's victim before its caller hears of it. */
const MAX_VICTIM = 4;

/**
 * Runs `work` in a transaction. `work` MUST change nothing but through `tx`: the victim of a deadlock is run again, whole.
 */
export async function transact<T>(
  app: Pick<App, "db" | "clock" | "reconcile">,
  origin: Origin,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  for (let time = 1; ; time++) {
    try {
      return await transactOnce(app, origin, work);
    } catch (error) {
      if (time === MAX_VICTIM || !isDeadlock(error)) throw error;
    }
  }
}

const isDeadlock = (error: unknown): boolean =>
  error instanceof Error && error.name === "PostgresError" && (error as { code?: unknown }).code === "40P01";

async function transactOnce<T>(
  app: Pick<App, "db" | "clock" | "reconcile">,
  origin: Origin,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const events: EventInput[] = [];
  const keys = new Set<ResourceKey>();
  let last: Promise<unknown> = Promise.resolve();
  const committed = app.db.begin(async (sql) => {
    const value = await work({
      sql,
      event: (event) => void events.push(event),
      enqueue: (key) => void keys.add(key),
    });
    last = Promise.all([
      events.length === 0 ? undefined : insertEvents(sql, origin, events, app.clock.now()),
      keys.size === 0 ? undefined : insertKeys(sql, [...keys]),
    ]);
    last.catch(() => undefined); // heard below
    // postgres.js sends a statement some microtasks after it was made: now they are on their way, and COMMIT comes behind them
    await setImmediate();
    return value;
  });
  // when one of the last statements failed, that is what there is to say, not that COMMIT did not
  const result = await committed.catch((error: unknown) => last.then(() => Promise.reject(error)));
  if (keys.size > 0) app.reconcile.wake();
  return result as T;
}
