import cluster from "node:cluster";
import { parseArgs } from "node:util";

import { createLogger } from "@andromede/base/log";
import { collectWhenIdle } from "@andromede/base/idle-memory";
import { stopOnSignal } from "@andromede/base/stopping";

import { loadConfig } from "./config.ts";
import { startPrimary } from "./primary.ts";
import { startWorker } from "./runtime.ts";

/**
 * object-store --config FILE   serve, until SIGTERM. The first process starts the workers, which serve, and does the work in
 * the background.
 */
const { values } = parseArgs({ options: { config: { type: "string" } } });
if (values.config === undefined) throw new Error("--config FILE is needed");
const config = loadConfig(values.config);
const log = createLogger("object-store", config.logLevel === undefined ? {} : { level: config.logLevel });

const running = cluster.isPrimary ? await startPrimary(config, log) : await startWorker(config, log);
collectWhenIdle();
stopOnSignal(() => running.stop(), log);
