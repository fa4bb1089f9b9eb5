/** One intent, one transaction, with its events. */
import { setImmediate } from "node:timers/promises";

import { CloudError } from "@andromede/base/errors";
import { type EventInput, type Origin, insertEvents } from "@andromede/platform/events/append";
import type postgres from "postgres";

import type { NamespaceDeps } from "./deps.ts";

export type Change = {
  sql: postgres.TransactionSql;
  event: (event: EventInput) => void;
  /** The last statements: nobody waits for their answers, so they share their flight with COMMIT. One that fails fails all. */
  last: (...statements: Promise<unknown>[]) => void;
};

/** How often PostgreSQL may choose a transaction as a deadlock's victim before its caller hears of it. */
const MAX_VICTIM = 5;

/** Runs `work` in a transaction. `work` MUST change nothing but through `change`: the victim of a deadlock is run again, whole. */
export async function transact<T>(
  deps: Pick<NamespaceDeps, "db" | "clock">,
  origin: Origin,
  work: (change: Change) => Promise<T>,
): Promise<T> {
  for (let time = 1; ; time++) {
    try {
      // eslint-disable-next-line no-await-in-loop -- one try after the other is the point
      return await transactOnce(deps, origin, work);
    } catch (error) {
      if (time === MAX_VICTIM || codeOf(error) !== "40P01") throw error;
    }
  }
}

async function transactOnce<T>(
  { db, clock }: Pick<NamespaceDeps, "db" | "clock">,
  origin: Origin,
  work: (change: Change) => Promise<T>,
): Promise<T> {
  const events: EventInput[] = [];
  const statements: Promise<unknown>[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const committed = db.begin(async (sql) => {
    const value = await work({
      sql,
      event: (event) => void events.push(event),
      last: (...more) => void statements.push(...more),
    });
    last = Promise.all([
      ...statements,
      events.length === 0 ? undefined : insertEvents(sql, origin, events, clock.now()),
    ]);
    last.catch(() => undefined); // heard below
    // postgres.js sends a statement some microtasks after it was made: now they are on their way, and COMMIT comes behind them
    await setImmediate();
    return value;
  });
  // when one of the last statements failed, that is what there is to say, not that COMMIT did not
  return (await committed.catch((error: unknown) => last.then(() => Promise.reject(error)))) as T;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && error.name === "PostgresError" ? String((error as { code?: unknown }).code) : "";

/**
 * Did whatever failed with this certainly change nothing? A refusal of ours and an error that a statement got from a
 * PostgreSQL that goes on say so. A connection that ended while COMMIT was under way does not.
 */
export function isRolledBack(error: unknown): boolean {
  if (error instanceof CloudError) return true;
  const code = codeOf(error);
  // 08: connections; 57P: shut down; 58, XX: PostgreSQL in trouble
  return code !== "" && !/^(08|57P|58|XX)/.test(code);
}
