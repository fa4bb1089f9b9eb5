/**
 * Storage without files: a volume is a few words of memory, a copy is a timer. The pool outlives the agents, and may be
 * shared by the hosts of a process, as a real one is.
 */
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import type { VolumeSource, VolumeSpec } from "@andromede/agent-api/types";
import { conflict, invalid, notFound } from "@andromede/base/errors";

import type { BackupFacts, BackupStore } from "../volumes/backup-store.ts";
import type { VolumeDriver, VolumeName, VolumeState } from "../volumes/driver.ts";
import type { ExportFacts, ExportStore } from "../volumes/export-store.ts";
import type { OnlineGuests } from "../volumes/online.ts";
import { Slots } from "../volumes/slots.ts";
import { COPIES, type StorageParts } from "../volumes/storage.ts";
import type { SimulatedDelay, SimulatedFault } from "./sim-backend.ts";

type SimVolume = { key: string | null; sizeGib: number; snapshots: string[]; revertNonce: string | null };
type SimBackup = { key: string; sizeGib: number; facts: BackupFacts };
type SimExport = { facts: ExportFacts; data: Buffer };

/** A simulated pool, its backups too. */
export type SimPool = {
  readonly name: string;
  readonly totalGib: number;
  readonly volumes: Map<string, SimVolume>;
  readonly backups: Map<string, SimBackup>;
  /** What guests of the hosts that share it have open. */
  readonly online: Set<OnlineGuests>;
};

/** Makes a pool with nothing in it. */
export const createSimPool = (options: { name: string; totalGib: number }): SimPool => ({
  ...options,
  volumes: new Map(),
  backups: new Map(),
  online: new Set(),
});

export type SimStorageOptions = {
  /** Of each step on a volume, and of each copy. */
  delayMs?: SimulatedDelay | undefined;
  /** Steps are "volume:make", "volume:grow", "volume:snapshot", "volume:revert", "volume:remove", "backup", "export". */
  faults?: SimulatedFault[];
};

type Step = (step: string, id: string, signal?: AbortSignal) => Promise<void>;

/** The storage of a simulated host. */
export function createSimStorage(
  pool: SimPool,
  online: OnlineGuests,
  { delayMs, faults = [] }: SimStorageOptions = {},
): StorageParts {
  pool.online.add(online);
  const step: Step = async (name, id, signal) => {
    if (delayMs !== undefined && delayMs !== 0) {
      const ms = typeof delayMs === "number" ? delayMs : delayMs[0] + Math.random() * (delayMs[1] - delayMs[0]);
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    }
    const fault = faults.find((each) => each.step === name && each.times !== 0 && id.includes(each.nameContains));
    if (fault === undefined) return;
    if (fault.times !== undefined) fault.times -= 1;
    throw invalid(fault.message);
  };
  return {
    driver: createSimDriver(pool, step),
    backups: createSimBackups(pool, step),
    exports: createSimExports(pool, online, step),
    copies: new Slots(COPIES),
  };
}

const isOpenAnywhere = (pool: SimPool, volumeId: string): boolean =>
  [...pool.online].some((online) => online.volumeOpen(volumeId) !== undefined);

function opened(pool: SimPool, { id, key }: VolumeName): SimVolume {
  const volume = pool.volumes.get(id);
  if (volume === undefined) throw notFound(`Volume ${id} is not there`);
  if (volume.key !== key) throw invalid(`A key that was given for volume ${id} is not the right one`);
  return volume;
}

function withSnapshot(pool: SimPool, volume: VolumeName, snapshotId: string | null): SimVolume {
  const found = opened(pool, volume);
  if (snapshotId !== null && !found.snapshots.includes(snapshotId))
    throw notFound(`Snapshot ${snapshotId} is not there`);
  return found;
}

function createSimDriver(pool: SimPool, step: Step): VolumeDriver {
  const stateOf = ({ sizeGib, snapshots, revertNonce }: SimVolume): VolumeState => ({
    sizeGib,
    snapshots: [...snapshots],
    revertNonce,
  });
  return {
    start: () => Promise.resolve(),
    tidy: () => Promise.resolve(),
    pool() {
      const { name, totalGib, volumes } = pool;
      const used = [...volumes.values()].reduce((sum, { sizeGib }) => sum + sizeGib, 0);
      return { name, driver: "qcow2", totalGib, freeGib: Math.max(0, totalGib - used) };
    },
    async look({ id }) {
      const volume = pool.volumes.get(id);
      return volume === undefined ? null : stateOf(volume);
    },
    async make(spec, signal) {
      await step("volume:make", spec.id, signal);
      checkSource(pool, spec);
      const { key, sizeGib } = spec;
      pool.volumes.set(spec.id, { key, sizeGib, snapshots: [], revertNonce: null });
    },
    async grow(volume, sizeGib) {
      await step("volume:grow", volume.id);
      opened(pool, volume).sizeGib = sizeGib;
    },
    async takeSnapshot(volume, snapshotId) {
      await step("volume:snapshot", volume.id);
      const found = opened(pool, volume);
      if (!found.snapshots.includes(snapshotId)) found.snapshots.push(snapshotId);
    },
    async removeSnapshot(volume, snapshotId) {
      await step("volume:snapshot", volume.id);
      const found = opened(pool, volume);
      found.snapshots = found.snapshots.filter((each) => each !== snapshotId);
    },
    isRead: () => Promise.resolve(false),
    async revert(volume, { snapshotId, nonce }) {
      await step("volume:revert", volume.id);
      if (isOpenAnywhere(pool, volume.id)) throw conflict(`Volume ${volume.id} is in use`);
      withSnapshot(pool, volume, snapshotId).revertNonce = nonce;
    },
    isOpen: (volumeId) => Promise.resolve(isOpenAnywhere(pool, volumeId)),
    hasRemains: (volumeId) => Promise.resolve(pool.volumes.has(volumeId)),
    async remove(volumeId) {
      await step("volume:remove", volumeId);
      if (isOpenAnywhere(pool, volumeId)) throw conflict(`Volume ${volumeId} is in use`);
      pool.volumes.delete(volumeId);
    },
  };
}

