/** What keeps sealed bytes: files of this machine, or an S3 server. Drivers know nothing of keys, rows or what is inside. */
import type { S3Place } from "@andromede/s3-client/place";

export type DriverConfig = { driver: "fs"; directory: string } | ({ driver: "s3" } & S3Place);

export type Driver = {
  /** MUST be called for a writer's number before anything of it is written. */
  prepareWriter(writerId: number): Promise<void>;
  /** Tells what this driver has begun and not finished from what others have. */
  readonly token: string;
  /** Begins a chunk. Nobody sees it before `finish`. */
  beginChunk(writerId: number): Promise<Sink>;
  /** Throws `notFound` where there is none. */
  openChunk(writerId: number, address: string): Promise<Source>;
  /** Idempotent. */
  removeChunk(writerId: number, address: string): Promise<void>;
  /** The addresses of a writer's chunks that are finished. */
  listChunks(writerId: number): AsyncIterable<string[]>;
  /** Takes away what a driver with this token began under a writer and cannot finish any more. */
  removeUnfinished(writerId: number, token: string): Promise<void>;
  /** What was not finished under a dead writer goes, and from here on nothing more is finished under it, whoever still tries. */
  closeWriter(writerId: number): Promise<void>;
  /** Where that cannot be promised: how long after its end something of a writer's may still appear. */
  lateSeconds: number;
  /** A dead writer's place goes, if it is empty now. */
  removeWriter(writerId: number): Promise<void>;
  /** null: small bodies are chunks of their own here. */
  packs: PackFiles | null;
};

export type Sink = {
  /** Memory for the next bytes, which are to be there before anything else is asked of the sink. Two sealed blocks and a header at most. */
  room(bytes: number): Promise<Buffer>;
  /** All of the room is filled, and the sink's again. */
  write(): Promise<void>;
  /** Durable under its address when this resolves; to be abandoned if it rejects. */
  finish(address: string): Promise<void>;
  /** Nothing of it stays. Never rejects. */
  abandon(): Promise<void>;
};

export type Source = {
  bytes: number;
  /** Fills the buffer from `position`; gives how much there was, less only at the end. */
  read(into: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
};

export type PackFiles = {
  /** Makes an empty one, durably. */
  create(packId: number): Promise<PackFile>;
  /** For reading. Throws `notFound` where there is none. */
  open(packId: number): Promise<Source>;
  remove(packId: number): Promise<void>;
};

export type PackFile = {
  /** All of it, at this place; not durable yet. */
  write(pieces: Buffer[], position: number): Promise<void>;
  sync(): Promise<void>;
  /** Takes back what was written from here on. */
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
};
