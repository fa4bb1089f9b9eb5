/** A version of an object. */
import type { Placement } from "../bytes/byte-store.ts";

export type StoredObject = {
  containerId: number;
  key: string;
  /** Of this version, in the order of writing. */
  sequence: number;
  /** `null` (the word) for what was written without versioning. */
  versionId: string;
  isCurrent: boolean;
  isDeleteMarker: boolean;
  size: number;
  /** As on the wire, without quotes. */
  etag: string;
  contentType: string;
  modifiedAt: Date;
  deleteAt: Date | null;
  /** X-Object-Meta-* and x-amz-meta-*: by lower-case name without the prefix. */
  metadata: { [name: string]: string };
  details: ObjectDetails;
  /** null: its bytes are in chunks (or it has none). */
  pack: { id: number; offset: number } | null;
};

/** All that only some objects have. */
export type ObjectDetails = {
  /** Headers to answer with, by lower-case name: content-encoding, content-disposition, content-language, cache-control, expires. */
  headers?: { [name: string]: string };
  /** Checksums that were asked for, base64 as on the wire, and whether they are of the whole or of its parts. */
  checksums?: {
    algorithm: "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";
    value: string;
    type: "FULL_OBJECT" | "COMPOSITE";
  };
  /** Sizes of the parts of a multipart object, in order. */
  parts?: number[];
  tags?: { [name: string]: string };
  /** S3's grants, as s3/ understands them. */
  acl?: unknown;
  owner?: string;
  retention?: { mode: "GOVERNANCE" | "COMPLIANCE"; until: string };
  legalHold?: boolean;
  encryption?:
    | { kind: "container" }
    | { kind: "kms"; keyId: string }
    /** SSE-C: what tells a right key from a wrong one, base64; never the key. */
    | { kind: "customer"; keyMd5: string; check: string };
  /** Swift: a static large object; its body is the manifest, this is what it adds up to. */
  slo?: { size: number; etag: string };
  /** Swift: a dynamic large object's `container/prefix`. */
  dlo?: string;
  /** Swift: `/account/container/object` that it stands for. */
  symlink?: { account: string; container: string; object: string; etag?: string };
  redirect?: string;
};

/** What is written: an object whose bytes are durable and whose row is not there yet. */
export type NewObject = {
  key: string;
  size: number;
  etag: string;
  contentType: string;
  deleteAt: Date | null;
  metadata: { [name: string]: string };
  details: ObjectDetails;
  placement: Placement;
};

/** What must hold for a write or deletion to happen; checked inside its transaction. */
export type Precondition = {
  /** ETags of which the current one must be; `*`: there must be one. */
  ifMatch?: string[];
  /** ETags of which the current one must not be; `*`: there must be none. */
  ifNoneMatch?: string[];
  ifModifiedSince?: Date;
  ifUnmodifiedSince?: Date;
};
