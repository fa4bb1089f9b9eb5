/**
 * Exports: one plain image file each, in a directory of this host that only root gets into, for a day after they were last
 * fetched. Beside it a record says what it is; `<id>.pending` names the snapshot of a guest's disk that has to go again,
 * whatever happens meanwhile.
 */
import { createReadStream } from "node:fs";
import { chmod, mkdir, readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable as Stream } from "node:stream";

import type { ExportReport, ExportSpec } from "@andromede/agent-api/types";
import { conflict, notFound } from "@andromede/base/errors";
import { isObject } from "@andromede/base/json";
import type { Logger } from "@andromede/base/log";

import { readIfThere, removePath, syncDirectory, writeDurably } from "../durable.ts";
import type { User } from "../storage/qemu-img.ts";
import { type PointInTime, type StepHook, temporaryName } from "./driver.ts";
import type { GuestDiskFile, OnlineGuests } from "./online.ts";
import type { Qcow2Driver } from "./qcow2-driver.ts";
import { createOpen, syncPath } from "./qcow2-pool.ts";
import { type Readable, withReadable } from "./read-point.ts";
import { type ToolUse, type VolumeTools, imageOptions } from "./tools.ts";
import { inWords } from "./words.ts";

export type ExportFacts = Omit<ExportReport, "id" | "state" | "fault">;
export type OpenedExport = { sizeBytes: number; data: Stream };

/** Makes, gives and removes exports. */
export type ExportStore = {
  /** Gives what is there from before; ends what an earlier agent was at. */
  start(): Promise<{ id: string; facts: ExportFacts }[]>;
  find(exportId: string): Promise<ExportFacts | null>;
  make(spec: ExportSpec, signal: AbortSignal): Promise<ExportFacts>;
  open(exportId: string): Promise<OpenedExport>;
  /** No error when it is not there. */
  remove(exportId: string): Promise<void>;
  /** Ids of those that nobody has fetched for a day. */
  expired(): Promise<string[]>;
};

const LIFE_MS = 86_400_000;
const TARGET = "/export/target";
const SOURCE = "/export/source";
const NAME = /^([^.]+)\.(image|json|partial|pending)$/;

type Pending = { guestId: string; diskId: string; snapshot: string };
type From = Readable & { owner: string | User; bytes: number };
type StoreOptions = {
  directory: string;
  tools: VolumeTools;
  driver: Qcow2Driver;
  online: OnlineGuests;
  /** What time it is, in milliseconds since 1970. */
  now: () => number;
  step: StepHook;
  log: Logger;
};

export function createExportStore(options: StoreOptions): ExportStore {
  return new DirectoryExports(options);
}

