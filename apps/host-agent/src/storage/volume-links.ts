/**
 * Volumes' files where guests can open them: hard links in a directory of the guest's, below the pool, which is bound
 * into its jail. A link is there exactly while a process may have the volume open. What is on disk is the truth: a crash
 * leaves at most a link too many, which is removed by whoever looks next.
 *
 * The files may be read and written by any user: what keeps users from them is that the pool is root's alone, and that
 * a guest cannot make a link. (Each volume's programs run under a user of their own too, see volumes/tools.ts.)
 */
import { chmod, link, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { notFound } from "@andromede/base/errors";

import { removePath } from "../durable.ts";

export type VolumeLinks = {
  /** The guest's directory; made by `keep`. null: this host has no pool. */
  directory(guestId: string): string | null;
  /** Finds what an earlier agent left. */
  load(): Promise<void>;
  held(guestId: string): ReadonlySet<string>;
  guests(): Iterable<string>;
  /** The guest holds these, and no others. */
  keep(guestId: string, volumeIds: readonly string[]): Promise<void>;
  add(guestId: string, volumeId: string): Promise<void>;
  remove(guestId: string, volumeId: string): Promise<void>;
  /** Leaves nothing of the guest in the pool. */
  removeAll(guestId: string): Promise<void>;
};

const SUFFIX = ".qcow2";
const NOTHING: ReadonlySet<string> = new Set();

/** Links of one host's guests. `pool`: the pool's directory. */
export function createVolumeLinks(pool: string | null, host: string): VolumeLinks {
  return pool === null ? noLinks : new PoolLinks(pool, join(pool, "guests", host));
}

const noPool = (): Promise<never> => Promise.reject(notFound("This host has no pool of volumes"));

const noLinks: VolumeLinks = {
  directory: () => null,
  load: () => Promise.resolve(),
  held: () => NOTHING,
  guests: () => [],
  keep: (_guestId, volumeIds) => (volumeIds.length === 0 ? Promise.resolve() : noPool()),
  add: noPool,
  remove: () => Promise.resolve(),
  removeAll: () => Promise.resolve(),
};

class PoolLinks implements VolumeLinks {
  readonly #pool: string;
  readonly #below: string;
  readonly #held = new Map<string, Set<string>>();

  constructor(pool: string, below: string) {
    this.#pool = pool;
    this.#below = below;
  }

  directory(guestId: string): string {
    return join(this.#below, guestId);
  }

  async load(): Promise<void> {
    // The pool's own directory is root's alone; these are entered by the guests' users, within their jails.
    await mkdir(this.#below, { recursive: true, mode: 0o711 });
    for (const guestId of await readdir(this.#below)) {
      // A handful, once.
      // eslint-disable-next-line no-await-in-loop
      const names = await readdir(this.directory(guestId));
      this.#held.set(guestId, new Set(names.map((name) => name.slice(0, -SUFFIX.length))));
    }
  }

  held(guestId: string): ReadonlySet<string> {
    return this.#held.get(guestId) ?? NOTHING;
  }

  guests(): Iterable<string> {
    return [...this.#held.keys()];
  }

  async keep(guestId: string, volumeIds: readonly string[]): Promise<void> {
    await this.#prepare(guestId);
    const extra = [...this.held(guestId)].filter((volumeId) => !volumeIds.includes(volumeId));
    await Promise.all([
      ...extra.map((volumeId) => this.remove(guestId, volumeId)),
      ...volumeIds.map((volumeId) => this.add(guestId, volumeId)),
    ]);
  }

  async add(guestId: string, volumeId: string): Promise<void> {
    const held = await this.#prepare(guestId);
    const path = this.#path(guestId, volumeId);
    held.add(volumeId);
    try {
      await link(join(this.#pool, `${volumeId}${SUFFIX}`), path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") {
        held.delete(volumeId);
        throw notFound(`Volume ${volumeId} is not in the host's pool`, { cause: error });
      }
      if (code !== "EEXIST") throw error;
    }
    if (((await stat(path)).mode & 0o006) !== 0o006) await chmod(path, 0o666);
  }

  async remove(guestId: string, volumeId: string): Promise<void> {
    await rm(this.#path(guestId, volumeId), { force: true });
    this.#held.get(guestId)?.delete(volumeId);
  }

  async removeAll(guestId: string): Promise<void> {
    await removePath(this.directory(guestId));
    this.#held.delete(guestId);
  }

  async #prepare(guestId: string): Promise<Set<string>> {
    let held = this.#held.get(guestId);
    if (held === undefined) {
      held = new Set();
      this.#held.set(guestId, held);
    }
    await mkdir(this.directory(guestId), { recursive: true, mode: 0o711 });
    return held;
  }

  #path(guestId: string, volumeId: string): string {
    return join(this.directory(guestId), `${volumeId}${SUFFIX}`);
  }
}
