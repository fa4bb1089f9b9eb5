/**
 * A file that grows, to an S3 server: what is in the file goes out in parts while the rest is still coming in, so that little
 * is left to do at its end. Parts are read from the file, which costs no memory and lets any of them be sent again.
 */
import { createReadStream } from "node:fs";

import { CloudError, unavailable } from "@andromede/base/errors";
import type { S3Client, S3Request } from "@andromede/s3-client/client";
import {
  type Multipart,
  type PutPart,
  beginMultipart,
  completeMultipart,
  putPart,
} from "@andromede/s3-client/multipart";

import { storageFull } from "./bytes-name.ts";
import { type FilePart, hashFile } from "./hasher.ts";

const MIB = 1024 * 1024;
const AT_ONCE = 3;

/** 10,000 parts is what S3 allows: they grow, so that the first ones come early and no image is too large for them. */
export const partBytes = (number: number): number => 16 * MIB * 2 ** Math.floor((number - 1) / 1000);

export type Sending = {
  /** So much is in the file. Throws when what is there could not be sent. */
  written(bytes: number): void;
  /** Sends the rest. The object is there, whole, once this returns. */
  finish(): Promise<void>;
  /** Nothing more is sent. What the server has of it is the caller's to remove. */
  abandon(): void;
};

type Part = FilePart & { number: number };

export function startSending(client: S3Client, key: string, path: string): Sending {
  const stop = new AbortController();
  const { signal } = stop;
  const waiting: Part[] = [];
  const sent: PutPart[] = [];
  let multipart: Promise<Multipart> | null = null;
  let failure: { error: unknown } | null = null;
  let wake: (() => void) | null = null;
  let running = 0;
  let bytes = 0;
  let next: Part = { number: 1, start: 0, end: partBytes(1) };

  async function send(part: Part): Promise<void> {
    multipart ??= beginMultipart(client, key, signal);
    const [to, body] = await Promise.all([multipart, bodyOf(path, part)]);
    sent.push(await putPart(client, to, { number: part.number, body, signal }));
  }

  function pump(): void {
    while (running < AT_ONCE && failure === null) {
      const part = waiting.shift();
      if (part === undefined) break;
      running += 1;
      send(part)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          running -= 1;
          pump();
          wake?.();
        });
    }
  }

  function queueNext(): void {
    waiting.push(next);
    const number = next.number + 1;
    next = { number, start: next.end, end: next.end + partBytes(number) };
    pump();
  }

  async function allSent(): Promise<void> {
    while ((running > 0 || waiting.length > 0) && failure === null)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    throwFailure();
  }

  function throwFailure(): void {
    if (failure !== null) throw toRefusal(failure.error);
  }

  return {
    written(now) {
      throwFailure();
      bytes = now;
      while (next.end <= bytes) queueNext();
    },
    async finish() {
      throwFailure();
      try {
        if (next.number === 1) {
          // small: one request is whole or not there at all
          const body = await bodyOf(path, { start: 0, end: bytes });
          await client.ask({ method: "PUT", key, body, signal }, [200]);
          return;
        }
        if (bytes > next.start) {
          next = { ...next, end: bytes };
          queueNext();
        }
        await allSent();
        if (multipart !== null) await completeMultipart(client, await multipart, { parts: sent, bytes });
      } catch (error) {
        throw toRefusal(error);
      }
    },
    abandon() {
      failure ??= { error: unavailable("The upload was given up") };
      waiting.length = 0;
      stop.abort();
      wake?.();
    },
  };
}

async function bodyOf(path: string, { start, end }: FilePart): Promise<NonNullable<S3Request["body"]>> {
  const sha256 = await hashFile(path, "sha256", { start, end });
  const stream = () =>
    end === start ? Buffer.alloc(0) : createReadStream(path, { start, end: end - 1, highWaterMark: 512 * 1024 });
  return { bytes: end - start, sha256, stream };
}

/** No room there is no room here: what Glance says of a full disk. */
const toRefusal = (error: unknown): unknown =>
  error instanceof CloudError && error.kind === "noCapacity" ? storageFull(error) : error;
