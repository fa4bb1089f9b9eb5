import postgres from "postgres";

import type { Config } from "../config.ts";

/** The pool. A tagged template is a prepared statement: db`select ... where id = ${id}`. SQL only in *.queries.ts. */
export type Database = postgres.Sql;
/** What a query may run on: the pool, or the caller's transaction. */
export type Queryable = postgres.ISql;

/**
 * Opens the pool. Statements sent on one connection without awaiting are pipelined, which is why a transaction
 * here costs two round trips and not one per statement.
 *
 * Transactions have connections of their own. postgres.js (3.4) may queue a BEGIN behind other statements of a busy
 * connection, and when that connection's pipeline is full it forgets to reserve it: the transaction then fails with
 * UNSAFE_TRANSACTION. Where only transactions begin, a BEGIN always finds an idle connection or waits for one.
 */
export function openDatabase(
  config: Config["database"],
  options: { max?: number; applicationName?: string } = {},
): Database {
  const max = options.max ?? 8;
  if (max < 2) return connect(config, { ...options, max });
  const statements = connect(config, { ...options, max: Math.floor(max / 2) });
  const transactions = connect(config, { ...options, max: Math.ceil(max / 2) });
  const endStatements = statements.end.bind(statements);
  return Object.assign(statements, {
    begin: transactions.begin.bind(transactions),
    end: async (how?: { timeout?: number }) => {
      await Promise.all([endStatements(how), transactions.end(how)]);
    },
  });
}

function connect(config: Config["database"], options: { max: number; applicationName?: string }): Database {
  const common = {
    max: options.max,
    connection: { application_name: options.applicationName ?? "andromede" },
    onnotice: () => undefined,
    // bigint columns (sizes, indexes) fit a double up to 2^53
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
    // columns only: postgres.camel would also rename the keys inside customers' JSON
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    connect_timeout: 10,
    backoff: (attempt: number) => Math.min(2, 0.05 * 2 ** attempt),
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
