/**
 * Sealed bytes in an S3 server: `chunks/<writer>/<first byte of the address>/<address>`. A PUT is whole or not there at all,
 * and durable when it is answered, so a chunk needs no other name first. Its name is only known at its end: until then it
 * lies in memory, or, when it is long, in a file without a name. Small bodies are chunks of their own: a pack would be
 * durable only when it is full.
 */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, unlinkSync, writevSync } from "node:fs";
import * as fs from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";

import { internal, noCapacity } from "@andromede/base/errors";
import { ensureBucket, listKeys } from "@andromede/s3-client/bucket";
import type { S3Client } from "@andromede/s3-client/client";
import { openS3Place } from "@andromede/s3-client/place";

import type { Driver, DriverConfig, Sink, Source } from "./driver.ts";
import { HEADER_BYTES } from "./seal.ts";

/** What a chunk may have in memory before its end. */
const IN_MEMORY = 256 * 1024;
/** What is asked for at once, when a chunk is read on. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** What is read at once of a file on its way. */
const SPOOL_BYTES = 256 * 1024;

const readAt = promisify(fs.read);

export function openS3Driver(config: DriverConfig & { driver: "s3" }): Driver {
  const client = openS3Place(config);
  const nameOf = (writerId: number, address: string): string => `chunks/${writerId}/${address.slice(0, 2)}/${address}`;
  let bucket: Promise<void> | null = null;

  return {
    token: randomBytes(8).toString("hex"),
    packs: null,
    async prepareWriter() {
      bucket ??= ensureBucket(client).catch((error: unknown) => {
        bucket = null;
        throw error;
      });
      await bucket;
    },
    beginChunk: (writerId) => Promise.resolve(createSink(client, (address) => nameOf(writerId, address))),
    openChunk: (writerId, address) => openSource(client, nameOf(writerId, address)),
    async removeChunk(writerId, address) {
      await client.ask({ method: "DELETE", key: nameOf(writerId, address) }, [200, 204, 404]);
    },
    // what is not finished has no name: it is gone with the process
    removeUnfinished: () => Promise.resolve(),
    async *listChunks(writerId) {
      for await (const keys of listKeys(client, `chunks/${writerId}/`))
        yield keys.flatMap((key) => /\/([0-9a-f]{64})$/.exec(key)?.[1] ?? []);
    },
    closeWriter: () => Promise.resolve(),
    // longer than a request and all its tries
    lateSeconds: 600,
    removeWriter: () => Promise.resolve(),
  };
}

function createSink(client: S3Client, nameOf: (address: string) => string): Sink {
  const sum = createHash("sha256");
  let held: Buffer[] = [];
  let room = Buffer.alloc(0);
  let bytes = 0;
  let spool: number | null = null;

  function write(pieces: readonly Buffer[]): void {
    spool ??= openNameless();
    for (let left = [...pieces]; left.length > 0;) {
      let written = writevSync(spool, left);
      while (left[0] !== undefined && written >= left[0].length) written -= left.shift()?.length ?? 0;
      if (left[0] !== undefined && written > 0) left = [left[0].subarray(written), ...left.slice(1)];
    }
  }

  return {
    room(wanted) {
      room = Buffer.allocUnsafe(wanted);
      return Promise.resolve(room);
    },
    async write() {
      sum.update(room);
      bytes += room.length;
      if (spool === null && bytes <= IN_MEMORY) {
        held.push(room);
        return;
      }
      try {
        write([...held, room]);
      } catch (cause) {
        const isFull = (cause as NodeJS.ErrnoException).code === "ENOSPC";
        throw isFull ? noCapacity("There is no room for a body on its way", { cause }) : cause;
      }
      held = [];
    },
    async finish(address) {
      const file = spool;
      const whole = file === null ? Buffer.concat(held) : null;
      const stream = () => whole ?? Readable.from(readSpool(file ?? -1, bytes), { objectMode: false });
      const body = { bytes, sha256: sum.digest("hex"), stream };
      await client.ask({ method: "PUT", key: nameOf(address), body }, [200]);
      this.abandon().catch(() => undefined);
    },
    abandon() {
      if (spool !== null) closeSync(spool);
      spool = null;
      held = [];
      return Promise.resolve();
    },
  };
}

/** A stream of node:fs would close the file when it is destroyed, and another try reads it again. */
async function* readSpool(file: number, bytes: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes;) {
    const piece = Buffer.allocUnsafe(Math.min(SPOOL_BYTES, bytes - at));
    const { bytesRead } = await readAt(file, piece, 0, piece.length, at);
    if (bytesRead === 0) throw internal("a chunk on its way was cut off");
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** A file that is gone when it is closed. */
function openNameless(): number {
  const path = join(tmpdir(), `andromede-chunk-${randomBytes(12).toString("hex")}`);
  const file = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return file;
}

/** The header comes with the length; what is read in order comes in long windows. */
async function openSource(client: S3Client, key: string): Promise<Source> {
  const answer = await client.send({ method: "GET", key, range: { first: 0, last: HEADER_BYTES - 1 } }, [206]);
  const size = Number(/\/(\d+)$/.exec(answer.headers["content-range"] ?? "")?.[1]);
  const header = await readAll(answer);
  if (!Number.isSafeInteger(size)) throw internal(`${key}: the server does not say how long it is`);
  let window: { at: number; end: number; stream: IncomingMessage; pieces: AsyncIterator<Buffer>; rest: Buffer } | null =
    null;

  const closeWindow = (): void => {
    window?.stream.destroy();
    window = null;
  };

  async function openWindow(position: number, bytes: number): Promise<NonNullable<typeof window>> {
    if (window?.at === position && window.end > position) return window;
    closeWindow();
    const end = Math.min(size, position + Math.max(bytes, WINDOW_BYTES));
    const stream = await client.send({ method: "GET", key, range: { first: position, last: end - 1 } }, [206]);
    window = {
      at: position,
      end,
      stream,
      pieces: stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
      rest: Buffer.alloc(0),
    };
    return window;
  }

  /** Some bytes from there, as many as come; 0 at the end. */
  async function readSome(into: Buffer, position: number): Promise<number> {
    if (position >= size) return 0;
    const from = await openWindow(position, into.length);
    if (from.rest.length === 0) {
      const next = await from.pieces.next();
      if (next.done === true) throw internal(`${key}: the server's answer ended early`);
      from.rest = next.value;
    }
    const bytes = from.rest.copy(into);
    from.rest = from.rest.subarray(bytes);
    from.at += bytes;
    return bytes;
  }

  return {
    bytes: size,
    async read(into, position) {
      if (position + into.length <= header.length) return header.copy(into, 0, position, position + into.length);
      let filled = 0;
      let again = true;
      while (filled < into.length) {
        try {
          const bytes = await readSome(into.subarray(filled), position + filled);
          if (bytes === 0) break;
          filled += bytes;
        } catch (error) {
          // a connection may break in the middle: asked for once more
          closeWindow();
          if (!again || (error as { kind?: unknown }).kind === "notFound") throw error;
          again = false;
        }
      }
      return filled;
    },
    close() {
      closeWindow();
      return Promise.resolve();
    },
  };
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
