/** The byte store of a process: opened once, closed when it ends. */
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";

import { CloudError, internal } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import type { Database, DatabaseConfig } from "@andromede/platform/db/database";

import type { ByteStore, Chunk, Placement, SealingKey, WriteOptions, Written } from "./byte-store.ts";
import { PACKED_BYTES } from "./byte-store.ts";
import { insertChunkDamage, insertPackDamage } from "./bytes.queries.ts";
import { digestsOf } from "./digests.ts";
import type { Driver, DriverConfig } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { openDriver } from "./open-driver.ts";
import { type PackReader, openPackReader } from "./pack-reader.ts";
import { type PackWriter, openPackWriter } from "./packs.ts";
import { isDamage, rangesOf, readInPlace } from "./read-body.ts";
import { BLOCK_BYTES, openSmall, sealSmall, sealedBytes } from "./seal.ts";
import { createSealedBody } from "./sealed-body.ts";
import { type SlabPool, createSlabPool } from "./slabs.ts";
import { openThreads } from "./threads.ts";
import { type BodyEnd, type ChunkedBody, readSmallBody, writeBody } from "./write-body.ts";
import { type Writer, type WriterSource, openWriterSource } from "./writer.ts";

/** Of all worker processes together about as many as there are processors. */
const THREADS = Math.min(8, Math.max(1, availableParallelism() >> 1));
/** Ranges of up to this length are unsealed at once: the way to a thread and back takes as long. */
const READ_IN_PLACE = 2 * BLOCK_BYTES;
/** Slabs in use by all bodies together, of 256 KiB. */
const SLABS = 48;

export type ByteStoreOptions = {
  bytes: DriverConfig;
  /** The pool, for rows. */
  db: Database;
  /** Where the pool leads: the writer's lock needs a connection of its own. */
  database: DatabaseConfig;
  log: Logger;
  /** Worker threads for long bodies; one for two processors unless said. They are started when the first one comes. */
  threads?: number;
  /** Sizes at which packs and writers are changed for new ones; for tests. */
  limits?: { packBytes?: number; chunksPerWriter?: number };
};

type Parts = {
  db: Database;
  log: Logger;
  driver: Driver;
  writers: WriterSource;
  packs: { reader: PackReader; writer: PackWriter } | null;
  engine: Engine;
  slabs: SlabPool;
};

export async function createByteStore(options: ByteStoreOptions): Promise<ByteStore> {
  const { db, log, database, limits = {} } = options;
  const driver = openDriver(options.bytes);
  const { chunksPerWriter, packBytes } = limits;
  const writers = await openWriterSource({
    database,
    driver,
    log,
    ...(chunksPerWriter === undefined ? {} : { chunksPerWriter }),
  });
  const files = driver.packs;
  const packOptions = { db, writers, log, ...(packBytes === undefined ? {} : { packBytes }) };
  const packs =
    files === null ? null : { reader: openPackReader(files), writer: openPackWriter({ ...packOptions, files }) };
  const engine = openThreads({ config: options.bytes, driver, log, count: options.threads ?? THREADS });
  const parts: Parts = { db, log, driver, writers, packs, engine, slabs: createSlabPool(SLABS) };
  return {
    get writerId() {
      return writers.id;
    },
    ...createWriting(parts),
    ...createReading(parts),
    async close() {
      await packs?.writer.close();
      await engine.close();
      await packs?.reader.close();
      await writers.close();
    },
  };
}

