/** Volumes, backups and exports of a host, as the API and the reports see them; over real files or the simulation. */
import type {
  BackupReport,
  BackupSpec,
  ExportReport,
  ExportSpec,
  VolumePool,
  VolumeReport,
  VolumeSpec,
} from "@andromede/agent-api/types";
import { type Clock, systemClock } from "@andromede/base/clock";
import { notFound } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { BackupFacts, BackupStore } from "./backup-store.ts";
import type { VolumeDriver } from "./driver.ts";
import { type ExportFacts, type ExportStore, type OpenedExport, notReady } from "./export-store.ts";
import { Jobs } from "./jobs.ts";
import type { Slots } from "./slots.ts";
import { VolumeWorkers } from "./volume-workers.ts";

/** What carries a host's storage. `copies`: how many long copies run at a time, on all that share it. */
export type StorageParts = { driver: VolumeDriver; backups: BackupStore; exports: ExportStore; copies: Slots };

/** Of what a report has changed. `gone`: a volume's last one. */
export type StorageChange = { kind: "volumes" | "backups" | "exports"; id: string; gone?: VolumeReport };

export type Storage = {
  pools(): VolumePool[];
  /** MUST be called first, once, when what guests have open is known. */
  start(): Promise<void>;
  volumes: Reported<VolumeReport>;
  backups: Reported<BackupReport>;
  exports: Reported<ExportReport>;
  putVolume(spec: VolumeSpec): VolumeReport;
  /** null when there is nothing of it. */
  removeVolume(id: string, generation: number): Promise<VolumeReport | null>;
  putBackup(spec: BackupSpec): Promise<BackupReport>;
  removeBackup(id: string): Promise<void>;
  putExport(spec: ExportSpec): Promise<ExportReport>;
  openExport(id: string): Promise<OpenedExport>;
  removeExport(id: string): Promise<void>;
  tidy(): Promise<void>;
  /** Ends what is being done; it is begun anew when it is told again. */
  close(): Promise<void>;
};

export type Reported<Report> = { ids(): Iterable<string>; report(id: string): Report | undefined };

/** Copies at a time, of whatever size: more would only make all of them slower. */
export const COPIES = 3;

export type StorageOptions = {
  parts: StorageParts;
  clock?: Clock;
  log: Logger;
  changed: (change: StorageChange) => void;
};

export function createStorage({ parts, clock = systemClock, log, changed }: StorageOptions): Storage {
  const { driver } = parts;
  const volumes = new VolumeWorkers({
    driver,
    clock,
    log,
    changed: (id, gone) => changed({ kind: "volumes", id, ...(gone === undefined ? {} : { gone }) }),
  });
  const backups = backupJobs(parts, log, (id) => changed({ kind: "backups", id }));
  const exports = exportJobs(parts, log, (id) => changed({ kind: "exports", id }));
  return {
    pools: () => [driver.pool()],
    async start() {
      await driver.start();
      await parts.backups.start();
      const left = await parts.exports.start();
      for (const { id, facts } of left) exports.adopt(adopted(id), facts);
    },
    volumes,
    backups,
    exports,
    putVolume: (spec) => volumes.put(spec),
    removeVolume: (id, generation) => volumes.remove(id, generation),
    putBackup: (spec) => backups.put(spec),
    removeBackup: (id) => backups.remove(id),
    putExport: (spec) => exports.put(spec),
    async openExport(id) {
      const report = exports.report(id);
      if (report === undefined) throw notFound(`no export ${id} on this host`);
      if (report.state !== "ready") throw notReady(id);
      return parts.exports.open(id);
    },
    removeExport: (id) => exports.remove(id),
    async tidy() {
      volumes.tidy();
      parts.backups.tidy();
      await driver.tidy();
      for (const id of await parts.exports.expired()) {
        log.info({ export: id }, "an export that nobody fetched for a day is removed");
        // eslint-disable-next-line no-await-in-loop
        await exports.remove(id);
      }
    },
    async close() {
      await Promise.all([volumes.close(), backups.close(), exports.close()]);
      parts.backups.close();
    },
  };
}

function backupJobs(
  { backups, copies }: StorageParts,
  log: Logger,
  changed: (id: string) => void,
): Jobs<BackupSpec, BackupFacts, BackupReport> {
  return new Jobs({
    what: "backup",
    nothing: { storedBytes: 0, pieces: 0, progress: 0 },
    find: (id) => backups.find(id),
    make: (spec, tell, signal) => backups.make(spec, tell, signal),
    remove: (id) => backups.remove(id),
    report: (id, state, facts, fault) => ({ id, state, ...facts, ...(fault === null ? {} : { fault }) }),
    changed,
    copies,
    log,
  });
}

function exportJobs(
  { exports, copies }: StorageParts,
  log: Logger,
  changed: (id: string) => void,
): Jobs<ExportSpec, ExportFacts, ExportReport> {
  return new Jobs({
    what: "export",
    nothing: { sizeBytes: 0, quiesced: false },
    find: (id) => exports.find(id),
    make: (spec, _tell, signal) => exports.make(spec, signal),
    remove: (id) => exports.remove(id),
    report: (id, state, facts, fault) => ({ id, state, ...facts, ...(fault === null ? {} : { fault }) }),
    changed,
    copies,
    log,
  });
}

/** What it was made from is not known any more, and is of no use. */
const adopted = (id: string): ExportSpec => ({
  id,
  source: { kind: "volume", volumeId: id, snapshotId: null, key: null },
  format: "raw",
});
