/**
 * The supervisor's program: `node supervisor-main.ts INSTANCE_DIRECTORY`. Started by the keeper (keeper.ts), under its lock.
 * Without a directory it only loads its modules.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { collectWhenIdle } from "@andromede/base/idle-memory";
import { createLogger } from "@andromede/base/log";

import { serveControl } from "./control.ts";
import { keeperFiles, watchKeeper } from "./keeper.ts";
import { Supervisor } from "./supervisor.ts";
import { unitDirectories, writePid } from "./unit-store.ts";

const instanceDirectory = process.argv[2];
if (instanceDirectory === undefined) process.exit(0);
const files = keeperFiles(instanceDirectory);
const log = createLogger("supervisor");

// The instance was shut down while we waited for the lock.
if (!existsSync(files.keep)) process.exit(0);

const supervisor = new Supervisor(instanceDirectory, unitDirectories(instanceDirectory), log);
supervisor.start();
writePid(join(instanceDirectory, "run", "supervisor.pid"), process.pid);
serveControl(supervisor, join(instanceDirectory, "run", "supervisor.sock"), log, () => process.exit(0));
process.once("SIGTERM", () => {
  log.info("told to end by a signal; units go on");
  process.exit(0);
});
watchKeeper(instanceDirectory, log);
log.info("supervising");
collectWhenIdle();
