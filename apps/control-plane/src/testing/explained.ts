/** Which tables a list reads from end to end: PostgreSQL itself says it of each statement that a query function really sends. */
import assert from "node:assert/strict";

import postgres from "postgres";

import type { Config } from "../config.ts";

export type Explained = {
  /** Seeds and queries go through this connection. */
  sql: postgres.Sql;
  /** From here on statements are explained: call it when the tables are full. */
  begin(): Promise<void>;
  /** Runs what a query function sends; gives the tables that were read from end to end. */
  seqScans(send: (sql: postgres.Sql) => PromiseLike<unknown>): Promise<string[]>;
  close(): Promise<void>;
};

export function explainedConnection(database: Config["database"]): Explained {
  assert.ok("socketDir" in database);
  let plans: string[] = [];
  const sql = postgres({
    host: database.socketDir,
    port: database.port,
    database: database.name,
    username: database.user,
    max: 1,
    onnotice: (notice) => void plans.push(notice["message"] ?? ""),
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
  });
  return {
    sql,
    async begin() {
      await sql`analyze`;
      await sql`load 'auto_explain'`;
      await sql`set auto_explain.log_min_duration = 0`;
      await sql`set client_min_messages = 'log'`;
    },
    async seqScans(send) {
      plans = [];
      await send(sql);
      assert.ok(
        plans.some((plan) => plan.includes("Query Text")),
        "the server explained something",
      );
      return plans.flatMap((plan) => [...plan.matchAll(/Seq Scan on (\w+)/g)].map((match) => match[1] ?? ""));
    },
    close: () => sql.end(),
  };
}
