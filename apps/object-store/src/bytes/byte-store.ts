/**
 * Where bodies go and come from, sealed (docs/rfd/0011-object-store.md, "Bytes"). Knows no container and no object: a
 * placement is kept by whoever wrote it, in the row that owns it.
 */
import type { Readable } from "node:stream";

/** 32 bytes: the container's key, the customer's own (SSE-C), or a project's named one (SSE-KMS). */
export type SealingKey = Buffer;

export type DigestName = "md5" | "sha1" | "sha256" | "crc32" | "crc32c" | "crc64nvme";
/** Lower-case hex. */
export type Digests = { [name in DigestName]?: string };

/** Where the sealed bytes of one body lie. */
export type Placement =
  | { kind: "empty" }
  | { kind: "packed"; packId: number; offset: number; bytes: number }
  | { kind: "chunked"; chunks: Chunk[] };

/** A run of a body, sealed in a file of its own. `start` and `bytes` count the body's bytes. */
export type Chunk = {
  writerId: number;
  /** 64 hex digits. */
  address: string;
  start: number;
  bytes: number;
  sealedBytes: number;
};

/** A body that is durable. It counts for nothing until a row names its placement. */
export type Written = {
  size: number;
  digests: Digests;
  placement: Placement;
  /**
   * Who wrote it. The commit that names the placement MUST see, in its own transaction, that this writer is alive
   * (`object_writer.ended_at is null`), or fail: the collector may have taken the bytes.
   */
  writerId: number;
  /** MUST be called once: after the commit that names the placement, or when there will be none (its chunks are then removed). */
  settle(committed: boolean): Promise<void>;
};

export type WriteOptions = {
  key: SealingKey;
  /** Computed over the body as it comes; md5 always. */
  digests: readonly DigestName[];
  /** Known beforehand, or null. A body that is shorter or longer is refused (`invalid`). */
  size: number | null;
  /** More is refused (`tooLarge`) before it is kept. */
  maxBytes: number;
  /** false: never in a pack (parts of uploads, whose rows own chunks). */
  mayPack: boolean;
};

export type ByteStore = {
  /** Who writes now; it changes when a writer ends. What a commit checks is `Written.writerId`. */
  readonly writerId: number;
  /** Reads the body to its end. Rejects with what the body rejects with, with `noCapacity` when the disk is full; then nothing is kept. */
  write(body: Readable, options: WriteOptions): Promise<Written>;
  /** The same for a body in memory, of at most `PACKED_BYTES`. */
  writeSmall(body: Buffer, options: WriteOptions): Promise<Written>;
  /**
   * The body's bytes from `start` to before `end`, unsealed and checked block by block: a block that is not as it was written
   * ends the stream with `internal` before any of its bytes are given, and is recorded as damage. `chunks` need only be
   * those that overlap the range.
   */
  read(placement: Placement, range: { key: SealingKey; start: number; end: number }): Readable;
  /** A packed body, whole. */
  readSmall(placement: Placement & { kind: "packed" }, key: SealingKey): Promise<Buffer>;
  close(): Promise<void>;
};

/** Bodies up to this size go into packs. */
export const PACKED_BYTES = 64 * 1024;
