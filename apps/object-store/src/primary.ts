/**
 * The first process: accepts connections, which node:cluster deals out to the workers in turn, and starts a worker again when
 * one dies. Its own death takes the workers along, and whoever supervises starts it anew.
 */
import cluster, { type Worker } from "node:cluster";

import type { Logger } from "@andromede/base/log";

import type { Config } from "./config.ts";
import type { Running } from "./runtime.ts";

const DEFAULT_WORKERS = 2;
/** A worker that dies at its start is not started again at once. */
const BACKOFF_MS = [0, 100, 500, 2_000, 5_000];
/** Who has lived so long did not die at its start. */
const SETTLED_MS = 10_000;

export function startPrimary(config: Config, log: Logger): Promise<Running> {
  let stopping = false;
  const workers = new Set<Worker>();
  const timers = new Set<NodeJS.Timeout>();
  cluster.schedulingPolicy = cluster.SCHED_RR;

  const start = (failures: number): void => {
    if (stopping) return;
    const startedAt = performance.now();
    const worker = cluster.fork();
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

  return Promise.resolve({
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
  });
}
