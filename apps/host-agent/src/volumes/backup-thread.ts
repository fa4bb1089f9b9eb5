/** The thread in which one backup is made or restored. It is told what to do once, says how far it is, and ends. */
import { parentPort, workerData } from "node:worker_threads";

import { CloudError, type ErrorKind } from "@andromede/base/errors";

import type { BackupHeader } from "./backup-format.ts";
import { type Progress, type RestoreWork, type StoreWork, restoreBackup, storeBackup } from "./backup-work.ts";

export type BackupWork = StoreWork | RestoreWork;
export type BackupMessage =
  | { progress: Progress }
  | { done: BackupHeader | null }
  /** `kind` is null when it was no CloudError. */
  | { failed: { kind: ErrorKind | null; message: string; code: string | undefined } };

const tell = (message: BackupMessage): void => parentPort?.postMessage(message);

function failure(error: unknown): BackupMessage {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const kind = error instanceof CloudError ? error.kind : null;
  return { failed: { kind, message, code: (error as NodeJS.ErrnoException).code } };
}

async function main(work: BackupWork): Promise<BackupHeader | null> {
  if (work.do === "store") return storeBackup(work, (progress) => tell({ progress }));
  await restoreBackup(work, (progress) => tell({ progress }));
  return null;
}

if (parentPort !== null) {
  main(workerData as BackupWork).then(
    (done) => tell({ done }),
    (error: unknown) => tell(failure(error)),
  );
}
