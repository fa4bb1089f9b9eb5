/**
 * Small writes and deletions that come at the same moment are committed together: one statement, one flight, one fsync of
 * PostgreSQL's log for all of them. Nobody waits for company: what comes while others are under way goes with the next.
 */
import { unavailable } from "@andromede/base/errors";

import type { NamespaceDeps } from "./deps.ts";
import { type PlainDeletion, type PlainPut, changePlain } from "./object.queries.ts";
import { isRolledBack } from "./transact.ts";

const MOST_AT_ONCE = 64;
const MOST_UNDER_WAY = 2;
/** How long a container that is none of the plain ones is not asked about again: it is planned for, which is always right. */
const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 10_000;

/** `sequence` of what was written or deleted; 0: there was nothing to delete. */
export type Committed = { sequence: number; at: Date };

/** null: not one of the plain ones; nothing was done. `writerId`: whose bytes a write stands on. */
export type Combine = (change: PlainPut | PlainDeletion, writerId: number | null) => Promise<Committed | null>;

type Waiting = {
  change: PlainPut | PlainDeletion;
  writerId: number | null;
  resolve: (value: Committed | null) => void;
  reject: (error: unknown) => void;
};

export function createCombiner({ db, clock }: Pick<NamespaceDeps, "db" | "clock">): Combine {
  let waiting: Waiting[] = [];
  let underWay = 0;
  const notPlain = new Map<number, number>();

  function remember(containerId: number): void {
    if (notPlain.size >= MOST_REMEMBERED) notPlain.clear();
    notPlain.set(containerId, performance.now() + REMEMBERED_MS);
  }

  async function commit(batch: Waiting[]): Promise<void> {
    const at = new Date(clock.now());
    const writers = [...new Set(batch.flatMap(({ writerId }) => writerId ?? []))];
    const items = batch.map(({ change }) => change);
    const sequences = await changePlain(db, writers, at, items);
    if (sequences === null)
      throw unavailable("The object could not be kept; try again", { type: "ServiceUnavailable" });
    for (const [index, one] of batch.entries()) {
      const sequence = sequences[index] ?? null;
      if (sequence === null) remember(one.change.c);
      one.resolve(sequence === null ? null : { sequence, at });
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

  /** No key twice: of two changes of one key, the later goes with a later statement. */
  function take(): Waiting[] {
    const names = new Set<string>();
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    for (const one of waiting) {
      const name = `${one.change.c}/${one.change.k}`;
      if (batch.length >= MOST_AT_ONCE || names.has(name)) rest.push(one);
      else batch.push(one);
      names.add(name);
    }
    waiting = rest;
    return batch.toSorted((a, b) => a.change.c - b.change.c);
  }

  return (change, writerId) => {
    if ((notPlain.get(change.c) ?? 0) > performance.now()) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      waiting.push({ change, writerId, resolve, reject });
      next();
    });
  };
}
