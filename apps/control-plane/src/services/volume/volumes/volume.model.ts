/** What a volume is, and which states it goes through. Pure. */

/** Cinder's words. Whatever is not at rest has a deadline (DEADLINE_MS) and somebody who ends it. */
export type VolumeStatus =
  | "creating"
  | "available"
  | "reserved"
  | "attaching"
  | "detaching"
  | "in-use"
  | "maintenance"
  | "deleting"
  | "awaiting-transfer"
  | "error"
  | "error_deleting"
  | "backing-up"
  | "restoring-backup"
  | "error_backing-up"
  | "error_restoring"
  | "error_extending"
  | "downloading"
  | "uploading"
  | "retyping"
  | "extending"
  | "reverting";

/** What an operator may set with `os-reset_status`. */
export const SETTABLE_STATUSES = [
  "creating",
  "available",
  "deleting",
  "error",
  "error_deleting",
  "attaching",
  "detaching",
  "in-use",
  "maintenance",
  "error_extending",
  "error_restoring",
  "error_backing-up",
  "reserved",
  "backing-up",
  "restoring-backup",
  "uploading",
  "downloading",
  "extending",
  "retyping",
  "reverting",
  "awaiting-transfer",
] as const;

export type AttachmentStatus = "reserved" | "attaching" | "attached" | "detaching";

export type Attachment = {
  id: string;
  volumeId: string;
  projectId: string;
  serverId: string | null;
  host: string | null;
  device: string | null;
  mode: string;
  status: AttachmentStatus;
  connector: { [key: string]: unknown } | null;
  attachedAt: Date | null;
  createdAt: Date;
  updatedAt: Date | null;
};

export type ImageMetadata = { [key: string]: string };

/**
 * What the agent needs to fetch and verify the image a volume is made from. `metadata`: what the volume says of its image
 * once it is made anew from this one; a new volume says it from the start.
 */
export type VolumeImage = {
  id: string;
  sha512: string;
  format: "qcow2" | "raw";
  sizeBytes: number;
  metadata?: ImageMetadata;
};

export type Volume = {
  id: string;
  projectId: string;
  userId: string;
  name: string | null;
  description: string | null;
  sizeGib: number;
  availabilityZone: string;
  volumeTypeId: string;
  volumeTypeName: string;
  groupId: string | null;
  status: VolumeStatus;
  previousStatus: VolumeStatus | null;
  bootable: boolean;
  multiattach: boolean;
  readonly: boolean | null;
  metadata: { [key: string]: string };
  imageMetadata: ImageMetadata | null;
  migrationStatus: string | null;
  consumesQuota: boolean;
  snapshotId: string | null;
  sourceVolumeId: string | null;
  sourceBackupId: string | null;
  image: VolumeImage | null;
  keyId: string;
  createdAt: Date;
  updatedAt: Date | null;
  generation: number;
  revertSnapshotId: string | null;
  revertNonce: string | null;
  remake: boolean;
  restoreBackupId: string | null;
  deleting: boolean;
  cascade: boolean;
  taskSince: Date;
  pool: string | null;
  fault: string | null;
  observedGeneration: number | null;
  observedState: "working" | "ready" | "failed" | null;
  observedSizeGib: number | null;
  observedSnapshots: string[];
  observedRevertNonce: string | null;
  observedFault: string | null;
  observedGone: boolean;
  /** The first host that names the pool; null: none does. */
  keeper: { name: string; serviceId: string } | null;
  /** Those of a server first, oldest first. Dates are texts: they come out of JSON. */
  attachments: (Omit<Attachment, "attachedAt" | "createdAt" | "updatedAt"> & { attachedAt: string | null })[];
};

/** Somebody at a host is at it. */
export const WORKING: readonly VolumeStatus[] = [
  "creating",
  "downloading",
  "extending",
  "reverting",
  "restoring-backup",
];

/** Its bytes are to go, and to be made anew. Only while its status says so: an operator may have set another one. */
export const isRemade = ({ remake, status }: Pick<Volume, "remake" | "status">): boolean =>
  remake && (status === "downloading" || status === "restoring-backup");

/** What a task that failed leaves behind. */
export const failedStatus = (status: VolumeStatus): VolumeStatus => FAILED[status] ?? "error";

const FAILED: { readonly [status in VolumeStatus]?: VolumeStatus } = {
  extending: "error_extending",
  "restoring-backup": "error_restoring",
  deleting: "error_deleting",
};

/** Where a volume is when nothing is being done to it. */
export const restingStatus = ({ attachments }: { attachments: readonly { status: string }[] }): VolumeStatus => {
  if (attachments.some(({ status }) => status === "attached" || status === "detaching")) return "in-use";
  if (attachments.some(({ status }) => status === "attaching")) return "attaching";
  return attachments.length > 0 ? "reserved" : "available";
};

/** May a server open it for writing? */
export const isReadOnly = (volume: Pick<Volume, "readonly">, mode: string): boolean =>
  volume.readonly === true || mode === "ro";

/** The host that has it open; null: none. */
export const hostOf = (volume: Pick<Volume, "attachments">): string | null =>
  volume.attachments.find(({ host, serverId, status }) => host !== null && serverId !== null && status !== "reserved")
    ?.host ?? null;

/** How the project's key names the passphrase that it wraps. */
export const keyName = (volumeId: string): string => `volume-key/${volumeId}`;
