/**
 * Records of server access logs between a request and the database: gathered in memory and written once a second, so that a
 * request waits for nothing. A process that dies loses the last second of them; Amazon promises no more ("best effort").
 */
import type { Logger } from "@andromede/base/log";

import { Flush } from "../flush.ts";
import type { LoggedContainer, Logging } from "./access.model.ts";

/** Lines of one day of one container's log. */
export type LogRow = {
  containerId: number;
  projectId: string;
  bucket: string;
  logging: Logging;
  /** `2026-02-06`. */
  day: string;
  lines: string;
};

type Batch = Omit<LogRow, "lines"> & { lines: string[] };

const FLUSH_MS = 1_000;
/** So much is not kept waiting. */
const FULL_BYTES = 1 << 20;
/** What a database that is away costs of memory. */
const MOST_BYTES = 16 << 20;
const DAY_MS = 86_400_000;

export class AccessLog {
  readonly #log: Logger;
  readonly #write: (rows: LogRow[]) => Promise<void>;
  /** By container, setting and day. */
  #batches = new Map<string, Batch>();
  #bytes = 0;
  #dropped = 0;
  readonly #flush = new Flush(FLUSH_MS, () => this.#flushOnce());
  /** Settings are the same object for as long as they are in force: their text is made once. */
  readonly #settings = new WeakMap<Logging, string>();

  constructor(options: { log: Logger; write: (rows: LogRow[]) => Promise<void> }) {
    this.#log = options.log;
    this.#write = options.write;
  }

  append(container: LoggedContainer, logging: Logging, atMs: number, line: string): void {
    if (this.#bytes + line.length > MOST_BYTES) {
      this.#dropped += 1;
      return;
    }
    const dayNumber = Math.floor(atMs / DAY_MS);
    const key = `${container.id}/${dayNumber}/${this.#settingsText(logging)}`;
    let batch = this.#batches.get(key);
    if (batch === undefined) {
      const day = new Date(dayNumber * DAY_MS).toISOString().slice(0, 10);
      const { id: containerId, projectId, name: bucket } = container;
      batch = { containerId, projectId, bucket, logging, day, lines: [] };
      this.#batches.set(key, batch);
    }
    batch.lines.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= FULL_BYTES && this.#flush.isDue) void this.flush();
    else this.#flush.soon();
  }

  /** Writes what was gathered; what cannot be written is kept for the next time, as far as there is room. */
  flush(): Promise<void> {
    return this.#flush.now();
  }

  /** Writes what is left. */
  stop(): Promise<void> {
    return this.#flush.stop();
  }

  async #flushOnce(): Promise<void> {
    const batches = this.#batches;
    if (batches.size === 0) return;
    const bytes = this.#bytes;
    this.#batches = new Map();
    this.#bytes = 0;
    try {
      await this.#write(Array.from(batches.values(), (batch) => ({ ...batch, lines: batch.lines.join("") })));
    } catch (error) {
      this.#log.warn({ error }, "access logs could not be written down; trying again");
      this.#takeBack(batches, bytes);
    }
    if (this.#dropped > 0) this.#log.warn({ records: this.#dropped }, "records of access logs were dropped");
    this.#dropped = 0;
  }

  #takeBack(batches: Map<string, Batch>, bytes: number): void {
    for (const [key, batch] of this.#batches) {
      const before = batches.get(key);
      if (before === undefined) batches.set(key, batch);
      else before.lines.push(...batch.lines);
    }
    this.#batches = batches;
    this.#bytes += bytes;
    this.#flush.soon();
  }

  #settingsText(logging: Logging): string {
    let text = this.#settings.get(logging);
    if (text === undefined) {
      text = JSON.stringify(logging);
      this.#settings.set(logging, text);
    }
    return text;
  }
}
