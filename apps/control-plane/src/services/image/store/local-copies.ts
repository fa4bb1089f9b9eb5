/**
 * Copies of image bytes on this machine, for those who need a file. What is in the directory under its own name is whole.
 * A copy's time is that of its last use: where there are too many, or too little room, those go first that nobody has used
 * for the longest, but none that was handed to somebody within the hour, who may not have opened it yet.
 */
import { randomBytes } from "node:crypto";
import { open, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

import { internal, noCapacity, notFound } from "@andromede/base/errors";
import type { S3Client } from "@andromede/s3-client/client";
import { findObjectBytes, openObject } from "@andromede/s3-client/object";

import { readBytesName } from "./bytes-name.ts";
import { freeBytes, namesIn, renameDurably } from "./directory.ts";

const HANDED_MS = 60 * 60_000;
const PARTIAL = /\.partial$/;

export type LocalCopies = {
  path(name: string): string;
  /** The copy, which counts as handed out now; null: there is none. */
  find(name: string): Promise<string | null>;
  /** Makes a whole file a copy. */
  take(name: string, from: string): Promise<void>;
  /** Brings a copy of an object here; who asks at the same time shares the work. Throws `notFound` and `noCapacity`. */
  bring(name: string, key: string): Promise<string>;
  /** Removes copies until so much is free, as far as that goes; says whether it is. */
  makeRoom(bytes: number): Promise<boolean>;
  /** Removes what is too much, and what was never finished. */
  tidy(): Promise<void>;
  names(): Promise<string[]>;
};

export function openLocalCopies(options: { directory: string; maxBytes: number; client: S3Client }): LocalCopies {
  const { directory, maxBytes, client } = options;
  const bringing = new Map<string, Promise<string>>();
  const path = (name: string): string => join(directory, name);

  async function bringNow(name: string, key: string): Promise<string> {
    const bytes = await findObjectBytes(client, key);
    if (bytes === null) throw notFound(`The data of image ${readBytesName(name)?.imageId ?? name} is gone`);
    if (!(await makeRoom(bytes))) throw noCapacity(`There is no room here for the data of image ${name}`);
    // each attempt writes a file of its own: another process may be at it too
    const partial = path(`${name}.${randomBytes(8).toString("hex")}.partial`);
    try {
      await writeCopy(client, partial, { key, bytes });
      await renameDurably(partial, path(name));
    } finally {
      await rm(partial, { force: true });
    }
    return path(name);
  }

  /** Removes idle copies, oldest first, as long as there are too many. */
  async function removeIdle(isTooMuch: (keptBytes: number) => boolean | Promise<boolean>): Promise<void> {
    const copies = await listCopies(directory);
    let kept = copies.reduce((sum, { bytes }) => sum + bytes, 0);
    const before = Date.now() - HANDED_MS;
    for (const { name, bytes, usedMs } of copies) {
      // one at a time: each makes the next less likely to be needed
      // eslint-disable-next-line no-await-in-loop
      if (usedMs > before || !(await isTooMuch(kept))) break;
      if (PARTIAL.test(name)) continue;
      // eslint-disable-next-line no-await-in-loop
      await rm(path(name), { force: true });
      kept -= bytes;
    }
  }

  async function makeRoom(bytes: number): Promise<boolean> {
    if ((await freeBytes(directory)) >= bytes) return true;
    await removeIdle(async () => (await freeBytes(directory)) < bytes);
    return (await freeBytes(directory)) >= bytes;
  }

  return {
    path,
    async find(name) {
      try {
        const now = new Date();
        await utimes(path(name), now, now);
        return path(name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async take(name, from) {
      const idleSince = new Date(Date.now() - HANDED_MS - 1_000);
      await utimes(from, new Date(), idleSince);
      await renameDurably(from, path(name));
    },
    bring(name, key) {
      const found = bringing.get(name);
      if (found !== undefined) return found;
      const made = bringNow(name, key).finally(() => bringing.delete(name));
      // who asked may have stopped waiting
      made.catch(() => undefined);
      bringing.set(name, made);
      return made;
    },
    makeRoom,
    async tidy() {
      const before = Date.now() - HANDED_MS;
      const unfinished = (await listCopies(directory)).filter(
        ({ name, usedMs }) => PARTIAL.test(name) && usedMs < before,
      );
      await Promise.all(unfinished.map(({ name }) => rm(path(name), { force: true })));
      await removeIdle((kept) => kept > maxBytes);
    },
    names: () => namesIn(directory),
  };
}

async function writeCopy(
  client: S3Client,
  partial: string,
  { key, bytes }: { key: string; bytes: number },
): Promise<void> {
  const file = await open(partial, "wx", 0o644);
  try {
    await file.writeFile(await openObject(client, key, { first: 0, length: bytes }));
    await file.sync();
    const { size } = await file.stat();
    if (size !== bytes) throw internal(`${key}: ${size} of ${bytes} bytes came`);
  } finally {
    await file.close();
  }
}

/** Least recently used first. */
async function listCopies(directory: string): Promise<{ name: string; bytes: number; usedMs: number }[]> {
  const found = await Promise.all(
    (await namesIn(directory)).map(async (name) => {
      const status = await stat(join(directory, name)).catch(() => null);
      return status === null ? [] : [{ name, bytes: status.size, usedMs: status.mtimeMs }];
    }),
  );
  return found.flat().toSorted((a, b) => a.usedMs - b.usedMs);
}
