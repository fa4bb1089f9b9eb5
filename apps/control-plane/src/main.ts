import { parseArgs } from "node:util";

import { collectWhenIdle } from "@andromede/base/idle-memory";
import { createLogger } from "@andromede/base/log";
import { stopOnSignal } from "@andromede/base/stopping";
import { openDatabase } from "@andromede/platform/db/database";

import { bootstrap } from "./commands/bootstrap.ts";
import { verifyEvents } from "./commands/verify-events.ts";
import { loadConfig } from "./config.ts";
import { migrate } from "./db/migrate.ts";
import { startRuntime } from "./runtime.ts";
import { hashFile } from "./services/image/store/hasher.ts";

/**
 * control-plane --config FILE               serve, until SIGTERM
 * control-plane migrate --config FILE       bring the schema up to date
 * control-plane bootstrap --config FILE     first operator account (JSON on standard input)
 * control-plane events verify --config FILE recompute the event log from the database (JSON on standard output)
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { config: { type: "string" } } });
if (values.config === undefined) throw new Error("--config FILE is needed");
const config = loadConfig(values.config);
const log = createLogger("control-plane", config.logLevel === undefined ? {} : { level: config.logLevel });

switch (positionals.join(" ")) {
  case "":
    await serve();
    break;
  case "migrate": {
    const db = openDatabase(config.database, { max: 1 });
    process.stdout.write(`${JSON.stringify(await migrate(db))}\n`);
    // What this command loads, the program that stays finds compiled: the threads' module too, which would else have the
    // compiler loaded into it. (NODE_COMPILE_CACHE)
    await hashFile(values.config, "sha512");
    await db.end();
    break;
  }
  case "bootstrap":
    await bootstrap(config, log);
    break;
  case "events verify":
    process.exitCode = await verifyEvents(config);
    break;
  default:
    throw new Error(`unknown command: ${positionals.join(" ")}`);
}

async function serve(): Promise<void> {
  const runtime = await startRuntime(config, log);
  log.info({ instance: config.instance }, "ready");
  collectWhenIdle();
  stopOnSignal(() => runtime.stop(), log);
}
