/**
 * The first process: starts the workers, and one again when it dies, and does what has to be done in the background. Its own
 * death takes the workers along, and whoever supervises starts it anew.
 */
import cluster, { type Worker } from "node:cluster";

import { systemClock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import { openDatabase } from "@andromede/platform/db/database";

import type { Config } from "./config.ts";
import { startByteMaintenance } from "./maintenance/byte-maintenance.ts";
import { startRowMaintenance } from "./maintenance/keep-rows.ts";
import type { Running } from "./runtime.ts";

const DEFAULT_WORKERS = 2;
/** What is done in the background has time. */
const CONNECTIONS = 2;
/** A worker that dies at its start is not started again at once. */
const BACKOFF_MS = [0, 100, 500, 2_000, 5_000];
/** Who has lived so long did not die at its start. */
const SETTLED_MS = 10_000;
/**
 * Blocks of 128 KiB come and go all the time. As it comes, malloc gives each back to the system, which has to find, clear and map
 * another the next time: a sixth of what a long read costs. And it has a heap for each thread, with what was freed in each.
 */
const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 20),
  MALLOC_ARENA_MAX: "2",
};

export function startPrimary(config: Config, log: Logger): Promise<Running> {
  const db = openDatabase(config.database, { max: CONNECTIONS, applicationName: "object-store maintenance" });
  const maintenance = startByteMaintenance({
    bytes: config.bytes,
    db,
    database: config.database,
    log,
    ...(config.garbageGraceSeconds === undefined ? {} : { graceSeconds: config.garbageGraceSeconds }),
  });
  const rows = startRowMaintenance({ db, database: config.database, clock: systemClock, log });
  const workers = startWorkers(config, log);
  return Promise.resolve({
    async stop() {
      await Promise.all([workers.stop(), maintenance.stop(), rows.stop()]);
      await db.end({ timeout: 5 });
    },
  });
}

function startWorkers(config: Config, log: Logger): Running {
  let stopping = false;
  const workers = new Set<Worker>();
  const timers = new Set<NodeJS.Timeout>();

  const start = (failures: number): void => {
    if (stopping) return;
    const startedAt = performance.now();
    const worker = cluster.fork(MALLOC);
    workers.add(worker);
    worker.once("exit", (code: number | null, signal: string | null) => {
      workers.delete(worker);
      if (stopping) return;
      const again = performance.now() - startedAt > SETTLED_MS ? 0 : failures + 1;
      log.error({ pid: worker.process.pid, code, signal }, "a worker died; starting another");
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          start(again);
        },
        BACKOFF_MS[Math.min(again, BACKOFF_MS.length - 1)],
      );
      timers.add(timer);
    });
  };
  for (let count = config.workers ?? DEFAULT_WORKERS; count > 0; count -= 1) start(0);

  return {
    async stop() {
      stopping = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(
        [...workers].map((worker) => {
          const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
          worker.process.kill("SIGTERM");
          return ended;
        }),
      );
    },
  };
}
