/**
 * What goes through the doors, by project: counted in memory, written once a second, and held below a rate where there is
 * one. A process that dies loses the last second of its counts, never of anybody's data.
 */
import type { Clock } from "@andromede/base/clock";
import { unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import { Flush } from "../flush.ts";

export type Traffic = { reads: number; writes: number; bytesIn: number; bytesOut: number };
export type TrafficRow = Traffic & { projectId: string; hour: Date };

const FLUSH_MS = 1_000;
const HOUR_MS = 3_600_000;
/** Seconds' worth of requests that may come at once. */
const BURST_S = 2;

type Bucket = { tokens: number; atMs: number };

export class TrafficMeter {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #write: (rows: TrafficRow[]) => Promise<void>;
  readonly #perSecond: number | undefined;
  readonly #buckets = new Map<string, Bucket>();
  #counts = new Map<string, TrafficRow>();
  readonly #flush = new Flush(FLUSH_MS, () => this.#flushOnce());

  constructor(options: {
    clock: Clock;
    log: Logger;
    write: (rows: TrafficRow[]) => Promise<void>;
    perSecond: number | undefined;
  }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#write = options.write;
    this.#perSecond = options.perSecond;
  }

  /** Throws `unavailable` (type SlowDown) when the project asks more often than it may. */
  admit(projectId: string): void {
    if (this.#perSecond === undefined) return;
    const now = this.#clock.now();
    const most = this.#perSecond * BURST_S;
    const bucket = this.#buckets.get(projectId) ?? { tokens: most, atMs: now };
    bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.atMs) / 1000) * this.#perSecond);
    bucket.atMs = now;
    this.#buckets.set(projectId, bucket);
    if (bucket.tokens < 1) throw unavailable("Please reduce your request rate.", { type: "SlowDown" });
    bucket.tokens -= 1;
  }

  count(projectId: string, traffic: Traffic): void {
    const hour = Math.floor(this.#clock.now() / HOUR_MS) * HOUR_MS;
    const key = `${projectId}/${hour}`;
    const row = this.#counts.get(key);
    if (row === undefined) this.#counts.set(key, { projectId, hour: new Date(hour), ...traffic });
    else {
      row.reads += traffic.reads;
      row.writes += traffic.writes;
      row.bytesIn += traffic.bytesIn;
      row.bytesOut += traffic.bytesOut;
    }
    this.#flush.soon();
  }

  /** Writes what was counted; what cannot be written is kept for the next time. */
  flush(): Promise<void> {
    return this.#flush.now();
  }

  /** Writes what is left. */
  stop(): Promise<void> {
    return this.#flush.stop();
  }

  async #flushOnce(): Promise<void> {
    const counts = this.#counts;
    if (counts.size === 0) return;
    this.#counts = new Map();
    try {
      await this.#write([...counts.values()]);
    } catch (error) {
      this.#log.warn({ error }, "traffic could not be written down; trying again");
      for (const row of counts.values()) this.count(row.projectId, row);
    }
    if (this.#perSecond !== undefined) this.#forgetIdle();
  }

  #forgetIdle(): void {
    const now = this.#clock.now();
    for (const [projectId, bucket] of this.#buckets)
      if (now - bucket.atMs > BURST_S * 1000) this.#buckets.delete(projectId);
  }
}
