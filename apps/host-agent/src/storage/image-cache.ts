/**
 * Images on this host: each copied once however many guests ask for it, its sha512 checked on the way, then never
 * written again. A file under its final name is whole and checked.
 *
 * Images come from customers. A qcow2 that names another file (backing, external data) is refused, and looked at only
 * by a qemu-img that sees nothing but that file.
 */
import { createHash } from "node:crypto";
import { chmod, chown, mkdir, open, readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

import type { GuestDisk } from "@andromede/agent-api/types";
import { conflict, invalid, noCapacity, notFound, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import { readIfThere, removePath, syncDirectory, writeDurably } from "../durable.ts";
import { type QemuImg, type User, qemuImgOf } from "./qemu-img.ts";

export type ImageSource = Extract<GuestDisk["source"], { kind: "image" }>;
/** `virtualBytes`: the size that a guest sees. */
export type CachedImage = { sha512: string; format: "qcow2" | "raw"; virtualBytes: number };

export type ImageCache = {
  path(imageId: string): string;
  /** The image, whole and checked, is in the cache afterwards. `sourcePath`: where its bytes are. */
  ensure(source: ImageSource, sourcePath: string | undefined, signal: AbortSignal): Promise<CachedImage>;
  /** Removes one image. The caller knows that no disk needs it. */
  drop(imageId: string): Promise<void>;
  /** Removes images that nobody uses and nobody has used for `idleMs`, and what crashes left half-made. */
  evict(used: ReadonlySet<string>, idleMs: number): Promise<void>;
};

const CHUNK_BYTES = 1024 * 1024;

type CacheOptions = { directory: string; gid: number; qemuImg: QemuImg; log: Logger };

/** The cache in a directory; files are readable by `gid`. */
export function openImageCache(options: CacheOptions): ImageCache {
  return new DirectoryCache(options);
}

/** The cache of a host. There MUST be one for a directory. */
export function imageCacheOf(
  { dataDir, engineRoot, guestUser }: { dataDir: string; engineRoot: string; guestUser: User },
  log: Logger,
): ImageCache {
  const qemuImg = qemuImgOf(engineRoot, guestUser);
  return openImageCache({ directory: join(dataDir, "images"), gid: guestUser.gid, qemuImg, log });
}

class DirectoryCache implements ImageCache {
  readonly #options: CacheOptions;
  readonly #underWay = new Map<string, Promise<CachedImage>>();
  readonly #known = new Map<string, CachedImage>();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  path(imageId: string): string {
    return join(this.#options.directory, imageId);
  }

  async ensure(source: ImageSource, sourcePath: string | undefined, signal: AbortSignal): Promise<CachedImage> {
    const { imageId } = source;
    let flight = this.#underWay.get(imageId);
    if (flight === undefined) {
      flight = this.#find(source, sourcePath).finally(() => this.#underWay.delete(imageId));
      flight.catch(() => undefined);
      this.#underWay.set(imageId, flight);
    }
    const image = await unlessAborted(flight, signal);
    if (image.sha512 !== source.sha512) {
      throw conflict(`Image ${imageId} is not the one that this host has under its id`);
    }
    const now = new Date();
    await utimes(this.path(imageId), now, now);
    return image;
  }

  async drop(imageId: string): Promise<void> {
    if (this.#underWay.has(imageId)) throw conflict(`Image ${imageId} is being copied`);
    this.#known.delete(imageId);
    // The image first: a record without its image is no cached image.
    await removePath(this.path(imageId));
    await removePath(this.#recordPath(imageId));
  }

  async evict(used: ReadonlySet<string>, idleMs: number): Promise<void> {
    const { directory, log } = this.#options;
    const names: string[] = await readdir(directory).catch(() => []);
    for (const name of names) {
      const imageId = name.replace(/\.(json|json\.new|partial)$/, "");
      if (used.has(imageId) || this.#underWay.has(imageId)) continue;
      // One at a time: nobody waits for this.
      // eslint-disable-next-line no-await-in-loop
      const seen = await stat(join(directory, name)).catch(() => null);
      if (seen === null || Date.now() - seen.mtimeMs < idleMs) continue;
      if (name === imageId) {
        log.info({ image: imageId }, "image unused for long removed from the cache");
        // eslint-disable-next-line no-await-in-loop
        await this.drop(imageId);
      } else if (!names.includes(imageId)) {
        // eslint-disable-next-line no-await-in-loop
        await removePath(join(directory, name));
      }
    }
  }

  #recordPath(imageId: string): string {
    return `${this.path(imageId)}.json`;
  }

  async #cached(imageId: string): Promise<CachedImage | undefined> {
    const remembered = this.#known.get(imageId);
    if (remembered !== undefined) return remembered;
    const there = await stat(this.path(imageId)).catch(() => null);
    const record = await readIfThere(this.#recordPath(imageId));
    if (there === null || record === null) return undefined;
    const image = JSON.parse(record) as CachedImage;
    this.#known.set(imageId, image);
    return image;
  }

  async #find(source: ImageSource, sourcePath: string | undefined): Promise<CachedImage> {
    const old = await this.#cached(source.imageId);
    if (old !== undefined) return old;
    if (sourcePath === undefined) throw notFound(`Image ${source.imageId} cannot be read by the host`);
    await mkdir(this.#options.directory, { recursive: true, mode: 0o750 });
    const partial = `${this.path(source.imageId)}.partial`;
    try {
      return await this.#bring(source, sourcePath, partial);
    } catch (error) {
      await removePath(partial);
      throw error;
    }
  }

  async #bring(source: ImageSource, sourcePath: string, partial: string): Promise<CachedImage> {
    const { directory, gid, qemuImg, log } = this.#options;
    const { imageId, sha512, format, sizeBytes } = source;
    const started = performance.now();
    await copyChecked(source, sourcePath, partial);
    await chown(partial, 0, gid);
    await chmod(partial, 0o440);
    const image = { sha512, format, virtualBytes: await inspect(qemuImg, source, partial) };
    await writeDurably(this.#recordPath(imageId), JSON.stringify(image));
    await rename(partial, this.path(imageId));
    await syncDirectory(directory);
    this.#known.set(imageId, image);
    log.info({ image: imageId, bytes: sizeBytes, ms: Math.round(performance.now() - started) }, "image cached");
    return image;
  }
}

/** The copy goes on for others who wait for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(unavailable("given up"));
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(unavailable("given up"));
    signal.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

async function copyChecked(
  { imageId, sha512, sizeBytes }: ImageSource,
  sourcePath: string,
  targetPath: string,
): Promise<void> {
  const hash = createHash("sha512");
  let copied = 0;
  const source = await open(sourcePath, "r").catch((cause: unknown) => {
    throw notFound(`Image ${imageId} cannot be read by the host`, { cause });
  });
  try {
    const target = await open(targetPath, "w", 0o600);
    try {
      let [buffer, spare] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
      let written: Promise<unknown> = Promise.resolve();
      for (;;) {
        // Reading and hashing a piece goes on while the one before is written.
        // eslint-disable-next-line no-await-in-loop
        const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null);
        // eslint-disable-next-line no-await-in-loop
        await written;
        if (bytesRead === 0) break;
        written = target.writev([buffer.subarray(0, bytesRead)]);
        written.catch(() => undefined);
        hash.update(buffer.subarray(0, bytesRead));
        copied += bytesRead;
        [buffer, spare] = [spare, buffer];
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") {
      throw noCapacity(`The host has no space left for image ${imageId}`, { cause: error });
    }
    throw error;
  } finally {
    await source.close();
  }
  if (copied !== sizeBytes) throw invalid(`Image ${imageId} is damaged: it has ${copied} bytes, not ${sizeBytes}`);
  if (hash.digest("hex") !== sha512) throw invalid(`Image ${imageId} is damaged: its checksum is not the one recorded`);
}

async function inspect(qemuImg: QemuImg, { imageId, format }: ImageSource, path: string): Promise<number> {
  if (format === "raw") return (await stat(path)).size;
  const info = await qemuImg.info(path).catch((cause: unknown) => {
    throw invalid(`Image ${imageId} is not a readable qcow2 image`, { cause });
  });
  if (info.format !== "qcow2") throw invalid(`Image ${imageId} is not a qcow2 image`);
  if (info.refersToOthers) throw invalid(`Image ${imageId} refers to another file`);
  return info.virtualBytes;
}
