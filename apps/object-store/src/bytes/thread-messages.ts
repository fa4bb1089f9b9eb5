/** What a process and its worker threads tell each other. Pure. */
import { CloudError, type ErrorKind } from "@andromede/base/errors";

import type { Chunk, Digests, SealingKey } from "./byte-store.ts";
import type { DriverConfig } from "./driver.ts";
import type { BodyOptions, ChunkRange } from "./engine.ts";
import type { Slab } from "./slabs.ts";

export type ThreadData = { driver: DriverConfig };

export type ToThread =
  | { type: "write"; job: number; options: BodyOptions }
  | { type: "bytes"; job: number; slab: Slab; bytes: number; isLast: boolean }
  | { type: "abort"; job: number }
  | {
      type: "read";
      job: number;
      ranges: readonly ChunkRange[];
      key: SealingKey;
      ahead: { blocks: number; runs: number };
    }
  /** A run of blocks was used up: there is room for another. */
  | { type: "more"; job: number }
  | { type: "cancel"; job: number };

export type FromThread =
  | { type: "started"; token: string }
  /** The first of its slabs that is not free yet. */
  | { type: "free"; job: number }
  | { type: "chunk"; job: number; chunk: Chunk }
  | { type: "written"; job: number; digests: Digests }
  | { type: "aborted"; job: number }
  | { type: "run"; job: number; pieces: Uint8Array<ArrayBuffer>[] }
  | { type: "end"; job: number }
  | { type: "failed"; job: number; error: SentError; chunk?: Chunk };

/** An error as it can be sent. */
export type SentError = { message: string; kind?: ErrorKind; type?: string; cause?: SentError; stack?: string };

export function toSent(error: unknown): SentError {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    message: error.message,
    ...(error instanceof CloudError ? { kind: error.kind } : {}),
    ...(error instanceof CloudError && error.type !== undefined ? { type: error.type } : {}),
    ...(error.cause === undefined ? {} : { cause: toSent(error.cause) }),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

export function fromSent({ message, kind, type, cause, stack }: SentError): Error {
  const options = cause === undefined ? {} : { cause: fromSent(cause) };
  const error =
    kind === undefined
      ? new Error(message, options)
      : new CloudError(kind, message, { ...options, ...(type === undefined ? {} : { type }) });
  if (stack !== undefined) error.stack = stack;
  return error;
}
