/**
 * The files of a pool, a directory that several hosts may share. Nobody but root gets into it.
 *
 *   <volume>.qcow2           whole, from the moment it has this name
 *   <volume>.json            what is known of it: written after the fact, may be missing or behind
 *   <volume>.<host>.partial  being made by that host
 *   <volume>.intent          it is being changed, or somebody died over it: to be looked at before it is changed again
 *   .reading/                one file for each snapshot that something is being made from, kept fresh by whoever does
 *
 * The images may be read and written by all: who gets to see one at all is decided by the jails that have it.
 */
import { randomUUID } from "node:crypto";
import {
  type FileHandle,
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  stat,
  statfs,
  unlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";

import type { VolumePool } from "@andromede/agent-api/types";
import { isObject } from "@andromede/base/json";

import { readIfThere, removePath, syncDirectory, writeDurably } from "../durable.ts";
import type { VolumeState } from "./driver.ts";

/** A reader that has said nothing for so long is dead. */
const READING_STALE_MS = 5 * 60_000;
const READING_FRESH_MS = 30_000;
const GIB = 2 ** 30;

export type Pool = {
  name: string;
  directory: string;
  /** Of this host's, among all that share the pool. */
  host: string;
};

export class PoolFiles {
  readonly #pool: Pool;
  readonly #reading = new Set<string>();
  #space = { totalGib: 0, freeGib: 0 };

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  image(volumeId: string): string {
    return this.#at(`${volumeId}.qcow2`);
  }

  partial(volumeId: string): string {
    return this.#at(`${volumeId}.${this.#pool.host}.partial`);
  }

  facts(): VolumePool {
    return { name: this.#pool.name, driver: "qcow2", ...this.#space };
  }

  /** Makes the directories; removes what an earlier agent of this host was at. */
  async open(): Promise<void> {
    const { directory, host } = this.#pool;
    await mkdir(this.#at(".reading"), { recursive: true, mode: 0o700 });
    // Whoever made it.
    await chmod(directory, 0o700);
    const halves = (await readdir(directory)).filter((name) => name.endsWith(`.${host}.partial`));
    const reading = (await readdir(this.#at(".reading"))).filter((name) => name.split(",")[2] === host);
    await Promise.all([
      ...halves.map((name) => removePath(this.#at(name))),
      ...reading.map((name) => removePath(this.#at(".reading", name))),
    ]);
    await this.measure();
  }

  async measure(): Promise<void> {
    const { blocks, bavail, bsize } = await statfs(this.#pool.directory);
    this.#space = { totalGib: Math.floor((blocks * bsize) / GIB), freeGib: Math.floor((bavail * bsize) / GIB) };
  }

  async exists(volumeId: string): Promise<boolean> {
    return (await lstat(this.image(volumeId)).catch(() => null)) !== null;
  }

  async hasRemains(volumeId: string): Promise<boolean> {
    return (await this.exists(volumeId)) || (await this.readRecord(volumeId)) !== null;
  }

  /** An empty file under the partial name, ready for qemu-img. */
  async begin(volumeId: string): Promise<string> {
    const partial = this.partial(volumeId);
    await removePath(partial);
    await createOpen(partial);
    return partial;
  }

  /** Gives the partial file its name, unless another host was first. */
  async complete(volumeId: string): Promise<void> {
    const partial = this.partial(volumeId);
    await syncPath(partial);
    await link(partial, this.image(volumeId)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
    await syncDirectory(this.#pool.directory);
    await removePath(partial);
  }

  async dropPartial(volumeId: string): Promise<void> {
    await removePath(this.partial(volumeId));
  }

  async readRecord(volumeId: string): Promise<VolumeState | null> {
    return parseState(await readIfThere(this.#at(`${volumeId}.json`)));
  }

  async writeRecord(volumeId: string, state: VolumeState): Promise<void> {
    await writeDurably(this.#at(`${volumeId}.json`), JSON.stringify(state));
  }

  async hasIntent(volumeId: string): Promise<boolean> {
    return (await readIfThere(this.#at(`${volumeId}.intent`))) !== null;
  }

  async writeIntent(volumeId: string, doing: string): Promise<void> {
    await writeDurably(this.#at(`${volumeId}.intent`), JSON.stringify({ doing, host: this.#pool.host }));
  }

  async dropIntent(volumeId: string): Promise<void> {
    await removePath(this.#at(`${volumeId}.intent`));
  }

  /** Everything of the volume; the image first, since the rest means nothing without it. */
  async remove(volumeId: string, removed: () => void): Promise<void> {
    await removePath(this.image(volumeId));
    await syncDirectory(this.#pool.directory);
    removed();
    const names = (await readdir(this.#pool.directory)).filter((name) => name.startsWith(`${volumeId}.`));
    await Promise.all(names.map((name) => removePath(this.#at(name))));
    await syncDirectory(this.#pool.directory);
  }

  /** Keeps every host from removing the snapshot while `work` runs. */
  async whileReading<T>(volumeId: string, snapshot: string, work: () => Promise<T>): Promise<T> {
    const name = [volumeId, snapshot, this.#pool.host, randomUUID()].join(",");
    const path = this.#at(".reading", name);
    await (await open(path, "w", 0o600)).close();
    const fresh = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch(() => undefined);
    }, READING_FRESH_MS).unref();
    this.#reading.add(name);
    try {
      return await work();
    } finally {
      clearInterval(fresh);
      this.#reading.delete(name);
      await unlink(path).catch(() => undefined);
    }
  }

  async isRead(volumeId: string, snapshot: string): Promise<boolean> {
    const prefix = `${volumeId},${snapshot},`;
    if ([...this.#reading].some((name) => name.startsWith(prefix))) return true;
    const names = (await readdir(this.#at(".reading"))).filter((name) => name.startsWith(prefix));
    const ages = await Promise.all(
      names.map(async (name) => {
        const seen = await stat(this.#at(".reading", name)).catch(() => null);
        return seen === null ? Number.POSITIVE_INFINITY : Date.now() - seen.mtimeMs;
      }),
    );
    return ages.some((age) => age < READING_STALE_MS);
  }

  #at(...names: string[]): string {
    return join(this.#pool.directory, ...names);
  }
}

/** Makes an empty file that every user may write, whatever the process's mask says. */
export async function createOpen(path: string): Promise<void> {
  const handle: FileHandle = await open(path, "wx", 0o600);
  try {
    await handle.chmod(0o666);
  } finally {
    await handle.close();
  }
}

/** Makes a file's bytes survive a power cut. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parseState(text: string | null): VolumeState | null {
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isObject(parsed) || typeof parsed["sizeGib"] !== "number" || !Array.isArray(parsed["snapshots"])) return null;
    const { revertNonce } = parsed;
    return {
      sizeGib: parsed["sizeGib"],
      snapshots: parsed["snapshots"].map(String),
      revertNonce: typeof revertNonce === "string" ? revertNonce : null,
    };
  } catch {
    // The file itself says the same, only slower.
    return null;
  }
}
