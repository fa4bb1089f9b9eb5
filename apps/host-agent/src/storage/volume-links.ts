/**
 * Volumes where guests can open them: hard links in a directory of the guest's, below the pool, which is bound into its
 * jail. To the volume's file, or, of a volume that several guests share, to the socket of its server (shared-volumes.ts).
 * A link is there exactly while a process may have the volume open. What is on disk is the truth: a crash leaves at most
 * a link too many, which is removed by whoever looks next.
 *
 * The files may be read and written by any user: what keeps users from them is that the pool is root's alone, and that
 * a guest cannot make a link. (Each volume's programs run under a user of their own too, see volumes/tools.ts.)
 */
import { chmod, link, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { notFound } from "@andromede/base/errors";

import { removePath } from "../durable.ts";
import type { SharedVolumes } from "./shared-volumes.ts";

/** `key`: undefined when it is not known. */
export type LinkedVolume = { volumeId: string; shared: boolean; key?: string | null | undefined };

export type VolumeLinks = {
  /** The guest's directory; made by `keep`. null: this host has no pool. */
  directory(guestId: string): string | null;
  /** Finds what an earlier agent left. */
  load(): Promise<void>;
  held(guestId: string): ReadonlySet<string>;
  guests(): Iterable<string>;
  /** The guest holds these, and no others. */
  keep(guestId: string, volumes: readonly LinkedVolume[]): Promise<void>;
  add(guestId: string, volume: LinkedVolume): Promise<void>;
  remove(guestId: string, volumeId: string): Promise<void>;
  /** Called every minute: ends what a crash left running for no guest. */
  tidy(): Promise<void>;
  /** Leaves nothing of the guest in the pool. */
  removeAll(guestId: string): Promise<void>;
};

const FILE = ".qcow2";
const SOCKET = ".nbd";
const NOTHING: ReadonlySet<string> = new Set();

type Pool = { directory: string; host: string; shared: SharedVolumes };

/** Links of one host's guests. null: it has no pool. */
export function createVolumeLinks(pool: Pool | null): VolumeLinks {
  return pool === null ? noLinks : new PoolLinks(pool);
}

const noPool = (): Promise<never> => Promise.reject(notFound("This host has no pool of volumes"));

const noLinks: VolumeLinks = {
  directory: () => null,
  load: () => Promise.resolve(),
  held: () => NOTHING,
  guests: () => [],
  keep: (_guestId, volumes) => (volumes.length === 0 ? Promise.resolve() : noPool()),
  add: noPool,
  remove: () => Promise.resolve(),
  tidy: () => Promise.resolve(),
  removeAll: () => Promise.resolve(),
};

class PoolLinks implements VolumeLinks {
  readonly #pool: string;
  readonly #below: string;
  readonly #shared: SharedVolumes;
  readonly #held = new Map<string, Set<string>>();

  constructor({ directory, host, shared }: Pool) {
    this.#pool = directory;
    this.#below = join(directory, "guests", host);
    this.#shared = shared;
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
      this.#held.set(guestId, new Set(names.map((name) => name.slice(0, name.lastIndexOf(".")))));
    }
  }

  held(guestId: string): ReadonlySet<string> {
    return this.#held.get(guestId) ?? NOTHING;
  }

  guests(): Iterable<string> {
    return [...this.#held.keys()];
  }

  async keep(guestId: string, volumes: readonly LinkedVolume[]): Promise<void> {
    await this.#prepare(guestId);
    const wanted = new Set(volumes.map(({ volumeId }) => volumeId));
    const extra = [...this.held(guestId)].filter((volumeId) => !wanted.has(volumeId));
    await Promise.all([
      ...extra.map((volumeId) => this.remove(guestId, volumeId)),
      ...volumes.map((volume) => this.add(guestId, volume)),
    ]);
  }

  async add(guestId: string, volume: LinkedVolume): Promise<void> {
    const { volumeId, shared } = volume;
    const held = await this.#prepare(guestId);
    const file = join(this.#pool, `${volumeId}${FILE}`);
    const there = await stat(file).catch((cause: unknown) => {
      throw notFound(`Volume ${volumeId} is not in the host's pool`, { cause });
    });
    if ((there.mode & 0o006) !== 0o006) await chmod(file, 0o666);
    held.add(volumeId);
    if (!shared) {
      await linkAnew(file, this.#path(guestId, volumeId, FILE));
      return;
    }
    // Without its key there is only what is being served already.
    const path = this.#path(guestId, volumeId, SOCKET);
    if (volume.key !== undefined) await linkAnew(await this.#shared.serve(volumeId, volume.key), path);
  }

  async remove(guestId: string, volumeId: string): Promise<void> {
    await rm(this.#path(guestId, volumeId, FILE), { force: true });
    const socket = this.#path(guestId, volumeId, SOCKET);
    const shared = (await stat(socket).catch(() => null)) !== null;
    await rm(socket, { force: true });
    if (shared) await this.#shared.release(volumeId);
    this.#held.get(guestId)?.delete(volumeId);
  }

  tidy(): Promise<void> {
    return this.#shared.tidy();
  }

  async removeAll(guestId: string): Promise<void> {
    await Promise.all([...this.held(guestId)].map((volumeId) => this.remove(guestId, volumeId)));
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

  #path(guestId: string, volumeId: string, suffix: string): string {
    return join(this.directory(guestId), `${volumeId}${suffix}`);
  }
}

/** A file (or a socket) that was made anew has another inode under the same name. */
async function linkAnew(source: string, path: string): Promise<void> {
  const [wanted, found] = await Promise.all([stat(source), stat(path).catch(() => null)]);
  if (found?.ino === wanted.ino) return;
  await rm(path, { force: true });
  await link(source, path);
}
