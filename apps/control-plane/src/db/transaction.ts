import type postgres from "postgres";

import type { App } from "../app.ts";
import { type EventInput, type Origin, insertEvents } from "../events/append.ts";
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

export async function transact<T>(
  app: Pick<App, "db" | "clock" | "reconcile">,
  origin: Origin,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const events: EventInput[] = [];
  const keys = new Set<ResourceKey>();
  const result = await app.db.begin(async (sql) => {
    const value = await work({
      sql,
      event: (event) => void events.push(event),
      enqueue: (key) => void keys.add(key),
    });
    await Promise.all([
      events.length === 0 ? undefined : insertEvents(sql, origin, events, app.clock.now()),
      keys.size === 0 ? undefined : insertKeys(sql, [...keys]),
    ]);
    return value;
  });
  if (keys.size > 0) app.reconcile.wake();
  return result as T;
}