function createWriting({ log, driver, writers, packs, engine, slabs }: Parts): Pick<ByteStore, "write" | "writeSmall"> {
  async function remove(chunks: readonly Chunk[]): Promise<void> {
    for (const { writerId, address } of chunks) {
      await driver.removeChunk(writerId, address).catch((error: unknown) => {
        log.warn({ error, writerId, address }, "a chunk that nobody needs was not removed");
      });
    }
  }

  function chunked(writer: Writer, { size, digests, chunks }: ChunkedBody): Written {
    for (let left = chunks.length; left > 0; left -= 1) writers.count(writer);
    let settled = false;
    return {
      size,
      digests,
      writerId: writer.id,
      placement: { kind: "chunked", chunks },
      async settle(committed) {
        if (settled) return;
        settled = true;
        if (!committed) await remove(chunks);
        writers.release(writer);
      },
    };
  }

  /** Where there are no packs: a chunk of its own, sealed here. */
  async function writeLoneChunk(body: Buffer, { key, digests }: WriteOptions): Promise<Written> {
    const writer = await writers.acquire();
    const chunks: Chunk[] = [];
    const onChunk = (chunk: Chunk): void => void chunks.push(chunk);
    const sealed = createSealedBody(driver, { writerId: writer.id, key, digests, onChunk });
    try {
      await sealed.add(body, true);
      return chunked(writer, { size: body.length, digests: sealed.digests(), chunks });
    } catch (error) {
      await sealed.abandon();
      writers.release(writer);
      throw error;
    }
  }

  async function writeSmall(body: Buffer, options: WriteOptions): Promise<Written> {
    if (body.length === 0) return empty(writers.id, digestsOf(options.digests, body));
    if (packs === null) return writeLoneChunk(body, options);
    const digests = digestsOf(options.digests, body);
    const { packId, offset, writerId, settle } = await packs.writer.append(sealSmall(options.key, body));
    const placement = { kind: "packed" as const, packId, offset, bytes: body.length };
    return { size: body.length, digests, writerId, placement, settle };
  }

  async function writeStream(body: Readable, options: WriteOptions): Promise<Written> {
    const acquired: { writer: Writer | null } = { writer: null };
    let end: BodyEnd;
    try {
      end = await writeBody({ engine, slabs, remove }, body, options, async () => {
        const writer = await writers.acquire();
        acquired.writer = writer;
        return { writerId: writer.id };
      });
    } catch (error) {
      if (acquired.writer !== null) writers.release(acquired.writer);
      throw error;
    }
    if (end.kind === "small") return writeSmall(end.body, options);
    if (acquired.writer === null) throw internal("chunks without a writer");
    return chunked(acquired.writer, end);
  }

  return {
    writeSmall,
    async write(body, options) {
      const { size, mayPack } = options;
      if (size === null || size > PACKED_BYTES || !(mayPack || size === 0)) return writeStream(body, options);
      return writeSmall(await readSmallBody(body, options), options);
    },
  };
}

function createReading({ db, log, driver, packs, engine }: Parts): Pick<ByteStore, "read" | "readSmall"> {
  function explain(place: Chunk | number, error: unknown): Error {
    // an accident of the moment is said as it is
    if (error instanceof CloudError && error.kind === "unavailable") return error;
    const named = typeof place === "number" ? { pack: place } : { writer: place.writerId, address: place.address };
    log.error({ error, ...named }, "a body cannot be read");
    if (isDamage(error)) {
      const { message } = error;
      const recorded =
        typeof place === "number" ? insertPackDamage(db, place, message) : insertChunkDamage(db, place, message);
      recorded.catch((cause: unknown) => log.error({ error: cause, ...named }, "damage was not recorded"));
    }
    return internal("The data of this object cannot be read", { cause: error });
  }

  async function readSmall(placement: Placement & { kind: "packed" }, key: SealingKey): Promise<Buffer> {
    if (packs === null) throw internal("this driver has no packs");
    try {
      const extent = await packs.reader.read(placement.packId, placement.offset, sealedBytes(placement.bytes));
      return openSmall(key, extent);
    } catch (error) {
      throw explain(placement.packId, error);
    }
  }

  return {
    readSmall,
    read(placement, { key, start, end }) {
      if (placement.kind === "empty" || start >= end) return Readable.from([], { objectMode: false });
      if (placement.kind === "packed") {
        return streamOf(async () => (await readSmall(placement, key)).subarray(start, end));
      }
      const ranges = rangesOf(placement.chunks, start, end);
      if (end - start > READ_IN_PLACE) return engine.read(ranges, key, explain);
      return readInPlace(driver, ranges, key, explain);
    },
  };
}

const empty = (writerId: number, digests: Written["digests"]): Written => ({
  size: 0,
  digests,
  writerId,
  placement: { kind: "empty" },
  settle: () => Promise.resolve(),
});

function streamOf(read: () => Promise<Buffer>): Readable {
  return new Readable({
    read() {
      read().then(
        (bytes) => {
          this.push(bytes);
          this.push(null);
        },
        (error: Error) => this.destroy(error),
      );
    },
  });
}
