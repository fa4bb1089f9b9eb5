/**
 * Who writes: a number of ours in the database, with a lock that is gone when we are (docs/rfd/0011-object-store.md,
 * "Collecting"). When the connection that holds the lock ends, the number is given up at once: the collector may end it
 * any moment, and then nothing commits under it.
 */
import { unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { type Database, type DatabaseConfig, openConnection } from "@andromede/platform/db/database";

import { endOwnWriter, insertWriter } from "./bytes.queries.ts";
import type { Driver } from "./driver.ts";

/** A number under which something is being written. */
export type Writer = {
  readonly id: number;
  /** Its lock is gone: what is begun under it may fail to commit. */
  readonly lost: boolean;
};

export type WriterSource = {
  /** The newest number, lost or not. */
  readonly id: number;
  /** Begins something; `release` ends it. Throws `unavailable` where there is no database to take a new number from. */
  acquire(): Promise<Writer>;
  release(writer: Writer): void;
  /** A chunk more under this number. */
  count(writer: Writer): void;
  close(): Promise<void>;
};

/** So that what the collector has to look through when we die is never much. */
const CHUNKS_PER_WRITER = 100_000;

type Held = {
  id: number;
  lost: boolean;
  sql: Database;
  chunks: number;
  inFlight: number;
  retired: boolean;
};

type WriterOptions = { database: DatabaseConfig; driver: Driver; log: Logger; chunksPerWriter?: number };

export async function openWriterSource(options: WriterOptions): Promise<WriterSource> {
  const { log } = options;
  const limit = options.chunksPerWriter ?? CHUNKS_PER_WRITER;
  let closed = false;
  let renewing: Promise<Held> | null = null;
  const all = new Set<Held>();
  const begin = async (): Promise<Held> => {
    const held = await takeNumber(options, lose);
    all.add(held);
    if (held.lost) lose(held);
    return held;
  };
  let current = await begin();

  function lose(held: Held): void {
    if (!all.delete(held)) return;
    held.lost = true;
    if (!closed) log.warn({ writer: held.id }, "the writer's connection ended; the next write takes a new number");
    // postgres.js would connect again, without the lock
    void held.sql.end({ timeout: 0 });
  }

  async function renew(): Promise<Held> {
    renewing ??= begin().finally(() => (renewing = null));
    return renewing;
  }

  async function replace(): Promise<void> {
    const previous = current;
    try {
      const next = await renew();
      if (current === previous) current = next;
    } catch (cause) {
      // one that is only full does well for the moment
      if (previous.lost) throw unavailable("The store cannot write just now; try again in a moment", { cause });
      log.warn({ error: cause }, "no new writer's number was to be had");
      return;
    }
    if (previous.lost) return;
    previous.retired = true;
    retireIfIdle(previous);
  }

  /** Its number is full and nothing is under way any more: the collector need not find that out. */
  function retireIfIdle(held: Held): void {
    if (!held.retired || held.inFlight > 0 || !all.delete(held)) return;
    endOwnWriter(held.sql, held.id)
      .catch((error: unknown) =>
        log.warn({ error, writer: held.id }, "a full writer was not ended; the collector will"),
      )
      .then(() => held.sql.end({ timeout: 5 }))
      .catch(() => undefined);
  }

  return {
    get id() {
      return current.id;
    },
    async acquire() {
      if (closed) throw unavailable("The store is stopping");
      if (current.lost || current.chunks >= limit) await replace();
      if (current.lost) throw unavailable("The store cannot write just now; try again in a moment");
      current.inFlight += 1;
      return current;
    },
    release(writer) {
      const held = writer as Held;
      held.inFlight -= 1;
      retireIfIdle(held);
    },
    count(writer) {
      (writer as Held).chunks += 1;
    },
    async close() {
      closed = true;
      await Promise.all([...all].map((held) => held.sql.end({ timeout: 5 })));
      all.clear();
    },
  };
}

/** `onLost` is called when the lock of a number that was given is gone. */
async function takeNumber({ database, driver }: WriterOptions, onLost: (held: Held) => void): Promise<Held> {
  let held: Held | null = null;
  let lost = false;
  const sql = openConnection(database, {
    applicationName: "object-store writer",
    onClose: () => {
      lost = true;
      if (held !== null) onLost(held);
    },
  });
  try {
    const id = await insertWriter(sql);
    await driver.prepareWriter(id);
    held = { id, lost, sql, chunks: 0, inFlight: 0, retired: false };
    return held;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}
