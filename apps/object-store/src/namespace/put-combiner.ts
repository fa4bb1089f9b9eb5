/**
 * Small writes that come at the same moment are committed together: one statement, one flight, one fsync of PostgreSQL's log for
 * all of them. Nobody waits for company: what comes while others are under way goes with the next.
 */
import { unavailable } from "@andromede/base/errors";

import type { NamespaceDeps } from "./deps.ts";
import { type PlainPut, putPlain } from "./object.queries.ts";
import { isRolledBack } from "./transact.ts";

const MOST_AT_ONCE = 64;
const MOST_UNDER_WAY = 2;

/** null: not one of the plain ones; nothing was done. */
export type Put = (put: PlainPut, writerId: number) => Promise<{ sequence: number; modifiedAt: Date } | null>;

type Waiting = {
  put: PlainPut;
  writerId: number;
  resolve: (value: { sequence: number; modifiedAt: Date } | null) => void;
  reject: (error: unknown) => void;
};

export function createPutCombiner({ db, clock }: Pick<NamespaceDeps, "db" | "clock">): Put {
  let waiting: Waiting[] = [];
  let underWay = 0;

  async function commit(batch: Waiting[]): Promise<void> {
    const now = new Date(clock.now());
    const writers = [...new Set(batch.map(({ writerId }) => writerId))];
    const items = batch.map(({ put }) => put);
    const sequences = await putPlain(db, writers, now, items);
    if (sequences === null)
      throw unavailable("The object could not be kept; try again", { type: "ServiceUnavailable" });
    for (const [index, one] of batch.entries()) {
      const sequence = sequences[index] ?? null;
      one.resolve(sequence === null ? null : { sequence, modifiedAt: now });
    }
  }

  async function run(batch: Waiting[]): Promise<void> {
    try {
      await commit(batch);
    } catch (error) {
      // nobody suffers for another's: alone, each gets an answer of its own
      if (batch.length > 1 && isRolledBack(error)) await Promise.all(batch.map((one) => run([one])));
      else for (const { reject } of batch) reject(error);
    }
  }

  function next(): void {
    while (underWay < MOST_UNDER_WAY && waiting.length > 0) {
      const batch = take();
      underWay += 1;
      void run(batch).finally(() => {
        underWay -= 1;
        next();
      });
    }
  }

  /** No key twice: of two writes of one key, the later goes with a later statement. */
  function take(): Waiting[] {
    const names = new Set<string>();
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    for (const one of waiting) {
      const name = `${one.put.c}/${one.put.k}`;
      if (batch.length >= MOST_AT_ONCE || names.has(name)) rest.push(one);
      else batch.push(one);
      names.add(name);
    }
    waiting = rest;
    return batch.toSorted((a, b) => a.put.c - b.put.c);
  }

  return (put, writerId) =>
    new Promise((resolve, reject) => {
      waiting.push({ put, writerId, resolve, reject });
      next();
    });
}
