/**
 * Where backups are kept (backup-format.ts says what of): a directory, or a bucket of an S3 server. A driver is opened
 * from its configuration wherever it is needed, in the agent and in the threads that make and restore backups.
 *
 * A backup is made as a draft, and is there from the moment that its draft is published; what is published is whole, and
 * never changes. Of two hosts that make the same one, the first to publish has made it.
 */
import type { S3Place } from "@andromede/s3-client/place";

/** As the agent's configuration says it. */
export type BackupPlace =
  | { driver: "files"; directory: string }
  /** `directory`: where backups were kept before. They stay there, and are restored and removed; none is made there. */
  | ({ driver: "s3"; directory?: string } & S3Place);

/** `name`: the driver's own. */
export type Draft = { backupId: string; name: string };

/** What a draft is written with. */
export type DraftWriter = {
  /** Takes the bytes that are next in `pieces`; they MUST NOT change any more. */
  append(bytes: Buffer): Promise<void>;
  /** All of it is durable when this resolves. */
  finish(manifest: Buffer): Promise<void>;
  close(): Promise<void>;
};

/** The pieces of a published backup. */
export type PieceReader = {
  /** Throws when there are not as many bytes. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
};

export type BackupDriver = {
  /** MUST be called first by an agent, once; threads do not. */
  start(): Promise<void>;
  /** Called every minute; does not wait. Removes what an earlier agent of this host left half-made. */
  tidy(): void;
  /** As much of a published manifest as its header can be; null: there is no such backup. */
  readManifestHead(backupId: string): Promise<Buffer | null>;
  /** Throws `notFound`. */
  readManifest(backupId: string): Promise<Buffer>;
  openPieces(backupId: string): Promise<PieceReader>;
  begin(backupId: string): Promise<Draft>;
  openDraft(draft: Draft): Promise<DraftWriter>;
  /** The draft is the backup, unless another host's is already; then it is abandoned. */
  publish(draft: Draft, signal: AbortSignal): Promise<void>;
  /** Leaves nothing of the draft, now or later. */
  abandon(draft: Draft): Promise<void>;
  /** Leaves nothing of the backup; no error when there is none. `unnamed`: it is none any more, its bytes go next. */
  remove(backupId: string, unnamed: () => void): Promise<void>;
  /** Lets go of connections. */
  close(): void;
};

/** What a driver needs besides its place. */
export type BackupDriverContext = {
  host: string;
  /** What time it is, in milliseconds; only differences count. */
  now: () => number;
  /** Told of what could not be removed. */
  warn: (error: unknown) => void;
};

export const MOST_HEADER_BYTES = 1024 * 1024;
