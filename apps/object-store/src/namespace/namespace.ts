/**
 * Accounts, containers, objects, versions and uploads: what both APIs stand on. It decides nothing about who may: callers
 * have checked that (`access/`). Every function that changes something is one transaction, with its events.
 */
import type { Readable } from "node:stream";

import type { Origin } from "@andromede/platform/events/append";

import type { DigestName, Digests } from "../bytes/byte-store.ts";
import type { Container, ContainerSettings, Usage } from "./container.model.ts";
import type { ObjectDetails, Precondition, StoredObject } from "./object.model.ts";

export type Account = {
  projectId: string;
  /** X-Account-Meta-*, by lower-case name without the prefix. */
  metadata: { [name: string]: string };
  quotaBytes: number | null;
  quotaObjects: number | null;
  createdAt: Date;
};
/** null takes a member away, absent leaves it. */
export type AccountChange = {
  metadata?: { [name: string]: string | null };
  quotaBytes?: number | null;
  quotaObjects?: number | null;
};
export type ContainerChange = {
  metadata?: { [name: string]: string | null };
  settings?: { [name in keyof ContainerSettings]?: ContainerSettings[name] | null };
  quotaBytes?: number | null;
  quotaObjects?: number | null;
};

/** Names between `marker` and `endMarker` (exclusive both), in the order of their bytes; the other way round with `reverse`. */
export type ListRange = {
  prefix?: string;
  delimiter?: string;
  marker?: string;
  endMarker?: string;
  reverse?: boolean;
  limit: number;
};
/** What a page holds: things, and prefixes that end in the delimiter, mixed in order. */
export type Page<Item> = { entries: (Item | { prefix: string })[]; truncated: boolean };
export type ListedObject = Pick<
  StoredObject,
  "key" | "size" | "etag" | "contentType" | "modifiedAt" | "versionId" | "isCurrent" | "isDeleteMarker" | "sequence"
> & {
  owner?: string;
  slo?: { size: number; etag: string };
  symlink?: NonNullable<ObjectDetails["symlink"]>;
  isLatest: boolean;
};

/** What a body becomes; the rest is known when it was read. */
export type PutObject = {
  key: string;
  body: Readable;
  /** null: not known before its end. */
  size: number | null;
  maxBytes: number;
  contentType: string;
  deleteAt: Date | null;
  metadata: { [name: string]: string };
  details: ObjectDetails;
  /** SSE-C; else the container's key, or the named one of `details.encryption`. */
  customerKey?: Buffer;
  digests: readonly DigestName[];
  /** Looked at when the body was read, before it counts: a wrong digest throws here. May change etag and details. */
  check?(written: { size: number; digests: Digests }): { etag?: string; details?: ObjectDetails } | void;
  precondition?: Precondition;
};

export type DeleteOptions = {
  /** Absent: the current one (a delete marker, where there is versioning). */
  versionId?: string;
  precondition?: Precondition;
  /** S3: x-amz-bypass-governance-retention, by somebody who may. */
  bypassGovernance?: boolean;
};
export type Deleted = { existed: boolean; versionId: string | null; isDeleteMarker: boolean };

export type Upload = {
  id: string;
  containerId: number;
  key: string;
  initiatedBy: string;
  initiatedAt: Date;
  contentType: string;
  metadata: { [name: string]: string };
  details: ObjectDetails;
};
export type Part = {
  number: number;
  size: number;
  etag: string;
  checksums: { [algorithm: string]: string } | null;
  modifiedAt: Date;
};

