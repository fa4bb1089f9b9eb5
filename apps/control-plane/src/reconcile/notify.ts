/**
 * Tells the other processes that keys were enqueued. Beside the transactions and not in them: PostgreSQL lets transactions
 * that notify commit one at a time, each waiting for the other's disk. The news only saves time: whoever misses it finds
 * the keys at its next look (worker.ts).
 */
import { randomBytes } from "node:crypto";

import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";

import { notifyWorkers } from "./queue.ts";
import type { ReconcileSignal } from "./signal.ts";

const PAUSE_MS = 20;

export class Notifier {
  /** What our own notifications say, so that we need not listen to ourselves. */
  readonly name = randomBytes(8).toString("hex");
  readonly #db: Database;
  readonly #log: Logger;
  #pause: NodeJS.Timeout | undefined;
  #again = false;

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  /** At once, then at most once a pause. */
  tell(): void {
    if (this.#pause !== undefined) {
      this.#again = true;
      return;
    }
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.tell();
    }, PAUSE_MS).unref();
    notifyWorkers(this.#db, this.name).catch((error: unknown) => this.#log.warn({ error }, "workers not notified"));
  }

  stop(): void {
    clearTimeout(this.#pause);
  }
}

/** For a process that enqueues keys and works on none. */
export function notifyOnly(db: Database, log: Logger): ReconcileSignal {
  const notifier = new Notifier(db, log);
  return { wake: () => notifier.tell(), settled: () => Promise.resolve(false) };
}
