/**
 * A client of the NBD protocol, over a unix socket: newstyle fixed handshake, structured replies, `base:allocation`.
 * Requests may be made side by side; each is answered on its own. When the connection breaks, all of them fail.
 */
import { type Socket, createConnection } from "node:net";

import { unavailable } from "@andromede/base/errors";

import {
  CHUNK,
  CHUNK_DONE,
  COMMAND,
  FLAGS,
  INFO,
  INIT_MAGIC,
  OPTION,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  READ_ONLY,
  REPLY,
  SIMPLE_REPLY_MAGIC,
  STATE,
  STRUCTURED_REPLY_MAGIC,
  goData,
  metaContextData,
  optionPacket,
  requestHead,
} from "./frames.ts";
import { ByteReader } from "./byte-reader.ts";

/** A run of bytes of an export. `zero`: it reads as zeroes. */
export type Extent = { offset: number; length: number; zero: boolean };

/** An export that is open. Offsets and lengths are in bytes; one request may be of 32 MiB at most. */
export type NbdClient = {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, data: Buffer): Promise<void>;
  writeZeroes(offset: number, length: number): Promise<void>;
  /** What was written before is on the disk when this resolves. */
  flush(): Promise<void>;
  /** What is there from `offset` on: at least one run, not necessarily all of `length`. */
  extents(offset: number, length: number): Promise<Extent[]>;
  /** Says good-bye. */
  close(): Promise<void>;
};

type Pending = {
  offset: number;
  data: Buffer | null;
  extents: Extent[];
  error: Error | null;
  resolve: (pending: Pending) => void;
  reject: (error: Error) => void;
};

const ALLOCATION = "base:allocation";
const CONNECT_MS = 10_000;
const MAX_REPLY_BYTES = 40 * 1024 * 1024;

