/**
 * Where image bytes are, behind one interface: a directory of this machine (`files`), or a bucket of an S3 server (`s3`).
 *
 * Bytes are called after the image and the upload they came with, and belong to the row that names that upload, or to
 * nobody. A row names its upload before anything is made, and never names another while it keeps the first: so whatever
 * a crash leaves behind is found by comparing names.
 */
import type { Readable, Writable } from "node:stream";

import type { ImageBytes } from "./bytes-name.ts";
import type { ReceiveOptions, Received } from "./receive-upload.ts";

export type ImageStore = {
  /** Glance's word for what kind of store it is. */
  readonly type: "file" | "s3";
  /** MUST be called before anything is received. Idempotent, and cheap from the second time. */
  prepare(): Promise<void>;
  /** Throws what Glance says of a full disk when `bytes` more do not fit on this machine. */
  ensureRoom(bytes: number): Promise<void>;
  /**
   * Takes a body in, to a file of this machine, for its bytes to be looked at before they are published. Throws as
   * `receiveUpload` does; the caller then calls `remove`.
   */
  receive(
    of: ImageBytes,
    body: Readable,
    options: Omit<ReceiveOptions, "path" | "onWritten">,
  ): Promise<Received & { path: string }>;
  /** Makes what `receive` took in the image's: complete, and after this returns no power cut loses it. */
  publish(of: ImageBytes): Promise<void>;
  /** A file of this machine with all of the bytes; null: there is none here. */
  find(of: ImageBytes): Promise<string | null>;
  /** The same, brought here when it is not. Throws `notFound`, and `noCapacity` when there is no room for it. */
  file(of: ImageBytes): Promise<string>;
  /** Part of the bytes, which no deletion takes from a reader any more. Throws when they cannot be read. */
  open(
    of: ImageBytes,
    part: { first: number; length: number },
  ): Promise<{
    /** Gives it all; MUST be called, and closes what is open, whatever happens. */
    write(response: Writable): Promise<void>;
  }>;
  /** Removes whatever an upload left, half-made or whole. Idempotent. */
  remove(of: ImageBytes): Promise<void>;
  /** Every upload that has anything here. */
  list(): Promise<ImageBytes[]>;
  /** Now and then: keeps order among what is kept, all of which some row names. */
  tidy(kept: readonly ImageBytes[]): Promise<void>;
  close(): Promise<void>;
};
