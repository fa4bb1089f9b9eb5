import type { Reconciler } from "../../reconcile/worker.ts";
import { backupReconciler } from "./backups/backup.reconciler.ts";
import { groupSnapshotReconciler } from "./group-snapshots/group-snapshot.reconciler.ts";
import { groupReconciler } from "./groups/group.reconciler.ts";
import { uploadReconciler } from "./uploads/upload.reconciler.ts";
import { volumeReconciler } from "./volumes/volume.reconciler.ts";

export const volumeReconcilers: Reconciler[] = [
  volumeReconciler,
  uploadReconciler,
  backupReconciler,
  groupReconciler,
  groupSnapshotReconciler,
];
