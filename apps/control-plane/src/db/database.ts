import postgres from "postgres";

import type { Config } from "../config.ts";

/** The pool. A tagged template is a prepared statement: db`select ... where id = ${id}`. SQL only in *.queries.ts. */
export type Database = postgres.Sql;
/** What a query may run on: the pool, or the caller's transaction. */
export type Queryable = postgres.ISql;

/**
 * Opens the pool. Statements sent on one connection without awaiting are pipelined, which is why a transaction
 * here costs two round trips and not one per statement.
 */
export function openDatabase(config: Config["database"], options: { max?: number; applicationName?: string } = {}): Database {
  const common = {
    max: options.max ?? 8,
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
