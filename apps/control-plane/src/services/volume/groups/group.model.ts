/** What groups of volumes, their types and their snapshots are (Block Storage API v3, "Generic volume groups"). Pure. */
import { type CloudError, invalid } from "@andromede/base/errors";

/** What an operator may set with `reset_status`. */
export const SETTABLE_GROUP_STATUSES = [
  "error",
  "available",
  "creating",
  "deleting",
  "deleted",
  "updating",
  "in-use",
  "error_deleting",
] as const;
export type GroupStatus = (typeof SETTABLE_GROUP_STATUSES)[number];

export type Group = {
  id: string;
  projectId: string;
  userId: string;
  name: string | null;
  description: string | null;
  groupTypeId: string;
  availabilityZone: string;
  status: GroupStatus;
  groupSnapshotId: string | null;
  sourceGroupId: string | null;
  createdAt: Date;
  updatedAt: Date | null;
  volumeTypeIds: string[];
};

export type GroupSnapshot = {
  id: string;
  projectId: string;
  userId: string;
  groupId: string;
  groupTypeId: string;
  name: string | null;
  description: string | null;
  status: GroupStatus;
  createdAt: Date;
  updatedAt: Date | null;
};

export const groupTarget = ({ id, projectId }: Pick<Group, "id" | "projectId">) => ({
  type: "volume_group",
  id,
  projectId,
});
export const groupSnapshotTarget = ({ id, projectId }: Pick<GroupSnapshot, "id" | "projectId">) => ({
  type: "volume_group_snapshot",
  id,
  projectId,
});

/** Cinder's `InvalidGroup`. */
export const invalidGroup = (reason: string): CloudError => invalid(`Invalid Group: ${reason}`.slice(0, 600));
/** Cinder's `InvalidGroupSnapshot`. */
export const invalidGroupSnapshot = (reason: string): CloudError =>
  invalid(`Invalid GroupSnapshot: ${reason}`.slice(0, 600));
