/**
 * A pool of postgres.js that outlives the deaths of its connections.
 *
 * postgres.js (3.4) goes on with a connection object whose socket is gone: it connects again with the next statement.
 * What waited to be written when the socket went is then still in its buffer, and its note that a write is due is never
 * taken back, so that nothing is written any more and statements wait for ever
 * (https://github.com/porsager/postgres/issues/1193 and /1208). And a transaction whose connection went may run its next
 * statement on the new one, outside any transaction (https://github.com/porsager/postgres/pull/1155). Whenever
 * PostgreSQL is killed under load, somebody meets these. So here no connection is ever used again: the first one that
 * ends retires its whole pool, and the next statement goes to another. What the retired pool is still doing gets
 * RETIRE_S to end; then it fails.
 */
import { setTimeout as delay } from "node:timers/promises";

import type postgres from "postgres";

type Sql = postgres.Sql;
type TransactionWork = (sql: postgres.TransactionSql) => Promise<unknown>;
/** Opens a pool of postgres.js with these hooks among its options. */
export type OpenPool = (hooks: { onclose: () => void; onnotify?: (channel: string, payload: string) => void }) => Sql;

export type Pool = {
  /** Where a statement goes that is made now. */
  current(): Sql;
  /** Only for a pool of one connection: in a larger one, the end of another connection would end the transaction. */
  begin: Sql["begin"];
  /**
   * The same, BEGIN going out together with the first statements. Only for a pool of one connection on which nothing else is
   * done: what others would send meanwhile would be part of the transaction.
   */
  beginAtOnce: Sql["begin"];
  /** Ends what is connected; the next statement connects anew. MUST NOT be called while anything is under way. */
  rest(): void;
  end(how?: { timeout?: number }): Promise<void>;
};

const RETIRE_S = 5;
/** What errors of a retired pool say. */
const NOWHERE = "/the connection to the database ended";
const LISTEN_AGAIN_MS = 500;

type Connected = { sql: Sql; closed: boolean; gone: Promise<never> };

/** Nothing is connected before the first statement. */
export function createPool(open: OpenPool): Pool {
  let ended = false;
  const retiring = new Set<Promise<void>>();
  let current = fresh();

  function fresh(): Connected {
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => undefined); // who is in the middle of something waits for it
    const pool = { sql: open({ onclose: () => retire() }), closed: false, gone: gone.promise };
    const retire = (): void => {
      // the other connections of a retired pool end too
      if (pool.closed) return;
      pool.closed = true;
      // postgres.js would now run on another connection what waited in line for this one: there is nothing to connect to
      Object.assign(pool.sql.options, { path: NOWHERE });
      gone.reject(connectionClosed());
      if (ended) return;
      replace(pool);
    };
    return pool;
  }

  function replace(pool: Connected): void {
    current = fresh();
    const end = pool.sql.end({ timeout: RETIRE_S }).finally(() => retiring.delete(end));
    retiring.add(end);
  }

  async function begin(...args: [TransactionWork] | [string, TransactionWork]): Promise<unknown> {
    const work = args.at(-1) as TransactionWork;
    const pool = current;
    let over = false;
    const guarded: TransactionWork = async (sql) => {
      try {
        const value = await work(refusing(sql, () => over || pool.closed));
        if (pool.closed) await never;
        return value;
      } catch (error) {
        // postgres.js would send a ROLLBACK into a socket that is gone, and die of it; it knows already that this has failed
        if (pool.closed) await never;
        throw error;
      } finally {
        over = true;
      }
    };
    const [how] = args;
    try {
      return await (typeof how === "string" ? pool.sql.begin(how, guarded) : pool.sql.begin(guarded));
    } finally {
      over = true;
    }
  }

  const beginAtOnce = (...args: [TransactionWork] | [string, TransactionWork]): Promise<unknown> =>
    runAtOnce(current, typeof args[0] === "string" ? args[0] : "", args.at(-1) as TransactionWork);

  return {
    current: () => current.sql,
    begin: begin as Sql["begin"],
    beginAtOnce: beginAtOnce as Sql["begin"],
    rest() {
      if (ended) return;
      current.closed = true;
      replace(current);
    },
    async end(how) {
      ended = true;
      await Promise.all([current.sql.end(how), ...retiring]);
    },
  };
}

