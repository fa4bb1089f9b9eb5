/**
 * Sealed bytes in files: `packs/<id>` and `chunks/<writer>/<first byte of the address>/<address>`. What is not finished
 * lies in `chunks/<writer>/new/`. A file has its name only when its bytes, and a name counts only when its directory, is on
 * the disk.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, renameSync } from "node:fs";
import * as fs from "node:fs";
import { mkdir, open, readdir, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { internal, noCapacity, notFound, unavailable } from "@andromede/base/errors";

import { type ChunkFile, type Stages, createChunkFile, createStages } from "./chunk-file.ts";
import { crashPoint } from "./crash-point.ts";
import { ROT } from "./seal.ts";
import type { Driver, PackFile, PackFiles, Sink, Source } from "./driver.ts";

const fsync = promisify(fs.fsync);
const fdatasync = promisify(fs.fdatasync);
const ftruncate = promisify(fs.ftruncate);
const closeFile = promisify(fs.close);
const UNFINISHED = "new";

export function openFileDriver(directory: string): Driver {
  const chunks = join(directory, "chunks");
  const ofWriter = (writerId: number): string => join(chunks, String(writerId));
  const ofChunk = (writerId: number, address: string): string => join(ofWriter(writerId), address.slice(0, 2), address);
  /** Directories of which we know that they are on the disk. */
  const durable = new Set<string>();
  const token = randomBytes(8).toString("hex");
  const stages = createStages();
  let begun = 0;

  /** Others may have made it a moment ago: it counts as durable only when we synced its parent ourselves. */
  async function ensureDirectory(path: string, parent: string): Promise<void> {
    if (durable.has(path)) return;
    await named(mkdir(path, { recursive: true, mode: 0o700 }));
    await named(syncDirectory(parent));
    durable.add(path);
  }

  return {
    token,
    packs: openPackFiles(join(directory, "packs"), directory),
    async prepareWriter(writerId) {
      await ensureDirectory(chunks, directory);
      await ensureDirectory(ofWriter(writerId), chunks);
      await ensureDirectory(join(ofWriter(writerId), UNFINISHED), ofWriter(writerId));
    },
    async beginChunk(writerId) {
      const temporary = join(ofWriter(writerId), UNFINISHED, `${token}-${(begun += 1)}`);
      return createSink(temporary, stages, async (address) => {
        const target = ofChunk(writerId, address);
        const folder = join(ofWriter(writerId), address.slice(0, 2));
        await ensureDirectory(folder, ofWriter(writerId));
        return { target, folder };
      });
    },
    openChunk: (writerId, address) => openSource(ofChunk(writerId, address)),
    async removeChunk(writerId, address) {
      await removeFile(ofChunk(writerId, address));
    },
    async removeUnfinished(writerId, other) {
      const folder = join(ofWriter(writerId), UNFINISHED);
      const theirs = (await entries(folder)).filter((name) => name.startsWith(`${other}-`));
      await Promise.all(theirs.map((name) => removeFile(join(folder, name))));
    },
    async *listChunks(writerId) {
      for (const folder of await entries(ofWriter(writerId))) {
        if (folder !== UNFINISHED) yield await entries(join(ofWriter(writerId), folder));
      }
    },
    lateSeconds: 0,
    async closeWriter(writerId) {
      // somebody may begin one more just now; without the directory, nobody does
      await rm(join(ofWriter(writerId), UNFINISHED), { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
    },
    async removeWriter(writerId) {
      const home = ofWriter(writerId);
      for (const folder of await entries(home)) await removeEmpty(join(home, folder));
      await removeEmpty(home);
    },
  };
}

async function createSink(
  temporary: string,
  stages: Stages,
  place: (address: string) => Promise<{ target: string; folder: string }>,
): Promise<Sink> {
  let file: ChunkFile | null = ours(() => createChunkFile(temporary, stages));
  let name = temporary;
  const close = async (): Promise<void> => {
    const open = file;
    file = null;
    await open?.close();
  };
  return {
    async room(bytes) {
      if (file === null) throw internal("a chunk is written to after its end");
      return file.room(bytes);
    },
    async write() {
      if (file === null) throw internal("a chunk is written to after its end");
      await named(file.write());
    },
    async finish(address) {
      if (file === null) throw internal("a chunk ends twice");
      crashPoint("chunk-written");
      await named(file.sync());
      await close();
      crashPoint("chunk-synced");
      const { target, folder } = await place(address);
      ours(() => renameSync(temporary, target));
      name = target;
      crashPoint("chunk-renamed");
      await named(syncDirectory(folder));
    },
    async abandon() {
      await close().catch(() => undefined);
      await removeFile(name).catch(() => undefined); // what cannot be removed now, the collector removes
    },
  };
}

function openPackFiles(home: string, parent: string): PackFiles {
  const pathOf = (packId: number): string => join(home, String(packId));
  return {
    async create(packId) {
      const isNew = ours(() => mkdirSync(home, { recursive: true, mode: 0o700 })) !== undefined;
      if (isNew) await named(syncDirectory(parent));
      const file = ours(() => openSync(pathOf(packId), "wx", 0o600));
      try {
        await named(fsync(file));
        await named(syncDirectory(home));
      } catch (error) {
        closeSync(file);
        throw error;
      }
      return createPackFile(file);
    },
    open: (packId) => openSource(pathOf(packId)),
    async remove(packId) {
      await removeFile(pathOf(packId));
    },
  };
}

const writeMany = promisify(
  (file: number, pieces: Buffer[], position: number, done: (error: Error | null, written: number) => void) =>
    fs.writev(file, pieces, position, (error, written) => done(error, written)),
);

function createPackFile(file: number): PackFile {
  return {
    async write(pieces, position) {
      let left = pieces;
      let at = position;
      while (left.length > 0) {
        // one write after the other: this one was cut short
        const written = await named(writeMany(file, left, at));
        left = without(left, written);
        at += written;
      }
    },
    sync: () => named(fdatasync(file)),
    truncate: (bytes) => named(ftruncate(file, bytes)),
    close: () => closeFile(file),
  };
}

async function openSource(path: string): Promise<Source> {
  const handle = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    throw isCode(error, "ENOENT") ? notFound("These bytes are not there", { cause: error }) : error;
  });
  try {
    const { size } = await handle.stat();
    return {
      bytes: size,
      async read(into, position) {
        let filled = 0;
        while (filled < into.length) {
          const { bytesRead } = await handle
            .read(into, filled, into.length - filled, position + filled)
            .catch((cause: unknown) => {
              throw isCode(cause, "EIO") ? internal("the disk cannot read it", { type: ROT, cause }) : cause;
            });
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return filled;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The pieces without their first `bytes`. */
function without(pieces: Buffer[], bytes: number): Buffer[] {
  let skip = bytes;
  const left: Buffer[] = [];
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length;
    else {
      left.push(skip === 0 ? piece : piece.subarray(skip));
      skip = 0;
    }
  }
  return left;
}

async function syncDirectory(path: string): Promise<void> {
  // opening and closing take less than the way to another thread
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await fsync(directory);
  } finally {
    closeSync(directory);
  }
}

async function entries(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw error;
  }
}

async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isCode(error, "ENOENT")) throw error;
  });
}

async function removeEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].some((code) => isCode(error, code))) throw error;
  });
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;

const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];
/** A full disk is the customer's to know; and who writes under a number that was ended finds its place gone. */
function asOurs(error: unknown): unknown {
  if (FULL.some((code) => isCode(error, code))) return noCapacity("There is no room left", { cause: error });
  if (isCode(error, "ENOENT")) return unavailable("The store lost its place; try again", { cause: error });
  return error;
}

function ours<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asOurs(error);
  }
}

async function named<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asOurs(error);
  }
}
