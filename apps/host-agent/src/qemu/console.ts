/**
 * A guest's serial console. The agent is the only reader of QEMU's serial socket: it keeps the last of the output in two
 * files of fixed size, and passes it on to whoever watches. While no agent is there, QEMU keeps the last of it in a ring
 * in its own memory; an agent that comes back reads that first and appends what its files lack.
 */
import { appendFile, open, rename, stat } from "node:fs/promises";
import { type Socket, createConnection } from "node:net";
import { Duplex } from "node:stream";

import type { Logger } from "@andromede/base/log";

import { socketPath } from "@andromede/qmp/socket-path";

/** A file is renamed to `.1` when it has grown so long; so at most twice this is kept. */
const FILE_BYTES = 1024 * 1024;
/** Where the disk is slower than the guest, only the last of what waits for it is kept: as much as the files hold. */
const MAX_QUEUED_BYTES = 2 * FILE_BYTES;
/** A watcher that does not keep up is cut off beyond this. */
const MAX_WATCHER_BYTES = 1024 * 1024;
/** How much of the files' end is looked for in the ring. */
const OVERLAP_BYTES = 4096;
const RECONNECT_MS = 1_000;

export class GuestConsole {
  readonly #path: string;
  readonly #log: Logger;
  readonly #watchers = new Set<Duplex>();
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Connects to a running guest. `ring`: what QEMU kept, when the guest ran without us. */
  async attach(serialSocket: string, ring?: () => Promise<Buffer>): Promise<void> {
    if (ring !== undefined) await this.#catchUp(await ring());
    await this.#connect(serialSocket);
  }

  /** Someone who sees the output from now on, and whose writes are the guest's input. */
  watch(): Duplex {
    const watcher = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#socket?.writable === true) this.#socket.write(chunk);
        done();
      },
      destroy: (error, done) => {
        this.#watchers.delete(watcher);
        done(error);
      },
    });
    this.#watchers.add(watcher);
    return watcher;
  }

  /** The last lines kept; all, if no number is given. */
  async text(lines: number | undefined): Promise<string> {
    await this.#flushed();
    const text = Buffer.concat([
      await tail(`${this.#path}.1`, FILE_BYTES * 2),
      await tail(this.#path, FILE_BYTES * 2),
    ]).toString("utf8");
    if (lines === undefined) return text;
    if (lines === 0) return "";
    const all = text.split("\n");
    // A text that ends in a line break has one element too many.
    const extra = text.endsWith("\n") ? 1 : 0;
    return all.slice(-(lines + extra)).join("\n");
  }

  /** The guest's process is gone, or the agent goes. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    for (const watcher of this.#watchers) watcher.destroy();
    await this.#flushed();
  }

  /** Resolves when the guest's last words are read: QEMU closes the socket when it exits. */
  ended(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.closed) return Promise.resolve();
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  #connect(serialSocket: string): Promise<void> {
    return new Promise((resolve) => {
      const again = (): void => {
        this.#retry = setTimeout(() => void this.#connect(serialSocket), RECONNECT_MS).unref();
      };
      let found: ReturnType<typeof socketPath>;
      try {
        found = socketPath(serialSocket);
      } catch (error) {
        this.#log.debug({ error }, "no serial console there");
        resolve();
        if (!this.#closed) again();
        return;
      }
      const { path, release } = found;
      const socket = createConnection(path);
      this.#socket = socket;
      socket.once("connect", () => {
        release();
        resolve();
      });
      socket.on("data", (chunk: Buffer) => this.#received(chunk));
      socket.on("error", (error) => this.#log.debug({ error }, "serial console lost"));
      socket.once("close", () => {
        release();
        resolve();
        if (!this.#closed && this.#socket === socket) again();
      });
    });
  }

  #received(chunk: Buffer): void {
    this.#append(chunk);
    for (const watcher of this.#watchers) {
      watcher.push(chunk);
      if (watcher.readableLength > MAX_WATCHER_BYTES) watcher.destroy();
    }
  }

  #append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    for (let oldest = this.#queue[0]; oldest !== undefined; oldest = this.#queue[0]) {
      if (this.#queuedBytes - oldest.length < MAX_QUEUED_BYTES) break;
      this.#queue.shift();
      this.#queuedBytes -= oldest.length;
    }
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const data = Buffer.concat(this.#queue);
        this.#queue = [];
        this.#queuedBytes = 0;
        for (let from = 0; from < data.length; from += FILE_BYTES) {
          // Files are written in order.
          // eslint-disable-next-line no-await-in-loop
          await this.#keep(data.subarray(from, from + FILE_BYTES));
        }
      }
    } catch (error) {
      this.#log.warn({ error }, "console output could not be kept");
    } finally {
      this.#writing = undefined;
    }
  }

  async #keep(data: Buffer): Promise<void> {
    const { size } = await stat(this.#path).catch(() => ({ size: 0 }));
    if (size + data.length > FILE_BYTES && size > 0) await rename(this.#path, `${this.#path}.1`);
    await appendFile(this.#path, data, { mode: 0o600 });
  }

  async #flushed(): Promise<void> {
    await this.#writing;
  }

  /** Appends what the ring has beyond the files' end. */
  async #catchUp(ring: Buffer): Promise<void> {
    const known = await tail(this.#path, OVERLAP_BYTES);
    this.#append(ring.subarray(knownLength(known, ring)));
    await this.#flushed();
  }
}

/** How much of the ring's beginning is already at the end of what is known. */
export function knownLength(known: Buffer, ring: Buffer): number {
  if (known.length === 0) return 0;
  const whole = ring.lastIndexOf(known);
  if (whole !== -1) return whole + known.length;
  // The ring begins inside what is known (it was emptied by an agent before).
  for (let length = Math.min(known.length, ring.length); length > 0; length -= 1) {
    if (known.subarray(known.length - length).equals(ring.subarray(0, length))) return length;
  }
  return 0;
}

async function tail(path: string, bytes: number): Promise<Buffer> {
  const handle = await open(path, "r").catch(() => null);
  if (handle === null) return Buffer.alloc(0);
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