class DirectoryExports implements ExportStore {
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  async start(): Promise<{ id: string; facts: ExportFacts }[]> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const names = await readdir(directory);
    const ids = new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []));
    const found: { id: string; facts: ExportFacts }[] = [];
    for (const id of ids) {
      // One after the other: nobody waits for what is left.
      // eslint-disable-next-line no-await-in-loop
      await removePath(this.#at(id, "partial"));
      // eslint-disable-next-line no-await-in-loop
      const facts = await this.find(id);
      if (facts === null) await removePath(this.#at(id, "image"));
      else found.push({ id, facts });
      await this.#endPending(id);
    }
    return found;
  }

  async find(exportId: string): Promise<ExportFacts | null> {
    const there = await stat(this.#at(exportId, "image")).catch(() => null);
    const record = parse(await readIfThere(this.#at(exportId, "json")));
    if (there === null || record === null) return null;
    return { sizeBytes: there.size, quiesced: record["quiesced"] === true };
  }

  async make(spec: ExportSpec, signal: AbortSignal): Promise<ExportFacts> {
    const { id, source } = spec;
    try {
      await removePath(this.#at(id, "partial"));
      await createOpen(this.#at(id, "partial"));
      this.#options.step("export:begun");
      const quiesced =
        source.kind === "volume"
          ? await this.#fromVolume(spec, source, signal)
          : await this.#fromGuest(spec, source, signal);
      return await this.#complete(id, quiesced);
    } catch (error) {
      await removePath(this.#at(id, "partial"));
      throw inWords(error, `export ${id}`);
    }
  }

  async open(exportId: string): Promise<OpenedExport> {
    const facts = await this.find(exportId);
    if (facts === null) throw notFound(`no export ${exportId} on this host`);
    const path = this.#at(exportId, "image");
    const now = new Date(this.#options.now());
    await utimes(path, now, now);
    const data = createReadStream(path, { highWaterMark: 1024 * 1024 });
    return { sizeBytes: facts.sizeBytes, data };
  }

  async remove(exportId: string): Promise<void> {
    await this.#endPending(exportId);
    // The record first: an image without one is no export.
    await removePath(this.#at(exportId, "json"));
    await removePath(this.#at(exportId, "image"));
    await removePath(this.#at(exportId, "partial"));
  }

  async expired(): Promise<string[]> {
    const { directory, now } = this.#options;
    const old: string[] = [];
    for (const name of await readdir(directory)) {
      const [, id, kind] = NAME.exec(name) ?? [];
      if (id === undefined || kind !== "image") continue;
      // eslint-disable-next-line no-await-in-loop
      const seen = await stat(join(directory, name)).catch(() => null);
      if (seen !== null && now() - seen.mtimeMs > LIFE_MS) old.push(id);
    }
    return old;
  }

  async #complete(id: string, quiesced: boolean): Promise<ExportFacts> {
    const { directory, now, step } = this.#options;
    const partial = this.#at(id, "partial");
    await syncPath(partial);
    await chmod(partial, 0o600);
    const { size } = await stat(partial);
    const time = new Date(now());
    await utimes(partial, time, time);
    step("export:copied");
    await rename(partial, this.#at(id, "image"));
    await syncDirectory(directory);
    step("export:named");
    await writeDurably(this.#at(id, "json"), JSON.stringify({ quiesced }));
    return { sizeBytes: size, quiesced };
  }

  async #fromVolume(
    spec: ExportSpec,
    { volumeId, snapshotId, key }: Extract<ExportSpec["source"], { kind: "volume" }>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { driver, tools, step } = this.#options;
    const copy = (point: PointInTime): Promise<void> => {
      step("export:snapshot");
      return withReadable(tools, point, { owner: volumeId, signal, keyAt: 0 }, (source, alive) =>
        this.#convert(spec, { owner: volumeId, bytes: point.sizeBytes, ...source }, alive ?? signal),
      );
    };
    const giveUp = (): Promise<void> => removePath(this.#at(spec.id, "partial"));
    await driver.pointInTime({ id: volumeId, key }, snapshotId, copy, giveUp);
    return false;
  }

  async #fromGuest(
    spec: ExportSpec,
    { guestId, diskId, quiesce }: Extract<ExportSpec["source"], { kind: "guestDisk" }>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { step } = this.#options;
    const pending: Pending = { guestId, diskId, snapshot: temporaryName(spec.id) };
    // One of an earlier attempt would be another instant.
    await this.#endPending(spec.id);
    const disk = await this.#guestDisk(guestId, diskId);
    await writeDurably(this.#at(spec.id, "pending"), JSON.stringify(pending));
    step("export:pending");
    try {
      const quiesced = await this.#snapshot(pending, disk, quiesce);
      step("export:snapshot");
      const { uid, gid, size } = await stat(disk.path);
      const files = [{ source: disk.path, target: SOURCE }, ...disk.binds];
      const args = ["-U", "-l", `snapshot.name=${pending.snapshot}`];
      const owner = { uid, gid };
      await this.#convert(
        spec,
        { owner, files, key: null, args, image: imageOptions(SOURCE, {}), bytes: size },
        signal,
      );
      return quiesced;
    } catch (error) {
      // What it made goes first: a snapshot cannot be removed from a disk that is full.
      await removePath(this.#at(spec.id, "partial"));
      throw error;
    } finally {
      await this.#endPending(spec.id);
    }
  }

  async #guestDisk(guestId: string, diskId: string): Promise<GuestDiskFile> {
    const disk = await this.#options.online.guestDisk(guestId, diskId);
    if (disk === undefined) throw notFound(`no disk ${diskId} of a guest ${guestId} on this host`);
    return disk;
  }

  /** True when the guest's file systems were frozen meanwhile. */
  async #snapshot({ guestId, snapshot }: Pending, disk: GuestDiskFile, quiesce: boolean): Promise<boolean> {
    const { online } = this.#options;
    if (disk.open === null) {
      await this.#snapshotOffline(disk, ["-c", snapshot]);
      return false;
    }
    const quiesced = quiesce && (await online.freeze(guestId));
    try {
      await disk.open.takeSnapshot(snapshot);
    } finally {
      if (quiesce) await online.thaw(guestId);
    }
    return quiesced;
  }

  async #snapshotOffline(disk: GuestDiskFile, action: readonly string[]): Promise<void> {
    const { uid, gid } = await stat(disk.path);
    const use: ToolUse = {
      owner: { uid, gid },
      files: [{ source: disk.path, target: SOURCE, writable: true }, ...disk.binds],
      keys: [],
      what: "a snapshot of a server's disk",
      bytes: 0,
    };
    await this.#options.tools.img("snapshot", ["-q", "--image-opts", ...action, imageOptions(SOURCE, {})], use);
  }

  /** Removes the snapshot that an export of a guest's disk was made from, now or next time. */
  async #endPending(exportId: string): Promise<void> {
    const path = this.#at(exportId, "pending");
    const text = await readIfThere(path);
    if (text === null) return;
    const record = parse(text);
    try {
      if (record !== null) await this.#removeSnapshot(record as Pending);
      await removePath(path);
    } catch (error) {
      this.#options.log.warn({ error, export: exportId }, "a temporary snapshot of a server's disk was not removed");
    }
  }

  async #removeSnapshot({ guestId, diskId, snapshot }: Pending): Promise<void> {
    const disk = await this.#options.online.guestDisk(guestId, diskId);
    if (disk === undefined) return;
    if (disk.open !== null) {
      await disk.open.removeSnapshot(snapshot);
      return;
    }
    await this.#snapshotOffline(disk, ["-d", snapshot]).catch((error: unknown) => {
      if (!String(error).includes("not found")) throw error;
    });
  }

  async #convert(spec: ExportSpec, from: From, signal: AbortSignal): Promise<void> {
    const args = [...from.args, "-O", spec.format, "--image-opts", from.image, TARGET];
    await this.#options.tools.img("convert", args, {
      owner: from.owner,
      files: [...from.files, { source: this.#at(spec.id, "partial"), target: TARGET, writable: true }],
      keys: [from.key],
      what: "exporting a disk",
      bytes: from.bytes,
      signal,
    });
  }

  #at(exportId: string, kind: "image" | "json" | "partial" | "pending"): string {
    return join(this.#options.directory, `${exportId}.${kind}`);
  }
}

function parse(text: string | null): { [member: string]: unknown } | null {
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : null;
  } catch {
    // Written whole or not at all; empty after a power cut, it means nothing.
    return null;
  }
}

/** An export that is still being made has no data. */
export const notReady = (exportId: string): Error => conflict(`export ${exportId} is not ready`);
