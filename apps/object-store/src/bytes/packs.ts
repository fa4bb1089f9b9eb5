/**
 * Small bodies, appended to a pack: one open pack a process, all that wait written together and made durable by one fsync
 * (group commit). A pack that is full, or whose writer is lost, gets no more; when all that was appended to it has been
 * committed or given up, its length is recorded, and the collector may look at it.
 */
import { CloudError, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";

import { insertPack, sealPack } from "./bytes.queries.ts";
import { crashPoint } from "./crash-point.ts";
import type { PackFile, PackFiles } from "./driver.ts";
import type { Writer, WriterSource } from "./writer.ts";

const PACK_BYTES = 256 * 1024 * 1024;
/** What one fsync takes along at most; what is above waits for the next. */
const BATCH_PIECES = 512;

/** A body that was appended. */
export type Appended = {
  packId: number;
  offset: number;
  writerId: number;
  /** MUST be called once: when the row that names it is committed, or never will be. */
  settle: () => Promise<void>;
};

export type PackWriter = {
  append(extent: Buffer): Promise<Appended>;
  close(): Promise<void>;
};

type OpenPack = {
  id: number;
  file: PackFile;
  writer: Writer;
  bytes: number;
  inFlight: number;
  /** Nothing is appended any more. */
  full: boolean;
  sealed: boolean;
};

type Waiting = { extent: Buffer; done: (appended: Appended) => void; fail: (error: unknown) => void };

export type PackWriterOptions = {
  db: Database;
  files: PackFiles;
  writers: WriterSource;
  log: Logger;
  packBytes?: number;
};

export function openPackWriter(options: PackWriterOptions): PackWriter {
  const { db, files, writers, log } = options;
  const limit = options.packBytes ?? PACK_BYTES;
  let pack: OpenPack | null = null;
  let closed = false;

  async function openPack(): Promise<OpenPack> {
    if (pack !== null && (pack.writer.lost || pack.bytes >= limit)) await retire();
    if (pack !== null) return pack;
    const writer = await writers.acquire();
    try {
      const id = await insertPack(db, writer.id).catch((cause: unknown) => {
        throw unavailable("The store cannot write just now; try again in a moment", { cause });
      });
      if (id === null) throw unavailable("The store lost its place; try again");
      const file = await files.create(id);
      crashPoint("pack-created");
      pack = { id, file, writer, bytes: 0, inFlight: 0, full: false, sealed: false };
      return pack;
    } catch (error) {
      writers.release(writer);
      throw error;
    }
  }

  async function retire(): Promise<void> {
    const old = pack;
    if (old === null) return;
    pack = null;
    old.full = true;
    await old.file.close().catch((error: unknown) => log.warn({ error, pack: old.id }, "a pack was not closed"));
    await sealIfSettled(options, old);
  }

  /** Everybody's bytes in one write and one fsync. */
  async function flush(batch: Waiting[]): Promise<void> {
    const into = await openPack();
    const start = into.bytes;
    try {
      await into.file.write(
        batch.map((one) => one.extent),
        start,
      );
      crashPoint("pack-written");
      await into.file.sync();
      crashPoint("pack-synced");
    } catch (error) {
      await takeBack(into, start, error);
      throw error;
    }
    for (const { extent, done } of batch) {
      const offset = into.bytes;
      into.bytes += extent.length;
      into.inFlight += 1;
      done({ packId: into.id, offset, writerId: into.writer.id, settle: settleOnce(options, into) });
    }
  }

  /** After a failed fsync nobody knows what is on the disk: only a full disk leaves a pack one can go on with. */
  async function takeBack(from: OpenPack, start: number, error: unknown): Promise<void> {
    try {
      await from.file.truncate(start);
      if ((error as { kind?: unknown } | null)?.kind === "noCapacity") return;
    } catch (cause) {
      log.warn({ error: cause, pack: from.id }, "a pack could not be cut back");
    }
    await retire();
  }

  const appending = createGroupCommit(flush, (batch, error) => {
    for (const { fail } of batch) fail(asRefusal(error));
  });

  return {
    append(extent) {
      if (closed) return Promise.reject(unavailable("The store is stopping"));
      return new Promise((done, fail) => appending.add({ extent, done, fail }));
    },
    async close() {
      closed = true;
      await appending.idle();
      await retire();
    },
  };
}

async function sealIfSettled({ db, writers, log }: PackWriterOptions, old: OpenPack): Promise<void> {
  if (!old.full || old.inFlight > 0 || old.sealed) return;
  old.sealed = true;
  writers.release(old.writer);
  // a lost writer's packs are the collector's: it waits for those who may still commit
  if (old.writer.lost) return;
  await sealPack(db, old.id, old.bytes).catch((error: unknown) =>
    log.warn({ error, pack: old.id }, "a full pack's length was not recorded; it is when its writer ends"),
  );
}

function settleOnce(options: PackWriterOptions, into: OpenPack): () => Promise<void> {
  let settled = false;
  return async () => {
    if (settled) return;
    settled = true;
    into.inFlight -= 1;
    await sealIfSettled(options, into);
  };
}

/** What waits goes together; while it goes, the next is gathered. */
function createGroupCommit<Item>(
  commit: (batch: Item[]) => Promise<void>,
  fail: (batch: Item[], error: unknown) => void,
): { add(item: Item): void; idle(): Promise<void> } {
  let waiting: Item[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH_PIECES);
      waiting = waiting.slice(BATCH_PIECES);
      try {
        await commit(batch);
      } catch (error) {
        fail(batch, error);
      }
    }
    running = null;
  }

  return {
    add(item) {
      waiting.push(item);
      running ??= run();
    },
    idle: () => running ?? Promise.resolve(),
  };
}

/** The same failure befalls many: each gets an error of its own. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof CloudError)) return new Error("a small body was not written", { cause: error });
  return new CloudError(error.kind, error.message, { cause: error });
}
