/** Collecting and scrubbing, as the first process of a program does them. */
import type { Logger } from "@andromede/base/log";
import type { Database, DatabaseConfig } from "@andromede/platform/db/database";

import type { DriverConfig } from "../bytes/driver.ts";
import { openDriver } from "../bytes/open-driver.ts";
import { openPackReader } from "../bytes/pack-reader.ts";
import { type PackWriter, openPackWriter } from "../bytes/packs.ts";
import { type WriterSource, openWriterSource } from "../bytes/writer.ts";
import { type CollectDeps, type Collected, collectGarbage, compactPacks } from "./collect.ts";
import { startLeased } from "./lease.ts";
import { type Scrubbed, scrubOnce } from "./scrub.ts";

export type ByteMaintenanceOptions = {
  bytes: DriverConfig;
  db: Database;
  database: DatabaseConfig;
  log: Logger;
  /** How long what was deleted is kept for those who are reading it; 600 unless said. */
  graceSeconds?: number;
};

export type ByteMaintenance = {
  /** What dead writers left, and what has been garbage long enough. */
  collect(signal?: AbortSignal): Promise<Collected>;
  /** Looks at all packs: costs a look at every small object. */
  compact(signal?: AbortSignal): Promise<{ moved: number; dead: number }>;
  scrub(options?: { ageSeconds?: number; bytesPerSecond?: number; signal?: AbortSignal }): Promise<Scrubbed>;
  close(): Promise<void>;
};

const GRACE_SECONDS = 600;
/** Everything is read once in a week. */
const SCRUB_AGE_SECONDS = 7 * 86_400;

export function openByteMaintenance(options: ByteMaintenanceOptions): ByteMaintenance {
  const { db, database, log } = options;
  const driver = openDriver(options.bytes);
  const files = driver.packs;
  const reader = files === null ? null : openPackReader(files);
  /** Only who moves bodies writes. */
  let moving: { writers: WriterSource; writer: PackWriter } | null = null;

  async function writer(): Promise<PackWriter> {
    if (files === null) throw new TypeError("no packs, no moves");
    if (moving === null) {
      const writers = await openWriterSource({ database, driver, log });
      moving = { writers, writer: openPackWriter({ db, files, writers, log }) };
    }
    return moving.writer;
  }

  const deps = (signal?: AbortSignal): CollectDeps => ({
    db,
    driver,
    log,
    graceSeconds: options.graceSeconds ?? GRACE_SECONDS,
    packs: reader === null ? null : { reader, writer },
    ...(signal === undefined ? {} : { signal }),
  });

  return {
    collect: (signal) => collectGarbage(deps(signal)),
    compact: (signal) => compactPacks(deps(signal)),
    scrub: (scrub = {}) => scrubOnce({ db, driver, log, ageSeconds: SCRUB_AGE_SECONDS, ...scrub }),
    async close() {
      await moving?.writer.close();
      await moving?.writers.close();
      await reader?.close();
    },
  };
}

const COLLECT_EVERY_MS = 30_000;
const COMPACT_EVERY_MS = 3_600_000;
const SCRUB_EVERY_MS = 60_000;
/** Little enough that customers do not notice. */
const SCRUB_BYTES_PER_SECOND = 32 * 1024 * 1024;

/** All of it, by turns with all other programs, until stopped. */
export function startByteMaintenance(options: ByteMaintenanceOptions): { stop(): Promise<void> } {
  const maintenance = openByteMaintenance(options);
  const { database, log } = options;
  const leased = [
    { name: "collect", everyMs: COLLECT_EVERY_MS, turn: (signal: AbortSignal) => maintenance.collect(signal) },
    { name: "compact", everyMs: COMPACT_EVERY_MS, turn: (signal: AbortSignal) => maintenance.compact(signal) },
    {
      name: "scrub",
      everyMs: SCRUB_EVERY_MS,
      turn: (signal: AbortSignal) => maintenance.scrub({ bytesPerSecond: SCRUB_BYTES_PER_SECOND, signal }),
    },
  ].map((work) => startLeased({ ...work, database, log }));
  return {
    async stop() {
      await Promise.all(leased.map((one) => one.stop()));
      await maintenance.close();
    },
  };
}
