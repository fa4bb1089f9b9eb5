/**
 * The wanted state of this host, on disk: one file a guest, replaced whole. What it says is carried out also while the
 * control plane is away. In memory it changes only after the disk has.
 *
 * Besides what the control plane said, an entry holds the two facts about the past on which the next step depends:
 * which reboot was carried out, and whether the guest switched itself off. A deleted guest leaves a tombstone for an
 * hour, so that a late PUT of an older generation does not bring it back.
 */
import { mkdir, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";

import type { GuestSpec } from "@andromede/agent-api/types";
import type { Clock } from "@andromede/base/clock";
import { type CloudError, conflict, notFound } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import { readIfThere, writeDurably } from "./durable.ts";

/** Stands for the key of an encrypted volume in an entry that was read from disk: keys are in memory only. */
export const FORGOTTEN_KEY = "";

export type LedgerEntry = {
  readonly spec: GuestSpec;
  readonly deleting: boolean;
  /** The newest generation heard of: the spec's, or the DELETE's. */
  readonly generation: number;
  readonly reboot: { readonly kind: "soft" | "hard"; readonly nonce: string } | null;
  readonly rebootDone: string | null;
  /** The guest stopped without being asked to, and nobody has asked for it since. */
  readonly halted: boolean;
};

type Tombstone = { gone: { generation: number; atMs: number } };

const TOMBSTONE_MS = 3_600_000;
const UNREADABLE = ".json.unreadable";

export type LedgerOptions = {
  /** null: kept in memory only. */
  directory: string | null;
  clock: Clock;
  log: Logger;
};

/** Reads the ledger of a host. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const ledger = new Ledger(options);
  await ledger.load();
  return ledger;
}

export class Ledger {
  /** Guests whose file could not be read: nothing of them may be removed. */
  readonly unreadable = new Set<string>();
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #tombstones = new Map<string, { generation: number; atMs: number }>();
  /** Writes of one guest happen one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get entries(): ReadonlyMap<string, LedgerEntry> {
    return this.#entries;
  }

  get(id: string): LedgerEntry | undefined {
    return this.#entries.get(id);
  }

  /** False for what garbage collection may remove. */
  knows(id: string): boolean {
    return this.#entries.has(id) || this.unreadable.has(id);
  }

  /** Takes in a wanted state. Refuses one older than what is known. */
  put(spec: GuestSpec): Promise<LedgerEntry> {
    return this.#turn(spec.id, async () => {
      const old = this.#entries.get(spec.id);
      const entry = old === undefined ? this.#newEntry(spec) : nextEntry(old, spec);
      return entry === old ? entry : this.#store(entry);
    });
  }

  #newEntry(spec: GuestSpec): LedgerEntry {
    const gone = this.#tombstones.get(spec.id)?.generation;
    if (gone !== undefined && spec.generation <= gone) throw olderThan(spec.id, spec.generation, gone);
    return { spec, deleting: false, generation: spec.generation, reboot: null, rebootDone: null, halted: false };
  }

  /** Marks a guest for removal. null when it is not known. */
  remove(id: string, generation: number): Promise<LedgerEntry | null> {
    return this.#turn(id, async () => {
      const old = this.#entries.get(id);
      if (old === undefined) return null;
      if (generation < old.generation) throw olderThan(id, generation, old.generation);
      if (old.deleting && old.generation === generation) return old;
      return this.#store({ ...old, deleting: true, generation, reboot: null });
    });
  }

  /** Notes a wanted reboot; one whose nonce was carried out, or is already noted, changes nothing. */
  wantReboot(id: string, kind: "soft" | "hard", nonce: string): Promise<LedgerEntry> {
    return this.#turn(id, async () => {
      const old = this.#entries.get(id);
      if (old === undefined || old.deleting) throw notFound(`no guest ${id} on this host`);
      if (old.rebootDone === nonce || old.reboot?.nonce === nonce) return old;
      return this.#store({ ...old, reboot: { kind, nonce } });
    });
  }

  /** The guest is down for its reboot: from here on it is an ordinary start. */
  noteRebootDown(id: string, nonce: string): Promise<void> {
    return this.#change(id, (old) => ({
      ...old,
      // A newer reboot may have been asked for meanwhile.
      reboot: old.reboot?.nonce === nonce ? null : old.reboot,
      rebootDone: nonce,
      halted: false,
    }));
  }

  noteHalted(id: string): Promise<void> {
    return this.#change(id, (old) => (old.halted ? old : { ...old, halted: true }));
  }

  /** The guest is gone from the host. */
  forget(id: string): Promise<void> {
    return this.#turn(id, async () => {
      const old = this.#entries.get(id);
      if (old === undefined) return;
      const tombstone = { generation: old.generation, atMs: this.#options.clock.now() };
      await this.#write(id, { gone: tombstone } satisfies Tombstone);
      this.#tombstones.set(id, tombstone);
      this.#entries.delete(id);
    });
  }

  /** Drops old tombstones. */
  async tidy(): Promise<void> {
    const now = this.#options.clock.now();
    for (const [id, { atMs }] of this.#tombstones) {
      if (now - atMs < TOMBSTONE_MS) continue;
      // In turn with writes of the same guest.
      // eslint-disable-next-line no-await-in-loop
      await this.#turn(id, async () => {
        this.#tombstones.delete(id);
        const path = this.#path(id);
        if (path !== null && !this.#entries.has(id)) await unlink(path).catch(() => undefined);
      });
    }
  }

  async load(): Promise<void> {
    const { directory } = this.#options;
    if (directory === null) return;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const names = await readdir(directory);
    for (const name of names) if (name.endsWith(UNREADABLE)) this.unreadable.add(name.slice(0, -UNREADABLE.length));
    await Promise.all(names.filter((name) => name.endsWith(".json")).map((name) => this.#loadFile(directory, name)));
    await this.tidy();
  }

  async #loadFile(directory: string, name: string): Promise<void> {
    const id = name.slice(0, -".json".length);
    try {
      const content = JSON.parse((await readIfThere(join(directory, name))) ?? "null") as
        | LedgerEntry
        | Tombstone
        | null;
      if (content === null) return;
      if ("gone" in content) this.#tombstones.set(id, content.gone);
      else if (content.spec.id === id) this.#entries.set(id, content);
      else throw new Error(`the entry is of guest ${content.spec.id}`);
    } catch (error) {
      // Never seen, since files are replaced whole; a failing disk could. Kept for whoever repairs it.
      this.#options.log.error(
        { error, file: join(directory, name) },
        "unreadable ledger entry set aside; its guest is left alone",
      );
      this.unreadable.add(id);
      await rename(join(directory, name), join(directory, `${id}${UNREADABLE}`));
    }
  }

  #path(id: string): string | null {
    const { directory } = this.#options;
    return directory === null ? null : join(directory, `${id}.json`);
  }

  async #write(id: string, content: LedgerEntry | Tombstone): Promise<void> {
    const path = this.#path(id);
    if (path !== null) await writeDurably(path, JSON.stringify("gone" in content ? content : withoutKeys(content)));
  }

  async #store(entry: LedgerEntry): Promise<LedgerEntry> {
    await this.#write(entry.spec.id, entry);
    this.#entries.set(entry.spec.id, entry);
    this.#tombstones.delete(entry.spec.id);
    this.unreadable.delete(entry.spec.id);
    return entry;
  }

  #change(id: string, change: (old: LedgerEntry) => LedgerEntry): Promise<void> {
    return this.#turn(id, async () => {
      const old = this.#entries.get(id);
      if (old === undefined) return;
      const next = change(old);
      if (next !== old) await this.#store(next);
    });
  }

  #turn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(work, work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(id, settled);
    void settled.then(() => {
      if (this.#turns.get(id) === settled) this.#turns.delete(id);
    });
    return turn;
  }
}

const olderThan = (id: string, generation: number, newest: number): CloudError =>
  conflict(`generation ${generation} of guest ${id} is older than ${newest}`);

/** The entry after a PUT; the old one itself when nothing changes. */
function nextEntry(old: LedgerEntry, spec: GuestSpec): LedgerEntry {
  if (spec.generation < old.generation) throw olderThan(spec.id, spec.generation, old.generation);
  if (old.deleting) throw conflict(`guest ${spec.id} is being deleted`);
  const halted = old.halted && !asksForPower(old.spec, spec);
  const entry = { ...old, spec, generation: spec.generation, halted };
  return JSON.stringify(old) === JSON.stringify(entry) ? old : entry;
}

/** Has the customer said something new about power since? */
function asksForPower(old: GuestSpec, next: GuestSpec): boolean {
  return old.power !== next.power || old.powerNonce !== next.powerNonce;
}

function withoutKeys(entry: LedgerEntry): LedgerEntry {
  const disks = entry.spec.disks.map((disk) => {
    const { source } = disk;
    return source.kind === "volume" && source.key !== null
      ? { ...disk, source: { ...source, key: FORGOTTEN_KEY } }
      : disk;
  });
  return { ...entry, spec: { ...entry.spec, disks } };
}
