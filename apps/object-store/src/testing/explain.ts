import assert from "node:assert/strict";

import type { Database } from "@andromede/platform/db/database";
import postgres from "postgres";

import type { Store } from "../store.ts";

/** Statements as they are sent, explained by the server. Test files only. */
export async function explain(store: Store, send: (db: Database) => Promise<unknown>): Promise<string> {
  const { config } = store;
  assert.ok("socketDir" in config.database);
  const plans: string[] = [];
  const { socketDir: host, port, name: database, user: username } = config.database;
  const sql = postgres({
    host,
    port,
    database,
    username,
    max: 1,
    onnotice: (notice) => void plans.push(notice["message"] ?? ""),
  });
  try {
    await sql`load 'auto_explain'`;
    await sql`set auto_explain.log_min_duration = 0`;
    await sql`set auto_explain.log_analyze = on`;
    await sql`set auto_explain.log_nested_statements = on`;
    await sql`set client_min_messages = 'log'`;
    plans.length = 0;
    await send(sql as never);
    assert.ok(plans.length > 0, "the server explained something");
    return plans.join("\n");
  } finally {
    await sql.end();
  }
}