/** Who does it, for events: `origin.projectId` is the actor's, not the container's. */
export type Namespace = {
  /** Made on first use. */
  account(projectId: string): Promise<Account>;
  accountUsage(projectId: string): Promise<Usage & { containers: number }>;
  updateAccount(origin: Origin, projectId: string, change: AccountChange): Promise<Account>;
  /** By name, with what each holds. */
  listContainers(
    projectId: string,
    range: ListRange,
  ): Promise<Page<Pick<Container, "id" | "name" | "createdAt" | "updatedAt"> & Usage>>;

  /** `key`: a `findObject` of it will follow at once, and is answered from this very look. */
  findContainer(projectId: string, name: string, key?: string): Promise<Container | null>;
  /** By its name in S3's one name space. */
  findGlobalContainer(name: string, key?: string): Promise<Container | null>;
  /** As S3 looks: the project's own, then by S3's one name space; one look for both. */
  findBucket(projectId: string | null, name: string, key?: string): Promise<Container | null>;
  containerUsage(container: Container): Promise<Usage>;
  /**
   * `claim`: S3's name is needed (`conflict` with type BucketAlreadyExists when it is another project's); `try`: taken if it is free
   * and S3 allows it. A container that is there stays as it is but for the change (Swift's PUT on one that is there).
   */
  createContainer(
    origin: Origin,
    projectId: string,
    name: string,
    options: { globalName: "claim" | "try"; change?: ContainerChange },
  ): Promise<{ container: Container; created: boolean }>;
  updateContainer(origin: Origin, container: Container, change: ContainerChange): Promise<Container>;
  /** `conflict` while anything is in it, versions and uploads too. */
  deleteContainer(origin: Origin, container: Container): Promise<void>;

  listObjects(container: Container, range: ListRange): Promise<Page<ListedObject>>;
  /** S3's ListObjectVersions: by key, the newest first; `marker` with `versionMarker` (a sequence) goes on inside a key. */
  listVersions(container: Container, range: ListRange & { sequenceMarker?: number }): Promise<Page<ListedObject>>;
  /** null: no such key or version. A delete marker is given where a version asks for it. */
  findObject(container: Container, key: string, versionId?: string): Promise<StoredObject | null>;
  /** The newest is a delete marker: S3 says so beside its 404. */
  findDeleteMarker(container: Container, key: string): Promise<StoredObject | null>;
  /** Its own bytes from `start` to before `end`. */
  readObject(
    container: Container,
    object: StoredObject,
    range: { start: number; end: number; customerKey?: Buffer },
  ): Promise<Readable | Buffer>;
  putObject(origin: Origin, container: Container, put: PutObject): Promise<StoredObject>;
  /**
   * Changes what is beside the bytes, of one version: metadata (whole), content type, tags, ACL, retention, expiry. Of a locked
   * one only tags, ACL and the lock itself, as far as that may be; else `forbidden` (type AccessDenied).
   */
  updateObject(
    origin: Origin,
    container: Container,
    object: StoredObject,
    change: {
      metadata?: { [name: string]: string };
      contentType?: string;
      deleteAt?: Date | null;
      details?: { [name in keyof ObjectDetails]?: ObjectDetails[name] | null };
      precondition?: Precondition;
      /** S3: x-amz-bypass-governance-retention, by somebody who may: a GOVERNANCE retention may be shortened. */
      bypassGovernance?: boolean;
    },
  ): Promise<StoredObject>;
  /** `forbidden` (type AccessDenied) when a retention or a legal hold forbids it. */
  deleteObject(origin: Origin, container: Container, key: string, options?: DeleteOptions): Promise<Deleted>;
  /** Many at once, one transaction a hundred. */
  deleteObjects(
    origin: Origin,
    container: Container,
    targets: { key: string; versionId?: string }[],
    options?: { bypassGovernance?: boolean },
  ): Promise<({ key: string } & (Deleted | { error: Error }))[]>;

  createUpload(
    origin: Origin,
    container: Container,
    upload: Pick<Upload, "key" | "contentType" | "metadata" | "details">,
  ): Promise<Upload>;
  findUpload(container: Container, key: string, uploadId: string): Promise<Upload | null>;
  listUploads(container: Container, range: ListRange & { uploadIdMarker?: string }): Promise<Page<Upload>>;
  putPart(
    origin: Origin,
    container: Container,
    upload: Upload,
    part: Pick<PutObject, "body" | "size" | "maxBytes" | "digests" | "check" | "customerKey"> & { number: number },
  ): Promise<Part>;
  listParts(upload: Upload, after: number, limit: number): Promise<{ parts: Part[]; truncated: boolean }>;
  /** `parts` as the client names them, in order; every number and ETag must be there (`invalid`, type InvalidPart or InvalidPartOrder). */
  completeUpload(
    origin: Origin,
    container: Container,
    upload: Upload,
    parts: { number: number; etag: string }[],
    options: { etag: string; details: ObjectDetails; precondition?: Precondition },
  ): Promise<StoredObject>;
  abortUpload(origin: Origin, container: Container, upload: Upload): Promise<void>;
};
