/** What a backup is. Pure. */
export type BackupStatus = "creating" | "available" | "deleting" | "error" | "restoring";

/** What an operator may set with `os-reset_status`. */
export const SETTABLE_BACKUP_STATUSES = ["available", "error"] as const;

export type Backup = {
  id: string;
  projectId: string;
  userId: string;
  volumeId: string;
  snapshotId: string | null;
  /** null: a full one. */
  parentId: string | null;
  name: string | null;
  description: string | null;
  container: string;
  availabilityZone: string | null;
  status: BackupStatus;
  sizeGib: number;
  metadata: { [key: string]: string };
  failReason: string | null;
  keyId: string;
  dataTimestamp: Date;
  createdAt: Date;
  updatedAt: Date | null;
  taskSince: Date;
  deleting: boolean;
  imported: boolean;
  restoringVolumeId: string | null;
  pool: string | null;
  host: string | null;
  hasDependents: boolean;
  observedState: "working" | "ready" | "failed" | null;
  observedStoredBytes: number | null;
  observedPieces: number | null;
  observedProgress: number | null;
  observedFault: string | null;
};

/** How the project's key names a backup's key. All backups of a chain have the same one, each wrapped under its own name. */
export const backupKeyName = (backupId: string): string => `backup-key/${backupId}`;

export const backupTarget = (backup: Pick<Backup, "id" | "projectId">) => ({
  type: "backup",
  id: backup.id,
  projectId: backup.projectId,
});
