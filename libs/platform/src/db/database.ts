import { availableParallelism } from "node:os";

import postgres from "postgres";

import { arrayTypes } from "./arrays.ts";
import { type Listening, type OpenPool, createPool, createTransactionPool, listenAlways } from "./pool.ts";

/** Where PostgreSQL is: a cluster's own socket, or a URL. */
export type DatabaseConfig =
  | { socketDir: string; port: number; name: string; user: string; password?: string }
  | { url: string };

/** The pool. A tagged template is a prepared statement: db`select ... where id = ${id}`. SQL only in *.queries.ts. */
export type Database = postgres.Sql;
/** What a query may run on: the pool, or the caller's transaction. */
export type Queryable = postgres.ISql;

/** More at once would wait for a processor, each in a process of PostgreSQL's that grows to 12 MiB. */
const DEFAULT_MAX = Math.min(8, 2 + 2 * availableParallelism());

/**
 * Opens the pool. Statements sent on one connection without awaiting are pipelined, which is why a transaction
 * here costs two round trips and not one per statement.
 *
 * Transactions have connections of their own. postgres.js (3.4) may queue a BEGIN behind other statements of a busy
 * connection, and when that connection's pipeline is full it forgets to reserve it: the transaction then fails with
 * UNSAFE_TRANSACTION. Where only transactions begin, a BEGIN always finds an idle connection or waits for one.
 */
export function openDatabase(
  config: DatabaseConfig,
  options: { max?: number; applicationName?: string } = {},
): Database {
  const max = options.max ?? DEFAULT_MAX;
  const opener =
    (size: number): OpenPool =>
    (hooks) =>
      connect(config, { ...options, max: size, hooks });
  const statements = createPool(opener(max < 2 ? 1 : Math.floor(max / 2)));
  const transactions = max < 2 ? statements : createTransactionPool(opener(1), Math.ceil(max / 2));
  const listening = new Set<Listening>();
  const own = {
    begin: transactions.begin,
    async listen(channel: string, hear: (payload: string) => void, onConnected: () => void = () => undefined) {
      const listener = await listenAlways(opener(1), channel, { notified: hear, connected: onConnected });
      listening.add(listener);
      return {
        unlisten: () => {
          listening.delete(listener);
          return listener.stop();
        },
      };
    },
    async end(how?: { timeout?: number }) {
      await Promise.all([statements.end(how), transactions.end(how), ...[...listening].map((one) => one.stop())]);
    },
  };
  return new Proxy((() => undefined) as unknown as Database, {
    apply: (_target, _self, args: unknown[]): unknown => Reflect.apply(statements.current() as never, undefined, args),
    get: (_target, name): unknown => Reflect.get(Object.hasOwn(own, name) ? own : statements.current(), name),
  });
}

/** One connection of its own, for who holds a session's lock: `onClose` says that the lock is gone. It is not made again for you. */
export const openConnection = (
  config: DatabaseConfig,
  options: { applicationName: string; onClose: () => void },
): Database =>
  connect(config, { max: 1, applicationName: options.applicationName, hooks: { onclose: options.onClose } });

function connect(
  config: DatabaseConfig,
  options: { max: number; applicationName?: string; hooks: Parameters<OpenPool>[0] },
): Database {
  const common = {
    max: options.max,
    connection: { application_name: options.applicationName ?? "andromede" },
    onnotice: () => undefined,
    // bigint columns (sizes, indexes) fit a double up to 2^53
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number }, ...arrayTypes },
    fetch_types: false,
    // columns only: postgres.camel would also rename the keys inside customers' JSON
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    connect_timeout: 10,
    // a connection's end is an accident here, and retires the pool
    max_lifetime: null,
    backoff: (attempt: number) => Math.min(2, 0.05 * 2 ** attempt),
    ...options.hooks,
  };
  if ("url" in config) return postgres(config.url, common as never) as unknown as Database;
  return postgres({
    host: config.socketDir,
    port: config.port,
    database: config.name,
    username: config.user,
    ...(config.password === undefined ? {} : { password: config.password }),
    ...common,
  } as never) as unknown as Database;
}
