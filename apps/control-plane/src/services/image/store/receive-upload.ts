/**
 * A body's bytes to a file, hashed on the way, a few megabytes of memory whatever the size.
 *
 * Three things go on at the same time: the event loop copies what the socket gave into blocks of 1 MiB, the thread
 * pool writes a block, a hash thread hashes the block before. Blocks go round and round; when none is free the socket
 * waits. The file is synced every now and then, so that the disk works while we still receive and little is left to
 * wait for at the end.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";

import { CloudError, invalid, tooLarge } from "@andromede/base/errors";

import { type Block, type Sha512, startSha512 } from "./hasher.ts";
import { storageFull } from "./bytes-name.ts";

const BLOCK_BYTES = 1024 * 1024;
const BLOCKS = 8;
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;
/** A client that sends nothing for so long has gone. */
const STALL_MS = 60_000;

export type Received = { sizeBytes: number; sha512: string };

export type ReceiveOptions = {
  path: string;
  /** More is refused. */
  maxBytes: number;
  /** What Content-Length promised; null for a chunked body. */
  expectedBytes: number | null;
  stallMs?: number;
  /** So many bytes from the start are in the file now. What it throws ends the upload. */
  onWritten?: (bytes: number) => void;
};

/**
 * Receives all of `body` into a new file. Throws with the file half-written, which the caller then removes: `invalid`
 * when the body ends before its promised length or is cut, `tooLarge` past the limit or when the disk is full.
 */
export async function receiveUpload(body: Readable, options: ReceiveOptions): Promise<Received> {
  const file = await open(options.path, "wx", 0o644);
  try {
    const hash = await startSha512();
    try {
      const writer = new BlockWriter(file, hash, options.onWritten);
      await readAll(body, writer, options);
      if (options.expectedBytes !== null && writer.sizeBytes !== options.expectedBytes) {
        throw invalid(`The upload is incomplete: ${writer.sizeBytes} of ${options.expectedBytes} bytes arrived`);
      }
      return await writer.finish();
    } finally {
      hash.release();
    }
  } catch (error) {
    throw isDiskFull(error) ? storageFull(error) : error;
  } finally {
    await file.close();
  }
}

async function readAll(body: Readable, writer: BlockWriter, options: ReceiveOptions): Promise<void> {
  let seen = -1;
  const watchdog = setInterval(() => {
    if (writer.sizeBytes === seen) body.destroy(new CloudError("invalid", "The upload stalled", { status: 408 }));
    seen = writer.sizeBytes;
  }, options.stallMs ?? STALL_MS);
  try {
    // the stream outlives a refusal, for its socket is to carry the answer
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (writer.sizeBytes + chunk.length > options.maxBytes) {
        throw tooLarge(`The incoming image is too large: it exceeds the limit of ${options.maxBytes} bytes`);
      }
      const room = writer.write(chunk);
      if (room !== undefined) await room;
    }
  } catch (error) {
    await writer.abandon();
    if (error instanceof CloudError || isDiskFull(error)) throw error;
    throw invalid("The upload is incomplete: the connection was cut", { cause: error });
  } finally {
    clearInterval(watchdog);
  }
}

/** ENOSPC, a user's quota on the file system, or a limit on file sizes: no room, whatever the reason. */
const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT", "EFBIG"].includes(String((error as { code?: unknown }).code));

class BlockWriter {
  sizeBytes = 0;
  readonly #file: FileHandle;
  readonly #hash: Sha512;
  readonly #onWritten: ((bytes: number) => void) | undefined;
  readonly #free: Block[] = [];
  /** Blocks are made when first needed: a small upload never makes more than one. */
  #made = 0;
  #block: Block | undefined;
  #filled = 0;
  #position = 0;
  #synced = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #hashing: Promise<unknown> = Promise.resolve();
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(file: FileHandle, hash: Sha512, onWritten?: (bytes: number) => void) {
    this.#file = file;
    this.#hash = hash;
    this.#onWritten = onWritten;
  }

  /** Undefined when the chunk was taken at once; else a promise to wait for before the next. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    const taken = this.#take(chunk);
    this.sizeBytes += taken;
    return taken === chunk.length && this.#failure === undefined ? undefined : this.#writeRest(chunk.subarray(taken));
  }

  async #writeRest(rest: Uint8Array): Promise<void> {
    let left = rest;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const taken = this.#take(left);
      this.sizeBytes += taken;
      left = left.subarray(taken);
      if (left.length === 0) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Copies as much as there is room for; says how much that was. */
  #take(chunk: Uint8Array): number {
    let taken = 0;
    while (taken < chunk.length) {
      const block = (this.#block ??= this.#freeBlock());
      if (block === undefined) break;
      const length = Math.min(chunk.length - taken, BLOCK_BYTES - this.#filled);
      block.set(length === chunk.length ? chunk : chunk.subarray(taken, taken + length), this.#filled);
      this.#filled += length;
      taken += length;
      if (this.#filled === BLOCK_BYTES) this.#send(block);
    }
    return taken;
  }

  #freeBlock(): Block | undefined {
    const found = this.#free.pop();
    if (found !== undefined || this.#made === BLOCKS) return found;
    this.#made += 1;
    return new Uint8Array(BLOCK_BYTES);
  }

  #send(block: Block): void {
    const [length, position] = [this.#filled, this.#position];
    this.#block = undefined;
    this.#filled = 0;
    this.#position += length;
    this.#writing = this.#writing
      .then(() => this.#writeBlock(block, length, position))
      .catch((error: unknown) => this.#fail(error));
  }

  async #writeBlock(block: Block, length: number, position: number): Promise<void> {
    if (this.#failure !== undefined) return;
    for (let done = 0; done < length;) {
      const { bytesWritten } = await this.#file.write(block, done, length - done, position + done);
      done += bytesWritten;
    }
    this.#onWritten?.(position + length);
    // hashed after it was written, because a block that is with the thread is out of our hands
    this.#hashing = this.#hash.update(block, length).then(
      (home) => {
        this.#free.push(home);
        this.#signal();
      },
      (error: unknown) => this.#fail(error),
    );
    if (this.#syncing === undefined && position + length - this.#synced >= SYNC_EVERY_BYTES) {
      this.#synced = position + length;
      this.#syncing = this.#file
        .datasync()
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#syncing = undefined;
        });
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Waits until nothing uses the file or the hash any more. */
  async abandon(): Promise<void> {
    await this.#writing;
    await this.#hashing;
    await this.#syncing;
  }

  async finish(): Promise<Received> {
    if (this.#block !== undefined && this.#filled > 0) this.#send(this.#block);
    await this.abandon();
    if (this.#failure !== undefined) throw this.#failure.error;
    const [sha512] = await Promise.all([this.#hash.digest(), this.#file.sync()]);
    return { sizeBytes: this.sizeBytes, sha512 };
  }
}