/** Opens an export of the server at a socket. */
export async function connectNbd(options: { socketPath: string; exportName: string }): Promise<NbdClient> {
  const socket = await connect(options.socketPath);
  const reader = new ByteReader(socket);
  try {
    const { sizeBytes, flags, allocation } = await shakeHands(socket, reader, options.exportName);
    socket.setTimeout(0);
    return new Connection(socket, reader, { sizeBytes, readOnly: (flags & READ_ONLY) !== 0, allocation });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function connect(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error("the NBD server says nothing")));
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

type Shaken = { sizeBytes: number; flags: number; allocation: number | null };

async function shakeHands(socket: Socket, reader: ByteReader, exportName: string): Promise<Shaken> {
  const greeting = await reader.take(18);
  if (greeting.readBigUInt64BE(0) !== INIT_MAGIC || greeting.readBigUInt64BE(8) !== OPTION_MAGIC)
    throw broken("it is no NBD server");
  if ((greeting.readUInt16BE(16) & FLAGS.fixedNewstyle) === 0) throw broken("it speaks an old handshake");
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(FLAGS.fixedNewstyle | (greeting.readUInt16BE(16) & FLAGS.noZeroes));
  socket.write(flags);
  const structured = await ask(socket, reader, OPTION.structuredReply, Buffer.alloc(0));
  let allocation: number | null = null;
  if (structured !== null) {
    const contexts = await ask(socket, reader, OPTION.setMetaContext, metaContextData(exportName, ALLOCATION));
    const found = contexts?.find(({ type, data }) => type === REPLY.metaContext && data.length > 4);
    if (found !== undefined) allocation = found.data.readUInt32BE(0);
  }
  const went = await ask(socket, reader, OPTION.go, goData(exportName));
  const info = went?.find(({ type, data }) => type === REPLY.info && data.readUInt16BE(0) === INFO.export);
  if (info === undefined) throw broken(`it has no export "${exportName}"`);
  return { sizeBytes: Number(info.data.readBigUInt64BE(2)), flags: info.data.readUInt16BE(10), allocation };
}

type OptionReply = { type: number; data: Buffer };

/** All replies to an option up to its end; null when the server refuses it. */
async function ask(socket: Socket, reader: ByteReader, option: number, data: Buffer): Promise<OptionReply[] | null> {
  socket.write(optionPacket(option, data));
  const replies: OptionReply[] = [];
  for (;;) {
    // Replies come one after the other.
    // eslint-disable-next-line no-await-in-loop
    const head = await reader.take(20);
    if (head.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC || head.readUInt32BE(8) !== option)
      throw broken("its handshake is not understood");
    const type = head.readUInt32BE(12);
    // eslint-disable-next-line no-await-in-loop
    const content = await reader.take(head.readUInt32BE(16));
    if (type >= REPLY.errorBit) return null;
    if (type === REPLY.ack) return replies;
    replies.push({ type, data: content });
  }
}

class Connection implements NbdClient {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly #socket: Socket;
  readonly #reader: ByteReader;
  readonly #allocation: number | null;
  readonly #pending = new Map<bigint, Pending>();
  #cookie = 0n;
  #ended: Error | null = null;
  readonly #closed: Promise<void>;

  constructor(
    socket: Socket,
    reader: ByteReader,
    facts: { sizeBytes: number; readOnly: boolean; allocation: number | null },
  ) {
    this.#socket = socket;
    this.#reader = reader;
    this.sizeBytes = facts.sizeBytes;
    this.readOnly = facts.readOnly;
    this.#allocation = facts.allocation;
    this.#closed = this.#replies().catch((error: unknown) => {
      this.#ended = unavailable("the connection to the NBD server broke", { cause: error });
      socket.destroy();
      for (const { reject } of this.#pending.values()) reject(this.#ended);
      this.#pending.clear();
    });
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { data } = await this.#request(COMMAND.read, { offset, length, data: Buffer.alloc(length) });
    return data ?? Buffer.alloc(0);
  }

  async write(offset: number, data: Buffer): Promise<void> {
    await this.#request(COMMAND.write, { offset, length: data.length, payload: data });
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.#request(COMMAND.writeZeroes, { offset, length });
  }

  async flush(): Promise<void> {
    await this.#request(COMMAND.flush, { offset: 0, length: 0 });
  }

  async extents(offset: number, length: number): Promise<Extent[]> {
    if (this.#allocation === null) return [{ offset, length, zero: false }];
    const { extents } = await this.#request(COMMAND.blockStatus, { offset, length });
    if (extents.length === 0) throw broken("it says nothing of what is allocated");
    return extents;
  }

  async close(): Promise<void> {
    this.#socket.end(requestHead(COMMAND.disconnect, 0n, 0, 0));
    await this.#closed;
  }

  #request(
    command: number,
    what: { offset: number; length: number; data?: Buffer; payload?: Buffer },
  ): Promise<Pending> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      const { offset, length, data = null, payload } = what;
      this.#cookie += 1n;
      this.#pending.set(this.#cookie, { offset, data, extents: [], error: null, resolve, reject });
      this.#socket.cork();
      this.#socket.write(requestHead(command, this.#cookie, offset, length));
      if (payload !== undefined) this.#socket.write(payload);
      this.#socket.uncork();
    });
  }

  async #replies(): Promise<never> {
    for (;;) {
      // Replies come one after the other.
      // eslint-disable-next-line no-await-in-loop
      const magic = (await this.#reader.take(4)).readUInt32BE(0);
      // eslint-disable-next-line no-await-in-loop
      if (magic === SIMPLE_REPLY_MAGIC) await this.#simpleReply();
      // eslint-disable-next-line no-await-in-loop
      else if (magic === STRUCTURED_REPLY_MAGIC) await this.#chunk();
      else throw broken("its reply is not understood");
    }
  }

  async #simpleReply(): Promise<void> {
    const head = await this.#reader.take(12);
    const cookie = head.readBigUInt64BE(4);
    const pending = this.#find(cookie);
    const errno = head.readUInt32BE(0);
    if (errno !== 0) pending.error = new NbdError(errno);
    else if (pending.data !== null) (await this.#reader.take(pending.data.length)).copy(pending.data);
    this.#done(cookie, pending);
  }

  async #chunk(): Promise<void> {
    const head = await this.#reader.take(16);
    const type = head.readUInt16BE(2);
    const cookie = head.readBigUInt64BE(4);
    const length = head.readUInt32BE(12);
    if (length > MAX_REPLY_BYTES) throw broken("its reply is too long");
    const content = await this.#reader.take(length);
    const pending = this.#find(cookie);
    if (type >= CHUNK.errorBit) pending.error ??= new NbdError(content.readUInt32BE(0));
    else if (type === CHUNK.offsetData) fill(pending, content);
    else if (type === CHUNK.blockStatus && content.readUInt32BE(0) === this.#allocation)
      pending.extents = extentsIn(pending.offset, content);
    // A hole is zeroes, as the buffer is already.
    if ((head.readUInt16BE(0) & CHUNK_DONE) !== 0) this.#done(cookie, pending);
  }

  #find(cookie: bigint): Pending {
    const pending = this.#pending.get(cookie);
    if (pending === undefined) throw broken("it answers what was not asked");
    return pending;
  }

  #done(cookie: bigint, pending: Pending): void {
    this.#pending.delete(cookie);
    if (pending.error === null) pending.resolve(pending);
    else pending.reject(pending.error);
  }
}

/** A request that the server carried out in vain. */
export class NbdError extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(errno === ENOSPC ? "No space left on device" : `the NBD server answers with error ${errno}`);
    this.name = "NbdError";
    this.errno = errno;
  }
}

const ENOSPC = 28;

function fill({ data, offset }: Pending, content: Buffer): void {
  const at = Number(content.readBigUInt64BE(0)) - offset;
  if (data === null || at < 0 || at + content.length - 8 > data.length) throw broken("it sends what was not asked");
  content.copy(data, at, 8);
}

function extentsIn(start: number, content: Buffer): Extent[] {
  const extents: Extent[] = [];
  let offset = start;
  for (let at = 4; at + 8 <= content.length; at += 8) {
    const length = content.readUInt32BE(at);
    extents.push({ offset, length, zero: (content.readUInt32BE(at + 4) & STATE.zero) !== 0 });
    offset += length;
  }
  return extents;
}

const broken = (why: string): Error => unavailable(`the NBD server cannot be used: ${why}`);
