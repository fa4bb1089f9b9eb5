import { openBackupBucket } from "./backup-bucket.ts";
import type { BackupDriver, BackupDriverContext, BackupPlace } from "./backup-driver.ts";
import { openBackupFiles } from "./backup-files.ts";

/** The driver that a configuration names. */
export const openBackups = (place: BackupPlace, context: BackupDriverContext): BackupDriver =>
  place.driver === "files" ? openBackupFiles(place, context) : openBackupBucket(place, context);