/** A transaction on a connection of its own, BEGIN going out together with its first statements. */
async function runAtOnce(pool: Connected, how: string, work: TransactionWork): Promise<unknown> {
  const { sql } = pool;
  let over = false;
  const failures: unknown[] = [];
  const watched = watching(sql as unknown as postgres.TransactionSql, (error) => failures.push(error));
  const attempt = async (): Promise<unknown> => {
    const begun = sql.unsafe(`begin ${how.replaceAll(/[^a-z ]/gi, "")}`).execute();
    begun.catch(() => undefined);
    try {
      const value = await work(refusing(watched, () => over || pool.closed));
      over = true;
      await begun;
      if (failures.length > 0) throw asError(failures[0]);
      // a statement that fails from here on makes a ROLLBACK of it, and PostgreSQL says so without an error
      if ((await sql`commit`).command !== "COMMIT") throw asError(failures[0] ?? "nothing was committed");
      return value;
    } catch (error) {
      over = true;
      if (!pool.closed) await sql`rollback`.catch(() => undefined); // what is gone has rolled back
      throw isAborted(error) ? asError(failures[0] ?? error) : error;
    }
  };
  try {
    return await Promise.race([attempt(), pool.gone]);
  } finally {
    over = true;
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

const never = new Promise<never>(() => undefined);

/** As postgres.js has it. */
const connectionClosed = (): Error =>
  Object.assign(new Error("the connection ended during the transaction"), { code: "CONNECTION_CLOSED" });
/** What PostgreSQL answers to every statement after the one that failed. */
const isAborted = (error: unknown): boolean => error instanceof Error && (error as { code?: unknown }).code === "25P02";

/** Hears of every statement that fails, whether somebody waits for it or not. */
function watching(sql: postgres.TransactionSql, failed: (error: unknown) => void): postgres.TransactionSql {
  return new Proxy(sql, {
    apply(target, self, args: unknown[]) {
      const made = Reflect.apply(target as never, self, args) as unknown;
      // postgres.js sends a statement (and not a fragment of one) by handing it to its `handler`
      const statement = made as { handler?: (sent: Promise<unknown>) => void };
      if (made instanceof Promise && typeof statement.handler === "function") {
        const send = statement.handler;
        statement.handler = (sent) => {
          sent.catch(failed);
          send(sent);
        };
      }
      return made;
    },
  });
}

/** So long unused, a connection is given up: PostgreSQL keeps a process of several megabytes for each. */
const REST_MS = 2_000;

type Seat = { pool: Pool; freeSinceMs: number; resting: boolean };

/**
 * Transactions take turns on pools of one connection each, so that the end of one is the end of no other. One stays
 * connected; the others rest after a while without work.
 */
export function createTransactionPool(
  open: OpenPool,
  size: number,
  restMs: number = REST_MS,
): Pick<Pool, "begin" | "end"> {
  const all = Array.from({ length: size }, (): Seat => ({ pool: createPool(open), freeSinceMs: 0, resting: true }));
  const idle = [...all];
  const waiting: ((seat: Seat) => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  function restLater(): void {
    timer ??= setTimeout(restNow, restMs).unref();
  }
  function restNow(): void {
    timer = undefined;
    const awake = idle.filter((seat) => !seat.resting);
    awake.pop(); // the one used last
    for (const seat of awake) {
      if (performance.now() - seat.freeSinceMs >= restMs) {
        seat.resting = true;
        seat.pool.rest();
      } else restLater();
    }
  }
  async function begin(...args: Parameters<Sql["begin"]>): Promise<unknown> {
    // the one used last: its connection is there, and warm
    const seat = idle.pop() ?? (await new Promise<Seat>((resolve) => waiting.push(resolve)));
    seat.resting = false;
    try {
      return await seat.pool.beginAtOnce(...args);
    } finally {
      const next = waiting.shift();
      if (next === undefined) {
        seat.freeSinceMs = performance.now();
        idle.push(seat);
        restLater();
      } else next(seat);
    }
  }
  return {
    begin: begin as Sql["begin"],
    async end(how) {
      clearTimeout(timer);
      await Promise.all(all.map(({ pool }) => pool.end(how)));
    },
  };
}

/**
 * `work` may run things side by side, and when one of them fails, or the connection does, the others go on for a moment:
 * what they would still send would run outside any transaction, or inside somebody else's. Here it is refused.
 */
function refusing(sql: postgres.TransactionSql, isOver: () => boolean): postgres.TransactionSql {
  return new Proxy(sql, {
    apply(target, self, args: unknown[]) {
      if (isOver()) throw new Error("the transaction is over");
      return Reflect.apply(target as never, self, args) as unknown;
    },
  });
}

export type Listening = { stop(): Promise<void> };

/**
 * Hears what is notified on a channel, over a connection of its own that is made anew for as long as it is wanted.
 * Rejects when the first one cannot be made. What is notified while there is none is not heard: `onConnected` says when to
 * look for oneself.
 */
export async function listenAlways(
  open: OpenPool,
  channel: string,
  on: { notified: (payload: string) => void; connected: () => void },
): Promise<Listening> {
  const stopping = new AbortController();
  const connect = async (): Promise<{ sql: Sql; closed: Promise<void> }> => {
    const closed = Promise.withResolvers<void>();
    const sql = open({
      onclose: closed.resolve,
      onnotify: (from, payload) => void (from === channel && on.notified(payload)),
    });
    try {
      await sql`listen ${sql(channel)}`;
    } catch (error) {
      await sql.end({ timeout: 0 });
      throw error;
    }
    on.connected();
    return { sql, closed: closed.promise };
  };
  const aborted = new Promise<void>((resolve) => stopping.signal.addEventListener("abort", () => resolve()));
  let connection: Awaited<ReturnType<typeof connect>> | null = await connect();
  const follow = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (connection !== null) {
        await Promise.race([connection.closed, aborted]);
        await connection.sql.end({ timeout: 0 });
        connection = null;
      } else {
        await delay(LISTEN_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
        // whoever waits for news looks for himself now and then: no news of this is good enough
        if (!stopping.signal.aborted) connection = await connect().catch(() => null);
      }
    }
    await connection?.sql.end({ timeout: 0 });
  };
  const following = follow();
  return {
    async stop() {
      stopping.abort();
      await following;
    },
  };
}
