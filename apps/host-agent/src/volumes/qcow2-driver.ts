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

import type { Bind } from "../jail/jail.ts";
import type { ImageCache } from "../storage/image-cache.ts";
import type { BackupReader } from "./backup-store.ts";
import {
  type StepHook,
  type VolumeDriver,
  type VolumeName,
  type VolumeState,
  isTemporary,
  temporaryName,
} from "./driver.ts";
import type { OnlineGuests, OpenDisk } from "./online.ts";
import type { PoolFiles } from "./qcow2-pool.ts";
import { type Slots, Turns } from "./slots.ts";
import { type VolumeTools, imageOptions } from "./tools.ts";
import { inWords, isLocked, isRefused } from "./words.ts";

const GIB = 2 ** 30;
const TARGET = "/volume/target";
const SOURCE = "/volume/source";
/**
 * Milliseconds of key derivation. The passphrase has 256 random bits: nobody guesses it however fast one guess is, and
 * each opening of the volume takes as long.
 */
const KEY_DERIVATION_MS = 10;

/** A snapshot of a volume that stays while something is made from it. */
export type PointInTime = { volume: VolumeName; snapshot: string; path: string; sizeBytes: number };

export type Qcow2DriverOptions = {
  files: PoolFiles;
  tools: VolumeTools;
  online: OnlineGuests;
  images: ImageCache;
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

  exists(volumeId: string): Promise<boolean> {
    return this.#options.files.exists(volumeId);
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
        return await work({ volume, snapshot, path: files.image(id), sizeBytes });
      } finally {
        if (snapshotId === null) await this.#dropTemporary(volume, snapshot);
      }
    });
  }

  async #makeIn({ spec, path, signal }: Target): Promise<void> {
    const { source, id, sizeGib, key } = spec;
    const create = async (): Promise<void> => {
      const encryption =
        key === null
          ? []
          : ["-o", `encrypt.format=luks,encrypt.key-secret=key0,encrypt.iter-time=${KEY_DERIVATION_MS}`];
      await this.#options.tools.img("create", ["-q", "-f", "qcow2", ...encryption, TARGET, `${sizeGib}G`], {
        owner: id,
        files: [{ source: path, target: TARGET, writable: true }],
        keys: [key],
        what: "making a volume",
        bytes: 0,
        signal,
      });
      this.#options.step("make:created");
    };
    const target = { spec, path, signal };
    if (source.kind === "empty") await create();
    else if (source.kind === "image") await this.#fromImage(target, source, create);
    else if (source.kind === "backup") await this.#fromBackup(target, source, create);
    else {
      const snapshotId = source.kind === "snapshot" ? source.snapshotId : null;
      await this.pointInTime({ id: source.volumeId, key: source.key }, snapshotId, async (point) => {
        await create();
        await this.#convert(target, {
          file: { source: point.path, target: SOURCE },
          key: point.volume.key,
          args: ["-U", "-l", `snapshot.name=${point.snapshot}`, "--image-opts"],
          image: (at) => imageOptions(SOURCE, { key: at }),
          bytes: point.sizeBytes,
        });
      });
    }
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
    await this.#convert(target, {
      file: { source: images.path(imageId), target: SOURCE },
      key: null,
      args: ["--image-opts"],
      image: () => imageOptions(SOURCE, { format }),
      bytes: image.virtualBytes,
    });
  }

  async #fromBackup(
    { spec, path, signal }: Target,
    { backupId, key }: Extract<VolumeSource, { kind: "backup" }>,
    create: () => Promise<void>,
  ): Promise<void> {
    const { backups, tools } = this.#options;
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
      (socketPath, alive) => backups.restore({ backupId, key, socketPath, signal: alive }),
    );
  }

  async #convert(
    { spec, path, signal }: Target,
    from: { file: Bind; key: string | null; args: string[]; image: (key: number | null) => string; bytes: number },
  ): Promise<void> {
    // The target is new, so it is zeroes: what is zero in the source need not be written.
    const target = imageOptions(TARGET, { key: spec.key === null ? null : 0 });
    await this.#options.tools.img(
      "convert",
      [
        "-n",
        "--target-is-zero",
        ...from.args,
        "--target-image-opts",
        from.image(from.key === null ? null : 1),
        target,
      ],
      {
        owner: spec.id,
        files: [{ source: path, target: TARGET, writable: true }, from.file],
        keys: [spec.key, from.key],
        what: "filling a volume",
        bytes: from.bytes,
        signal,
      },
    );
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
      if (isRefused(error) || (error instanceof CloudError && error.kind === "conflict")) await files.dropIntent(volume.id);
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
