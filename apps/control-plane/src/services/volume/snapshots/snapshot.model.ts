/** What a snapshot is. Pure. */
export type SnapshotStatus =
  | "creating"
  | "available"
  | "deleting"
  | "error"
  | "error_deleting"
  | "restoring"
  | "backing-up"
  | "unmanaging";

export const SETTABLE_SNAPSHOT_STATUSES = ["available", "creating", "deleting", "error", "error_deleting"] as const;

export type Snapshot = {
  id: string;
  projectId: string;
  userId: string;
  volumeId: string;
  groupSnapshotId: string | null;
  name: string | null;
  description: string | null;
  status: SnapshotStatus;
  sizeGib: number;
  progress: string;
  metadata: { [key: string]: string };
  consumesQuota: boolean;
  createdAt: Date;
  updatedAt: Date | null;
  wanted: boolean;
  generation: number;
  taskSince: Date;
};
