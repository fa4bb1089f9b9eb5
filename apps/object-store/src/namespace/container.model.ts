/** A container: Swift's name for what S3 calls a bucket. */

export type Container = {
  id: number;
  projectId: string;
  name: string;
  /** Its name in S3's one name space, if it has it. */
  globalName: string | null;
  wrappedKey: Buffer;
  wrappedName: string;
  /** Swift's X-Container-Meta-*, by lower-case name without the prefix. */
  metadata: { [name: string]: string };
  settings: ContainerSettings;
  quotaBytes: number | null;
  quotaObjects: number | null;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
};

/** What a container was told, by either API. Absent: never set. */
export type ContainerSettings = {
  /** S3's and Swift's (X-Versions-Enabled) versioning. */
  versioning?: "enabled" | "suspended";
  /** Swift's older kind: where overwritten objects are moved to. */
  versionsLocation?: string;
  historyLocation?: string;
  /** Swift's ACLs as given: X-Container-Read, X-Container-Write. */
  readAcl?: string;
  writeAcl?: string;
  /** Swift: a container with a sync key and so on keeps these as given. */
  tempUrlKeys?: string[];
  /** S3: a canned ACL's grants, and the rest as documents that s3/ checked and understands. */
  s3Acl?: unknown;
  ownership?: "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter";
  publicAccessBlock?: {
    blockPublicAcls: boolean;
    ignorePublicAcls: boolean;
    blockPublicPolicy: boolean;
    restrictPublicBuckets: boolean;
  };
  policy?: unknown;
  cors?: unknown;
  lifecycle?: LifecycleRule[];
  website?: unknown;
  tags?: { [name: string]: string };
  encryption?: { algorithm: "AES256" | "aws:kms"; keyId?: string };
  /** Once on, never off. */
  objectLock?: { default?: { mode: "GOVERNANCE" | "COMPLIANCE"; days?: number; years?: number } };
  /** Server access logs: into which container of the project. `grants`: S3's, of each object there. */
  logging?: { target: string; prefix: string; partition?: "eventTime" | "deliveryTime"; grants?: unknown };
  /** Events for each object that is written or deleted, too. */
  objectEvents?: boolean;
};

/** What a container, or an account, holds. */
export type Usage = { objects: number; bytes: number };

/** What ends by itself, and when (S3's lifecycle configuration). A rule does all that it names. */
export type LifecycleRule = {
  id: string;
  enabled: boolean;
  /** All of it must hold; empty: every object. */
  filter: { prefix?: string; tags?: { [name: string]: string }; sizeOver?: number; sizeUnder?: number };
  /** Its prefix was given outside of a filter, and is shown so. */
  isOldForm?: true;
  /** Days after its last writing that the current version ends; with versioning a delete marker is left. */
  expirationDays?: number;
  /** The same for all, from a midnight (UTC, ISO 8601) on. */
  expirationDate?: string;
  /** Delete markers go that have no version left under them. */
  expiredDeleteMarker?: boolean;
  /** Days after it became one that an older version goes. */
  noncurrentDays?: number;
  /** So many of the newest older versions stay all the same. */
  noncurrentKept?: number;
  /** Days after its beginning that an upload is aborted. */
  abortUploadDays?: number;
};
