/**
 * Volumes as qcow2 files, encrypted by LUKS inside them, snapshots inside too.
 *
 * Offline, qemu-img changes a file; while a guest of this host has it open, its process is asked to (online.ts). QEMU's
 * image locks keep both, and other hosts, from meeting. What a snapshot holds never changes as long as it is there, so
 * copies are made of snapshots only, without a lock; of a volume as it is, of a temporary one. A change that was begun and
 * not ended, whoever died over it, is mended by `qemu-img check` before the next.
 */
import { chmod } from "node:fs/promises";

import type { VolumeSource, VolumeSpec } from "@andromede/agent-api/types";
import { CloudError, conflict, invalid, notFound, unavailable } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { isObject } from "@andromede/base/json";
import type { Logger } from "@andromede/base/log";

import type { ImageCache } from "../storage/image-cache.ts";
import type { BackupReader } from "./backup-store.ts";
import { type Pattern, loadPattern, writeBlank } from "./blank-volume.ts";
import {
  type PointInTime,
  type StepHook,
  type VolumeDriver,
  type VolumeName,
  type VolumeState,
  isTemporary,
  temporaryName,
} from "./driver.ts";
import type { OnlineGuests, OpenDisk } from "./online.ts";
import type { PoolFiles } from "./qcow2-pool.ts";
import { type Readable, withReadable } from "./read-point.ts";
import { type Slots, Turns } from "./slots.ts";
import { snapshotSizes } from "./snapshot-sizes.ts";
import { type VolumeTools, imageOptions } from "./tools.ts";
import { inWords, isLocked, isRefused } from "./words.ts";

const GIB = 2 ** 30;
const TARGET = "/volume/target";
const SOURCE = "/volume/source";
export type Qcow2DriverOptions = {
  files: PoolFiles;
  tools: VolumeTools;
  online: OnlineGuests;
  images: ImageCache;
  /** Where this host keeps the pattern of encrypted volumes. */
  patternPath: string;
  backups: BackupReader;
  /** Copies at a time. */
  copies: Slots;
  step: StepHook;
  log: Logger;
};

type Info = { sizeBytes: number; snapshots: string[] };
type Change = { doing: string; offline: (image: string) => string[]; online: (disk: OpenDisk) => Promise<void> };
type Target = { spec: VolumeSpec; path: string; signal: AbortSignal };

export class Qcow2Driver implements VolumeDriver {
  readonly #options: Qcow2DriverOptions;
  readonly #turns = new Turns();
  /** Volumes whose file was looked at since this agent started. */
  readonly #verified = new Set<string>();
  #pattern: Promise<Pattern> | null = null;

  constructor(options: Qcow2DriverOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.files.open();
  }

  pool(): ReturnType<VolumeDriver["pool"]> {
    return this.#options.files.facts();
  }

  async tidy(): Promise<void> {
    await this.#options.files.measure();
  }

  hasRemains(volumeId: string): Promise<boolean> {
    return this.#options.files.hasRemains(volumeId);
  }

