/** Regular expressions that clients send, put to PostgreSQL so that none of them costs the others more than a moment. */
import { invalid, unavailable } from "@andromede/base/errors";

import type { Database, Queryable } from "./database.ts";

const MAX_LENGTH = 255;
/** `(x{200}){200}` is 40,000 states of a machine that PostgreSQL builds before it looks at a single row. */
const MAX_REPETITIONS = 1_000;
const LIMIT_MS = 1_000;
/** The connections are everybody's: one of them may be busy with a difficult question, and a few clients may wait. */
const MAX_WAITING = 32;

/** Refuses what needs more than time proportional to the text: back references (exponential) and counted repetitions of repetitions. */
export function checkPattern(text: string, name: string): string {
  const refuse = (why: string) => invalid(`Invalid input for query parameters ${name}. ${why}`, { field: name });
  if (text.length > MAX_LENGTH) throw refuse("It is too long");
  if (/\\[1-9]/.test(text)) throw refuse("Back references are not allowed in it");
  let repetitions = 1;
  for (const [, from = "0", to = from] of text.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    repetitions *= Math.max(1, Number(from), Number(to));
  }
  if (repetitions > MAX_REPETITIONS) throw refuse("It repeats too much");
  return text;
}

/**
 * PostgreSQL looks for a pattern in time proportional to the text, and makes its machine for one of 255 characters in some
 * milliseconds; only counted repetitions are written out first, and `(((a?){9}){9}){9}b` takes minutes.
 */
const isQuick = (pattern: string): boolean => !pattern.includes("{");

let last: Promise<unknown> = Promise.resolve();
let waiting = 0;

/** Runs `work`, whose statements use these patterns, for at most a second if they may take long; one such question at a time. */
export async function withPatterns<T>(
  db: Database,
  patterns: readonly string[],
  work: (sql: Queryable) => Promise<T>,
): Promise<T> {
  try {
    if (patterns.every(isQuick)) return await work(db);
    if (waiting >= MAX_WAITING) throw unavailable("Too many searches at once; try again in a moment");
    waiting += 1;
    const turn = last.then(() => limited(db, work)).finally(() => (waiting -= 1));
    last = turn.catch(() => undefined);
    return await turn;
  } catch (error) {
    throw asRefusal(error);
  }
}

async function limited<T>(db: Database, work: (sql: Queryable) => Promise<T>): Promise<T> {
  const answer = await db.begin("read only", async (sql) => {
    const [, value] = await Promise.all([
      sql`select set_config('statement_timeout', ${String(LIMIT_MS)}, true)`,
      work(sql),
    ]);
    return value;
  });
  return answer as T;
}

const CODES: { readonly [code: string]: string } = {
  "2201B": "It is not a regular expression that this service understands",
  "57014": "The search takes too long; use a simpler expression",
};

function asRefusal(error: unknown): unknown {
  const code = error instanceof Error && error.name === "PostgresError" ? (error as { code?: string }).code : undefined;
  const why = code === undefined ? undefined : CODES[code];
  return why === undefined ? error : invalid(`Invalid input for query parameters. ${why}`, { cause: error });
}
