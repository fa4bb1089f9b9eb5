/** Storage over real files. */
import { join } from "node:path";

import { systemClock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";

import { DEFAULT_UIDS, uidOf } from "../qemu/layout.ts";
import type { ImageCache } from "../storage/image-cache.ts";
import type { BackupPlace } from "./backup-driver.ts";
import { backupsOfHost, createBackupReader, createBackupStore } from "./backup-store.ts";
import type { StepHook } from "./driver.ts";
import { createExportStore } from "./export-store.ts";
import type { OnlineGuests } from "./online.ts";
import { Qcow2Driver } from "./qcow2-driver.ts";
import { PoolFiles } from "./qcow2-pool.ts";
import { Slots } from "./slots.ts";
import { COPIES, type StorageParts } from "./storage.ts";
import { createVolumeTools } from "./tools.ts";

export type Qcow2StorageOptions = {
  host: string;
  dataDir: string;
  engineRoot: string;
  volumePool: { name: string; directory: string };
  backupStore: BackupPlace;
  guestUser: { gid: number };
  guestUids?: { first: number; count: number };
  online: OnlineGuests;
  images: ImageCache;
  step: StepHook;
  log: Logger;
};

export function createQcow2Storage(options: Qcow2StorageOptions): StorageParts {
  const { host, dataDir, engineRoot, volumePool, backupStore, guestUser, online, images, step, log } = options;
  const uids = options.guestUids ?? DEFAULT_UIDS;
  const tools = createVolumeTools({
    engineRoot,
    socketDirectory: join(dataDir, "nbd"),
    // A user of its own for each volume; the group may read cached images.
    userOf: (owner) => ({ uid: uidOf(`volume ${owner}`, uids), gid: guestUser.gid }),
  });
  const copies = new Slots(COPIES);
  const kept = backupsOfHost(backupStore, host, log);
  const driver = new Qcow2Driver({
    files: new PoolFiles({ ...volumePool, host }),
    tools,
    online,
    images,
    patternPath: join(dataDir, "volume-pattern.qcow2"),
    backups: createBackupReader(kept),
    copies,
    step,
    log,
  });
  const backups = createBackupStore({
    backups: kept,
    tools,
    pointInTime: (volume, snapshotId, work, giveUp) => driver.pointInTime(volume, snapshotId, work, giveUp),
    step,
    log,
  });
  const exports = createExportStore({
    directory: join(dataDir, "exports"),
    tools,
    driver,
    online,
    now: () => systemClock.now(),
    step,
    log,
  });
  return { driver, backups, exports, copies };
}
