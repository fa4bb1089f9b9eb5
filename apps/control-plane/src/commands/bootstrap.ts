import { text } from "node:stream/consumers";

import { systemClock } from "@andromede/base/clock";
import { invalid } from "@andromede/base/errors";
import { isObject, parseJson } from "@andromede/base/json";
import type { Logger } from "@andromede/base/log";
import { openDatabase } from "@andromede/platform/db/database";

import type { Config } from "../config.ts";
import { migrate } from "../db/migrate.ts";
import { noReconcile } from "../reconcile/signal.ts";
import { bootstrapOperator } from "../services/identity/public.ts";

/**
 * `control-plane bootstrap`: makes (or repairs) the first operator account. Reads `{"operatorUser", "operatorPassword"}`
 * from standard input, so that the password is in no argument list and no file; prints JSON. May run any number of times.
 */
export async function bootstrap(
  config: Config,
  log: Logger,
  input: NodeJS.ReadableStream = process.stdin,
): Promise<void> {
  const given = readOperator(parseJson(await text(input), "standard input"));
  const db = openDatabase(config.database, { max: 2, applicationName: "bootstrap" });
  try {
    await migrate(db);
    const account = await bootstrapOperator({ db, config, clock: systemClock, reconcile: noReconcile }, given);
    log.info(
      { user: account.user.name, created: account.created, password: account.password },
      "operator account ready",
    );
    process.stdout.write(`${JSON.stringify(account)}\n`);
  } finally {
    await db.end({ timeout: 5 });
  }
}

function readOperator(value: unknown): { name: string; password: string } {
  const { operatorUser: name, operatorPassword: password } = isObject(value) ? value : {};
  if (typeof name !== "string" || name.trim() === "" || name.length > 255) throw invalid("operatorUser must be a name");
  if (typeof password !== "string" || password === "" || password.length > 4096)
    throw invalid("operatorPassword must be a password");
  return { name: name.trim(), password };
}
