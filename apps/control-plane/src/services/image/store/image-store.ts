/**
 * Where image bytes are: `<imageStoreDir>/<image id>.<upload id>`, complete and synced to disk, and
 * `<imageStoreDir>/incoming/` with the same names for uploads under way. A file belongs to the row that names its
 * upload, or to nobody. A row names its upload before the file is made, and never names another while it keeps the
 * first: so whatever a crash leaves behind is found by comparing names.
 */
import { constants } from "node:fs";
import { mkdir, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";

import { tooLarge } from "@andromede/base/errors";

import type { Config } from "../../../config.ts";

type Store = Pick<Config, "imageStoreDir">;

const fileName = (imageId: string, uploadId: string): string => `${imageId}.${uploadId}`;

/** The file of an upload that is complete. */
export const imagePath = (config: Store, imageId: string, uploadId: string): string =>
  join(config.imageStoreDir, fileName(imageId, uploadId));

/** The file of an upload under way. */
export const incomingPath = (config: Store, imageId: string, uploadId: string): string =>
  join(config.imageStoreDir, "incoming", fileName(imageId, uploadId));

/** Makes the directories. The store's own lets nobody but us in; files below it need no secrecy of their own. */
export async function ensureStore(config: Store): Promise<void> {
  await mkdir(join(config.imageStoreDir, "incoming"), { recursive: true, mode: 0o700 });
}

/** Throws what Glance says of a full disk when `bytes` more do not fit. */
export async function ensureRoom(config: Store, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(config.imageStoreDir);
  if (bytes > bavail * bsize) throw storageFull();
}

export const storageFull = (cause?: unknown) =>
  tooLarge("Image storage media is full: there is not enough disk space on the image storage media.", { cause });

/** Makes a received file the image's: after this returns, a power cut does not lose it. */
export async function publishFile(config: Store, imageId: string, uploadId: string): Promise<void> {
  await rename(incomingPath(config, imageId, uploadId), imagePath(config, imageId, uploadId));
  const directory = await open(config.imageStoreDir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Removes whatever an upload left, half-made or whole. Idempotent. */
export async function removeFiles(config: Store, imageId: string, uploadId: string): Promise<void> {
  await Promise.all([
    rm(incomingPath(config, imageId, uploadId), { force: true }),
    rm(imagePath(config, imageId, uploadId), { force: true }),
  ]);
}

/** Every upload that has a file here. */
export async function listUploads(config: Store): Promise<{ imageId: string; uploadId: string }[]> {
  const [whole, incoming] = await Promise.all([
    readdir(config.imageStoreDir),
    readdir(join(config.imageStoreDir, "incoming")),
  ]);
  return [...new Set([...whole, ...incoming])].flatMap((name) => {
    const match = /^([0-9a-f-]{36})\.([0-9a-f]{16})$/.exec(name);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ imageId: match[1], uploadId: match[2] }];
  });
}
