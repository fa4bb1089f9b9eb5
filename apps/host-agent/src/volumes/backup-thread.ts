/** The thread in which one backup is made or restored. It is told what to do once, says how far it is, and ends. */
import { parentPort, workerData } from "node:worker_threads";

import { CloudError, type ErrorKind, causeChain } from "@andromede/base/errors";

import type { BackupPlace } from "./backup-driver.ts";
import type { BackupHeader } from "./backup-format.ts";
import { type Progress, type RestoreWork, type StoreWork, restoreBackup, storeBackup } from "./backup-work.ts";
import { openBackups } from "./open-backups.ts";

export type BackupWork = (StoreWork | RestoreWork) & { place: BackupPlace; host: string };
export type BackupMessage =
  | { progress: Progress }
  | { done: BackupHeader | null }
  /** `kind` is null when it was no CloudError. */
  | { failed: { kind: ErrorKind | null; message: string; code: string | undefined; causes: string[] } };

const tell = (message: BackupMessage): void => parentPort?.postMessage(message);

function failure(error: unknown): BackupMessage {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const kind = error instanceof CloudError ? error.kind : null;
  const causes = causeChain(error).slice(1);
  return { failed: { kind, message, code: (error as NodeJS.ErrnoException).code, causes } };
}

async function main(work: BackupWork): Promise<BackupHeader | null> {
  const driver = openBackups(work.place, { host: work.host, now: () => performance.now(), warn: () => undefined });
  try {
    if (work.do === "store") return await storeBackup(driver, work, (progress) => tell({ progress }));
    await restoreBackup(driver, work, (progress) => tell({ progress }));
    return null;
  } finally {
    driver.close();
  }
}

if (parentPort !== null) {
  main(workerData as BackupWork).then(
    (done) => tell({ done }),
    (error: unknown) => tell(failure(error)),
  );
}
