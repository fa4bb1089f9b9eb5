import { CloudError } from "@andromede/base/errors";

import { openBackupBucket } from "./backup-bucket.ts";
import type { BackupDriver, BackupDriverContext, BackupPlace } from "./backup-driver.ts";
import { openBackupFiles } from "./backup-files.ts";

/** The driver that a configuration names. */
export function openBackups(place: BackupPlace, context: BackupDriverContext): BackupDriver {
  if (place.driver === "files") return openBackupFiles(place, context);
  const { directory } = place;
  const bucket = openBackupBucket(place, context);
  return directory === undefined ? bucket : after(openBackupFiles({ directory }, context), bucket);
}

/** Backups that are kept in one place now, and were in another before. A chain may begin there and go on here. */
function after(before: BackupDriver, now: BackupDriver): BackupDriver {
  const fromEither = async <T>(read: (driver: BackupDriver) => Promise<T>): Promise<T> => {
    try {
      return await read(now);
    } catch (error) {
      if (!(error instanceof CloudError) || error.kind !== "notFound") throw error;
      return read(before);
    }
  };
  return {
    ...now,
    async start() {
      await Promise.all([before.start(), now.start()]);
    },
    readManifestHead: async (backupId) =>
      (await now.readManifestHead(backupId)) ?? (await before.readManifestHead(backupId)),
    readManifest: (backupId) => fromEither((driver) => driver.readManifest(backupId)),
    openPieces: (backupId) => fromEither((driver) => driver.openPieces(backupId)),
    async remove(backupId, unnamed) {
      await before.remove(backupId, () => undefined);
      await now.remove(backupId, unnamed);
    },
  };
}
