/** A byte store on a directory and a database of its own. Test files only. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { silentLogger } from "@andromede/base/log";
import { type Database, type DatabaseConfig, openDatabase } from "@andromede/platform/db/database";

import { newDatabase } from "../../testing/test-database.ts";
import type { ByteStore, DigestName, Placement, Written } from "../byte-store.ts";
import { type ByteStoreOptions, createByteStore } from "../open-byte-store.ts";

export type TestBytes = {
  bytes: ByteStore;
  db: Database;
  database: DatabaseConfig;
  directory: string;
  key: Buffer;
  /** Another store on the same directory and database. */
  another(options?: Partial<ByteStoreOptions>): Promise<ByteStore>;
  write(body: Buffer, options?: { mayPack?: boolean; size?: number | null; digests?: DigestName[] }): Promise<Written>;
  read(placement: Placement, start: number, end: number): Promise<Buffer>;
  /** All files below the directory, relative. */
  files(): string[];
  stop(): Promise<void>;
};

export async function createTestBytes(
  options: Partial<ByteStoreOptions> & { directory?: string } = {},
): Promise<TestBytes> {
  const database = await newDatabase();
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "andromede-bytes-"));
  const db = openDatabase(database.config, { max: 8 });
  const opened: ByteStore[] = [];
  const another = async (more: Partial<ByteStoreOptions> = {}): Promise<ByteStore> => {
    const made = await createByteStore({
      bytes: { driver: "fs", directory },
      db,
      database: database.config,
      log: silentLogger,
      ...options,
      ...more,
    });
    opened.push(made);
    return made;
  };
  const bytes = await another();
  const key = randomBytes(32);
  return {
    bytes,
    db,
    database: database.config,
    directory,
    key,
    another,
    write: (body, { mayPack = true, size = body.length, digests = [] } = {}) =>
      bytes.write(streamOf(body), { key, digests, size, maxBytes: 2 ** 40, mayPack }),
    read: (placement, start, end) => buffer(bytes.read(placement, { key, start, end })),
    files: () =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
        .sort(),
    async stop() {
      await Promise.all(opened.map((one) => one.close()));
      await db.end({ timeout: 1 });
      await database.drop();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A body in pieces of uneven sizes, as a socket gives them. */
export function streamOf(body: Buffer): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7 + 13) % 65_536 || 1) {
    pieces.push(body.subarray(at, at + size));
  }
  return Readable.from(pieces, { objectMode: false });
}

export const md5 = (body: Buffer): string => createHash("md5").update(body).digest("hex");