  async look(volume: VolumeName): Promise<VolumeState | null> {
    const { files } = this.#options;
    const { id } = volume;
    if (!(await files.exists(id))) return null;
    if (await files.hasIntent(id)) await this.#turns.run(id, () => this.#mend(volume));
    const record = await files.readRecord(id);
    if (record !== null && this.#verified.has(id)) return record;
    return this.#turns.run(id, () => this.#verify(volume, record?.revertNonce ?? null));
  }

  async make(spec: VolumeSpec, signal: AbortSignal): Promise<void> {
    const { files, copies, step } = this.#options;
    const { id, source } = spec;
    try {
      const path = await files.begin(id);
      step("make:begun");
      const fill = (): Promise<void> => this.#makeIn({ spec, path, signal });
      await (source.kind === "empty" ? fill() : copies.run(fill, signal));
      step("make:filled");
      await files.complete(id);
      step("make:complete");
      await files.writeRecord(id, { sizeGib: spec.sizeGib, snapshots: [], revertNonce: null });
      this.#verified.add(id);
      step("make:recorded");
    } catch (error) {
      await files.dropPartial(id);
      throw inWords(error, `volume ${id}`);
    }
  }

  async grow(volume: VolumeName, sizeGib: number): Promise<void> {
    const bytes = sizeGib * GIB;
    await this.#change(volume, ({ sizeBytes }) => sizeBytes < bytes, {
      doing: "grow",
      offline: (image) => ["resize", "-q", "--image-opts", image, String(bytes)],
      online: (disk) => disk.grow(bytes),
    });
  }

  async takeSnapshot(volume: VolumeName, name: string): Promise<void> {
    await this.#change(volume, ({ snapshots }) => !snapshots.includes(name), {
      doing: "snapshot",
      offline: (image) => ["snapshot", "-q", "--image-opts", "-c", name, image],
      online: (disk) => disk.takeSnapshot(name),
    });
  }

  async removeSnapshot(volume: VolumeName, name: string): Promise<void> {
    await this.#change(volume, ({ snapshots }) => snapshots.includes(name), {
      doing: "unsnapshot",
      offline: (image) => ["snapshot", "-q", "--image-opts", "-d", name, image],
      online: (disk) => disk.removeSnapshot(name),
    });
  }

  isRead(volumeId: string, snapshot: string): Promise<boolean> {
    return this.#options.files.isRead(volumeId, snapshot);
  }

  async revert(volume: VolumeName, { snapshotId, nonce }: { snapshotId: string; nonce: string }): Promise<void> {
    const change: Change = {
      doing: "revert",
      offline: (image) => ["snapshot", "-q", "--image-opts", "-a", snapshotId, image],
      online: () => Promise.reject(conflict(`Volume ${volume.id} is in use`)),
    };
    await this.#change(volume, () => true, change, nonce);
  }

  async isOpen(volumeId: string): Promise<boolean> {
    const { files, online, tools } = this.#options;
    if (online.volumeOpen(volumeId) !== undefined) return true;
    if (!(await files.exists(volumeId))) return false;
    return this.#turns.run(volumeId, async () => {
      try {
        // Without force-share: it asks for the lock that a guest of whatever host holds.
        await tools.img("info", ["-f", "qcow2", SOURCE], this.#use({ id: volumeId, key: null }, "looking at a volume"));
        return false;
      } catch (error) {
        // A damaged image is no open one.
        return isLocked(error);
      }
    });
  }

  async remove(volumeId: string): Promise<void> {
    const { files, online, step } = this.#options;
    await this.#turns.run(volumeId, async () => {
      if (online.volumeOpen(volumeId) !== undefined) throw conflict(`Volume ${volumeId} is in use`);
      step("remove:begun");
      await files.remove(volumeId, () => step("remove:image"));
      this.#verified.delete(volumeId);
    });
  }

  /** Calls `work` with a snapshot: the named one, or (null) one of the volume as it is now that goes afterwards. */
  async pointInTime<T>(
    volume: VolumeName,
    snapshotId: string | null,
    work: (point: PointInTime) => Promise<T>,
    /** Called when `work` fails: what it made goes first, since a snapshot cannot be removed from a disk that is full. */
    giveUp: () => Promise<void>,
  ): Promise<T> {
    const { files } = this.#options;
    const { id } = volume;
    if (!(await files.exists(id))) throw notFound(`Volume ${id} is not there`);
    const snapshot = snapshotId ?? temporaryName(newUuid());
    return files.whileReading(id, snapshot, async () => {
      if (snapshotId === null) await this.takeSnapshot(volume, snapshot);
      try {
        const { snapshots, sizeBytes } = await this.#info(id);
        if (!snapshots.includes(snapshot)) throw notFound(`Snapshot ${snapshot} is not there`);
        const path = files.image(id);
        const size = (await snapshotSizes(path)).get(snapshot) ?? sizeBytes;
        return await work({ volume, snapshot, path, sizeBytes: size, volumeBytes: sizeBytes });
      } catch (error) {
        await giveUp();
        throw error;
      } finally {
        if (snapshotId === null) await this.#dropTemporary(volume, snapshot);
      }
    });
  }

  async #makeIn({ spec, path, signal }: Target): Promise<void> {
    const { source, id, sizeGib, key } = spec;
    const create = async (): Promise<void> => {
      const { tools, step } = this.#options;
      const file = { source: path, target: TARGET, writable: true };
      const use = { owner: id, files: [file], keys: [key], what: "making a volume", bytes: 0, signal };
      if (key === null) {
        await tools.img("create", ["-q", "-f", "qcow2", TARGET, `${sizeGib}G`], use);
      } else {
        await writeBlank(await this.#blank(), path, key);
        await tools.img("resize", ["-q", "--image-opts", imageOptions(TARGET, { key: 0 }), `${sizeGib}G`], use);
      }
      step("make:created");
    };
    const target = { spec, path, signal };
    if (source.kind === "empty") await create();
    else if (source.kind === "image") await this.#fromImage(target, source, create);
    else if (source.kind === "backup") await this.#fromBackup(target, source, create);
    else {
      const snapshotId = source.kind === "snapshot" ? source.snapshotId : null;
      const copy = async (point: PointInTime): Promise<void> => {
        if (point.sizeBytes > sizeGib * GIB)
          throw invalid(`What is copied needs ${Math.ceil(point.sizeBytes / GIB)} GiB, the volume has ${sizeGib}`);
        await create();
        await withReadable(this.#options.tools, point, { owner: id, signal, keyAt: 1 }, (source, alive) =>
          this.#convert({ spec, path, signal: alive ?? signal }, source, point.sizeBytes),
        );
      };
      const giveUp = (): Promise<void> => this.#options.files.dropPartial(id);
      await this.pointInTime({ id: source.volumeId, key: source.key }, snapshotId, copy, giveUp);
    }
  }

  /** Read, or made, by whoever needs it first. */
  #blank(): Promise<Pattern> {
    if (this.#pattern === null) {
      const { tools, patternPath } = this.#options;
      this.#pattern = loadPattern(tools, patternPath);
      this.#pattern.catch(() => {
        this.#pattern = null;
      });
    }
    return this.#pattern;
  }

  async #fromImage(
    target: Target,
    source: Extract<VolumeSource, { kind: "image" }>,
    create: () => Promise<void>,
  ): Promise<void> {
    const { images } = this.#options;
    const { imageId, sha512, format, sizeBytes, path } = source;
    const image = await images.ensure({ kind: "image", imageId, sha512, format, sizeBytes }, path, target.signal);
    const needed = Math.ceil(image.virtualBytes / GIB);
    if (needed > target.spec.sizeGib)
      throw invalid(`Image ${imageId} needs ${needed} GiB, the volume has ${target.spec.sizeGib}`);
    await create();
    const files = [{ source: images.path(imageId), target: SOURCE }];
    const from = { files, key: null, args: [], image: imageOptions(SOURCE, { format }) };
    await this.#convert(target, from, image.virtualBytes);
  }

  async #fromBackup(
    { spec, path, signal }: Target,
    { backupId, key }: Extract<VolumeSource, { kind: "backup" }>,
    create: () => Promise<void>,
  ): Promise<void> {
    const { backups, tools, step } = this.#options;
    const { sizeBytes } = await backups.describe(backupId, key);
    if (sizeBytes > spec.sizeGib * GIB)
      throw invalid(`Backup ${backupId} needs ${Math.ceil(sizeBytes / GIB)} GiB, the volume has ${spec.sizeGib}`);
    await create();
    await tools.serve(
      ["--image-opts", imageOptions(TARGET, { key: spec.key === null ? null : 0 })],
      {
        owner: spec.id,
        files: [{ source: path, target: TARGET, writable: true }],
        keys: [spec.key],
        what: "serving a volume that is restored",
        signal,
      },
      (socketPath, alive) => {
        step("restore:served");
        return backups.restore({ backupId, key, socketPath }, () => step("restore:piece"), alive);
      },
    );
  }

  async #convert({ spec, path, signal }: Target, from: Readable, bytes: number): Promise<void> {
    // The target is new, so it is zeroes: what is zero in the source need not be written.
    const target = imageOptions(TARGET, { key: spec.key === null ? null : 0 });
    const args = ["-n", "--target-is-zero", ...from.args, "--image-opts", "--target-image-opts", from.image, target];
    await this.#options.tools.img("convert", args, {
      owner: spec.id,
      files: [{ source: path, target: TARGET, writable: true }, ...from.files],
      keys: [spec.key, from.key],
      what: "filling a volume",
      bytes,
      signal,
    });
  }

  /** Does one change of a volume's file, unless what is there is so already, and writes down what came of it. */
  async #change(
    volume: VolumeName,
    isNeeded: (info: Info) => boolean,
    change: Change,
    revertNonce?: string,
  ): Promise<void> {
    const { files, online, step } = this.#options;
    const { id } = volume;
    await this.#turns.run(id, async () => {
      try {
        if (await files.hasIntent(id)) await this.#mend(volume);
        if (isNeeded(await this.#info(id))) {
          const disk = online.volumeOpen(id);
          await files.writeIntent(id, change.doing);
          step(`${change.doing}:intended`);
          await this.#carryOut(volume, change, disk);
          step(`${change.doing}:done`);
        }
        const nonce = revertNonce ?? (await files.readRecord(id))?.revertNonce ?? null;
        await this.#verify(volume, nonce);
        step(`${change.doing}:recorded`);
        await files.dropIntent(id);
      } catch (error) {
        throw inWords(error, `volume ${id}`);
      }
    });
  }

  async #carryOut(volume: VolumeName, change: Change, disk: OpenDisk | undefined): Promise<void> {
    const { files } = this.#options;
    try {
      if (disk === undefined) await this.#offline(volume, change);
      else await change.online(disk);
    } catch (error) {
      // Refused, nothing was done; else whatever was, is mended now, or before the next change.
      if (isRefused(error) || (error instanceof CloudError && error.kind === "conflict"))
        await files.dropIntent(volume.id);
      else await this.#mend(volume).catch(() => undefined);
      throw error;
    }
  }

  async #offline(volume: VolumeName, { doing, offline }: Change): Promise<void> {
    const [command = "", ...args] = offline(imageOptions(SOURCE, { key: volume.key === null ? null : 0 }));
    await chmod(this.#options.files.image(volume.id), 0o666);
    await this.#options.tools.img(command, args, this.#use(volume, `${doing} of a volume`, true));
  }

  /** After a change that nobody saw the end of. */
  async #mend(volume: VolumeName): Promise<void> {
    const { files, online, tools, log } = this.#options;
    const { id } = volume;
    // Whoever has it open knows what is in it, and would not have opened what it cannot read.
    if (online.volumeOpen(id) === undefined) {
      log.warn({ volume: id }, "a change of a volume was begun and not ended: it is checked");
      await chmod(files.image(id), 0o666);
      const image = imageOptions(SOURCE, { key: volume.key === null ? null : 0 });
      await tools
        .img("check", ["-q", "-r", "all", "--image-opts", image], this.#use(volume, "checking a volume", true))
        .catch((error: unknown) => {
          throw inWords(error, `volume ${id}`);
        });
    }
    this.#verified.delete(id);
    await files.dropIntent(id);
  }

  /** Looks at the file, and writes down what it is. */
  async #verify({ id }: VolumeName, revertNonce: string | null): Promise<VolumeState> {
    const { files } = this.#options;
    const { sizeBytes, snapshots } = await this.#info(id);
    const state = { sizeGib: Math.ceil(sizeBytes / GIB), snapshots, revertNonce };
    await files.writeRecord(id, state);
    this.#verified.add(id);
    return state;
  }

  async #info(volumeId: string): Promise<Info> {
    const args = ["-U", "--output=json", "-f", "qcow2", SOURCE];
    const use = this.#use({ id: volumeId, key: null }, "looking at a volume");
    const output = await this.#options.tools.img("info", args, use).catch((error: unknown) => {
      throw inWords(error, `volume ${volumeId}`);
    });
    return toInfo(JSON.parse(output));
  }

  async #dropTemporary(volume: VolumeName, snapshot: string): Promise<void> {
    try {
      await this.removeSnapshot(volume, snapshot);
      const left = (await this.#info(volume.id)).snapshots.filter(isTemporary);
      for (const name of left) {
        // eslint-disable-next-line no-await-in-loop
        if (!(await this.isRead(volume.id, name))) await this.removeSnapshot(volume, name);
      }
    } catch (error) {
      // It goes when the volume is looked at next.
      this.#options.log.warn({ error, volume: volume.id, snapshot }, "a temporary snapshot was not removed");
    }
  }

  #use(volume: VolumeName, what: string, writable = false): Parameters<VolumeTools["img"]>[2] {
    const file = { source: this.#options.files.image(volume.id), target: SOURCE, writable };
    return { owner: volume.id, files: [file], keys: [volume.key], what, bytes: 0 };
  }
}

function toInfo(parsed: unknown): Info {
  if (!isObject(parsed) || typeof parsed["virtual-size"] !== "number") throw unavailable("a volume cannot be read");
  const snapshots: unknown[] = Array.isArray(parsed["snapshots"]) ? parsed["snapshots"] : [];
  return {
    sizeBytes: parsed["virtual-size"],
    snapshots: snapshots.flatMap((each) => (isObject(each) ? String(each["name"]) : [])),
  };
}