function checkSource(pool: SimPool, { sizeGib, source }: VolumeSpec): void {
  const neededGib = sizeOfSource(pool, source);
  if (neededGib > sizeGib) throw invalid(`What the volume is made from needs ${neededGib} GiB, it has ${sizeGib}`);
}

function sizeOfSource(pool: SimPool, source: VolumeSource): number {
  switch (source.kind) {
    case "empty":
      return 0;
    case "image":
      // A qcow2 image says what it needs only to those who look into it.
      return source.format === "raw" ? Math.ceil(source.sizeBytes / 2 ** 30) : 0;
    case "volume":
      return opened(pool, { id: source.volumeId, key: source.key }).sizeGib;
    case "snapshot":
      return withSnapshot(pool, { id: source.volumeId, key: source.key }, source.snapshotId).sizeGib;
    case "backup":
      return openedBackup(pool, source.backupId, source.key).sizeGib;
  }
}

function openedBackup(pool: SimPool, backupId: string, key: string): SimBackup {
  const backup = pool.backups.get(backupId);
  if (backup === undefined) throw notFound(`Backup ${backupId} is not there`);
  if (backup.key !== key) {
    throw invalid(`Backup ${backupId} cannot be read: the key is not the one it was made with, or it is damaged`);
  }
  return backup;
}

function createSimBackups(pool: SimPool, step: Step): BackupStore {
  return {
    start: () => Promise.resolve(),
    tidy: () => undefined,
    close: () => undefined,
    find: (backupId) => Promise.resolve(pool.backups.get(backupId)?.facts ?? null),
    async make({ id, volumeId, volumeKey, snapshotId, parentId, key }, tell, signal) {
      tell({ storedBytes: 0, pieces: 0, progress: 0 });
      await step("backup", id, signal);
      const { sizeGib } = withSnapshot(pool, { id: volumeId, key: volumeKey }, snapshotId);
      if (parentId !== null) openedBackup(pool, parentId, key);
      // As if a piece of each GiB were in use, and an incremental one had found one changed.
      const pieces = parentId === null ? sizeGib : 1;
      const facts = { storedBytes: pieces * 4 * 1024 * 1024, pieces, progress: 100 };
      pool.backups.set(id, { key, sizeGib, facts });
      return facts;
    },
    async remove(backupId) {
      pool.backups.delete(backupId);
    },
  };
}

function createSimExports(pool: SimPool, online: OnlineGuests, step: Step): ExportStore {
  const exports = new Map<string, SimExport>();
  return {
    start: () => Promise.resolve([]),
    find: (exportId) => Promise.resolve(exports.get(exportId)?.facts ?? null),
    async make({ id, source, format }, signal) {
      await step("export", id, signal);
      let sizeGib = 1;
      let quiesced = false;
      if (source.kind === "volume") {
        sizeGib = withSnapshot(pool, { id: source.volumeId, key: source.key }, source.snapshotId).sizeGib;
      } else {
        const disk = await online.guestDisk(source.guestId, source.diskId);
        if (disk === undefined) throw notFound(`no disk ${source.diskId} of a guest ${source.guestId} on this host`);
        quiesced = source.quiesce && (await online.freeze(source.guestId));
      }
      const data = format === "qcow2" ? emptyQcow2(sizeGib * 2 ** 30) : Buffer.alloc(1024 * 1024);
      const facts = { sizeBytes: data.length, quiesced };
      exports.set(id, { facts, data });
      return facts;
    },
    async open(exportId) {
      const found = exports.get(exportId);
      if (found === undefined) throw notFound(`no export ${exportId} on this host`);
      return { sizeBytes: found.data.length, data: Readable.from([found.data]) };
    },
    async remove(exportId) {
      exports.delete(exportId);
    },
    expired: () => Promise.resolve([]),
  };
}

/** An image that has nothing in it (QEMU's docs/interop/qcow2.rst, version 2): header, refcounts, and a first table. */
function emptyQcow2(virtualBytes: number): Buffer {
  const clusterBits = 16;
  const cluster = 2 ** clusterBits;
  // An entry of the first table covers 512 MiB.
  const l1Entries = Math.max(1, Math.ceil(virtualBytes / (512 * 1024 * 1024)));
  const l1Clusters = Math.ceil((l1Entries * 8) / cluster);
  const image = Buffer.alloc((3 + l1Clusters) * cluster);
  image.write("QFI\u00fb", 0, "latin1");
  image.writeUInt32BE(2, 4);
  image.writeUInt32BE(clusterBits, 20);
  image.writeBigUInt64BE(BigInt(virtualBytes), 24);
  image.writeUInt32BE(l1Entries, 36);
  image.writeBigUInt64BE(BigInt(3 * cluster), 40);
  image.writeBigUInt64BE(BigInt(cluster), 48);
  image.writeUInt32BE(1, 56);
  // The refcount table, and its only block: each cluster of the file is used once.
  image.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  for (let at = 0; at < 3 + l1Clusters; at += 1) image.writeUInt16BE(1, 2 * cluster + at * 2);
  return image;
}
