/**
 * A long file that is written once and from front to end, past the system's cache (O_DIRECT): a copy into the cache costs more
 * than sealing does, and bytes that were only written push out those that are read. What does not fill a page of the disk at the
 * end goes through the cache; so does all of it on a file system that has no direct writing. While one piece is on its
 * way to the disk, the next is gathered.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import * as fs from "node:fs";
import { promisify } from "node:util";

/** Addresses, places and lengths of direct writes are multiples of this on every disk there is. */
const PAGE = 4096;
/** Two blocks, sealed, and what was left over before. */
const STAGE_BYTES = 66 * PAGE;
const STAGES = 16;

const fsync = promisify(fs.fsync);
const writeAt = promisify(
  (file: number, bytes: Uint8Array, position: number, done: (error: Error | null, written: number) => void) =>
    fs.write(file, bytes, 0, bytes.length, position, (error, written) => done(error, written)),
);

/** Memory at addresses that a disk can read from. */
export type Stages = { take(): Buffer | Promise<Buffer>; give(stage: Buffer): void };

/** What we need of it; the types of Node have none of it. Its memory begins at a page. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (pages: { initial: number }) => { buffer: ArrayBuffer } };
};
const WASM_PAGE = 64 * 1024;

/** A stage is held for one write only, so there are always some that come back. */
export function createStages(): Stages {
  let free: Buffer[] | null = null;
  const waiting: ((stage: Buffer) => void)[] = [];
  const make = (): Buffer[] => {
    const { buffer } = new WebAssembly.Memory({ initial: Math.ceil((STAGES * STAGE_BYTES) / WASM_PAGE) });
    return Array.from({ length: STAGES }, (_, index) => Buffer.from(buffer, index * STAGE_BYTES, STAGE_BYTES));
  };
  return {
    take() {
      free ??= make();
      return free.pop() ?? new Promise((resolve) => waiting.push(resolve));
    },
    give(stage) {
      const next = waiting.shift();
      if (next === undefined) free?.push(stage);
      else next(stage);
    },
  };
}

export type ChunkFile = {
  /** Memory for the next bytes, at most `STAGE_BYTES` less a page; to be filled before the next call. */
  room(bytes: number): Promise<Buffer>;
  /** The room goes to the disk. */
  write(): Promise<void>;
  /** All of it is on the disk. */
  sync(): Promise<void>;
  /** Once, whatever happened before. */
  close(): Promise<void>;
};

/** Makes it. Throws, and rejects, with the system's errors. */
export function createChunkFile(path: string, stages: Stages): ChunkFile {
  const file = openSync(path, "wx", 0o600);
  let direct = openDirect(path);
  const rest = Buffer.allocUnsafe(PAGE);
  let left = 0;
  let position = 0;
  let underWay: Promise<void> = Promise.resolve();
  let stage: Buffer | null = null;
  let filled = 0;

  async function send(full: Buffer, bytes: number, from: number): Promise<void> {
    for (let at = 0; at < bytes;) {
      // after a write that was cut short somewhere, the others are not where the disk wants them
      const isAligned = direct !== null && at % PAGE === 0;
      try {
        at += await writeAt(isAligned ? (direct ?? file) : file, full.subarray(at, bytes), from + at);
      } catch (error) {
        if (!isAligned || !isRefused(error)) throw error;
        closeSync(direct ?? -1);
        direct = null;
      }
    }
  }

  /** All whole pages go; what is behind them waits for more. */
  async function flush(full: Buffer, bytes: number): Promise<void> {
    const whole = bytes - (bytes % PAGE);
    left = full.copy(rest, 0, whole, bytes);
    const before = underWay;
    const from = position;
    position += whole;
    underWay = before.then(() => send(full, whole, from)).finally(() => stages.give(full));
    underWay.catch(() => undefined); // the next step hears of it
    await before;
  }

  return {
    async room(bytes) {
      if (bytes > STAGE_BYTES - PAGE) throw new RangeError("more than a stage holds");
      stage = await stages.take();
      filled = rest.copy(stage, 0, 0, left) + bytes;
      return stage.subarray(left, filled);
    },
    async write() {
      const full = stage;
      stage = null;
      if (full !== null) await flush(full, filled);
    },
    async sync() {
      await underWay;
      for (let at = 0; at < left;) at += writeSync(file, rest, at, left - at, position + at);
      await fsync(file);
    },
    async close() {
      if (stage !== null) stages.give(stage);
      stage = null;
      await underWay.catch(() => undefined); // who writes knows
      if (direct !== null) closeSync(direct);
      closeSync(file);
    },
  };
}

function openDirect(path: string): number | null {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_DIRECT);
  } catch (error) {
    if (isRefused(error)) return null;
    throw error;
  }
}

const isRefused = (error: unknown): boolean =>
  ["EINVAL", "ENOTSUP", "EOPNOTSUPP"].includes((error as NodeJS.ErrnoException).code ?? "");
