/**
 * A guest's disks: qcow2 files, an overlay on a cached image or empty. A disk under its final name is whole; beside it,
 * out of the guest's reach, a record says what it was made from.
 */
import { lstat, mkdir, chown, readdir, rename } from "node:fs/promises";
import { join } from "node:path";

import type { GuestDisk, GuestSpec } from "@andromede/agent-api/types";
import { CloudError, invalid, noCapacity } from "@andromede/base/errors";

import { readIfThere, removePath, writeDurably } from "../durable.ts";
import { ProgramError } from "../jail/run.ts";
import { type GuestPaths, basePath } from "../qemu/guest-jail.ts";
import type { CachedImage, ImageCache } from "./image-cache.ts";
import type { QemuImg, User } from "./qemu-img.ts";

/** What is on the disk: enough to tell whether a spec's disk is it. */
export type DiskRecord = { id: string; imageId: string | null; sizeGib: number };

export type DiskMaker = {
  /** Records of the disks that are there, whole. */
  load(paths: GuestPaths): Promise<DiskRecord[]>;
  /** Makes the disks as the spec wants them; those that are so already are left as they are. Gives all records. */
  ensure(spec: GuestSpec, paths: GuestPaths, user: User, signal: AbortSignal): Promise<DiskRecord[]>;
};

const RECORD = /^disk-(.+)\.json$/;
const GIB = 2 ** 30;

const recordPath = (paths: GuestPaths, diskId: string): string => join(paths.directory, `disk-${diskId}.json`);
const wantedRecord = ({ id, source, sizeGib }: GuestDisk): DiskRecord => ({
  id,
  imageId: source.kind === "image" ? source.imageId : null,
  sizeGib,
});

/** Do the records say just what the spec wants? */
export function disksFit(spec: GuestSpec, records: readonly DiskRecord[]): boolean {
  const key = ({ id, imageId, sizeGib }: DiskRecord): string => `${id} ${imageId} ${sizeGib}`;
  return spec.disks.map((disk) => key(wantedRecord(disk))).toSorted().join() === records.map(key).toSorted().join();
}

/** Disks as qcow2 files. */
export function createDiskMaker(options: { cache: ImageCache; qemuImg: QemuImg }): DiskMaker {
  const { cache, qemuImg } = options;

  async function create(disk: GuestDisk, image: CachedImage | null, paths: GuestPaths, user: User, signal: AbortSignal): Promise<void> {
    const partial = `${paths.disk(disk.id)}.partial`;
    await removePath(partial);
    const inJail = `/guest/disks/${disk.id}.qcow2.partial`;
    const record = wantedRecord(disk);
    const size = disk.sizeGib === 0 ? [] : [`${disk.sizeGib}G`];
    const backing = image === null || record.imageId === null ? [] : ["-b", basePath(record.imageId), "-F", image.format];
    const images = record.imageId === null ? [] : [{ source: cache.path(record.imageId), target: basePath(record.imageId) }];
    await qemuImg.run(["create", "-q", "-f", "qcow2", ...backing, inJail, ...size], {
      binds: [{ source: paths.disks, target: "/guest/disks", writable: true }, ...images],
      user,
      what: `making disk ${disk.id}`,
      signal,
    });
    // What ran in the jail had a customer's image in its hands: make sure that it left a file, and no way elsewhere.
    if (!(await lstat(partial)).isFile()) throw new Error(`${partial} is not a file`);
    await removePath(paths.disk(disk.id));
    await writeDurably(recordPath(paths, disk.id), JSON.stringify(record));
    await rename(partial, paths.disk(disk.id));
  }

  async function grow(disk: GuestDisk, paths: GuestPaths, user: User, signal: AbortSignal): Promise<void> {
    const record = wantedRecord(disk);
    const images = record.imageId === null ? [] : [{ source: cache.path(record.imageId), target: basePath(record.imageId) }];
    await qemuImg.run(["resize", "-q", "-f", "qcow2", `/guest/disks/${disk.id}.qcow2`, `${disk.sizeGib}G`], {
      binds: [{ source: paths.disks, target: "/guest/disks", writable: true }, ...images],
      user,
      what: `growing disk ${disk.id}`,
      signal,
    });
    await writeDurably(recordPath(paths, disk.id), JSON.stringify(record));
  }

  async function ensureDisk(spec: GuestSpec, disk: GuestDisk, old: DiskRecord | undefined, paths: GuestPaths, user: User, signal: AbortSignal): Promise<void> {
    const wanted = wantedRecord(disk);
    if (old !== undefined && old.imageId === wanted.imageId) {
      if (old.sizeGib === wanted.sizeGib) return;
      if (wanted.sizeGib < old.sizeGib) throw invalid(`Disk ${disk.id} cannot shrink from ${old.sizeGib} to ${disk.sizeGib} GiB`);
      await grow(disk, paths, user, signal);
      return;
    }
    const image = disk.source.kind === "image" ? await cachedFor(cache, spec, disk, disk.source, signal) : null;
    if (image === null && disk.sizeGib === 0) throw invalid(`Disk ${disk.id} has no size`);
    await create(disk, image, paths, user, signal);
  }

  async function load(paths: GuestPaths): Promise<DiskRecord[]> {
    const names = await readdir(paths.directory).catch(() => []);
    const records = await Promise.all(
      names.map(async (name): Promise<DiskRecord | null> => {
        const diskId = RECORD.exec(name)?.[1];
        if (diskId === undefined) return null;
        const there = await lstat(paths.disk(diskId)).catch(() => null);
        const record = await readIfThere(join(paths.directory, name));
        return there?.isFile() === true && record !== null ? (JSON.parse(record) as DiskRecord) : null;
      }),
    );
    return records.filter((record) => record !== null);
  }

  return {
    load,
    async ensure(spec, paths, user, signal) {
      try {
        await mkdir(paths.disks, { recursive: true, mode: 0o700 });
        await chown(paths.disks, user.uid, user.gid);
        const old = await load(paths);
        await Promise.all(
          old.filter(({ id }) => !spec.disks.some((disk) => disk.id === id)).map(({ id }) => removeDisk(paths, id)),
        );
        await Promise.all(
          spec.disks.map((disk) => ensureDisk(spec, disk, old.find(({ id }) => id === disk.id), paths, user, signal)),
        );
      } catch (error) {
        throw inWords(error, spec);
      }
      return spec.disks.map(wantedRecord);
    },
  };
}

async function removeDisk(paths: GuestPaths, diskId: string): Promise<void> {
  await removePath(paths.disk(diskId));
  await removePath(recordPath(paths, diskId));
}

async function cachedFor(
  cache: ImageCache,
  spec: GuestSpec,
  disk: GuestDisk,
  source: Extract<GuestDisk["source"], { kind: "image" }>,
  signal: AbortSignal,
): Promise<CachedImage> {
  const location = spec.images.find(({ imageId }) => imageId === source.imageId);
  const image = await cache.ensure(source, location?.path, signal);
  if (disk.sizeGib > 0 && image.virtualBytes > disk.sizeGib * GIB) {
    const needed = Math.ceil(image.virtualBytes / GIB);
    throw invalid(`Image ${source.imageId} is larger than the disk: it needs ${needed} GiB, the disk has ${disk.sizeGib}`);
  }
  return image;
}

function inWords(error: unknown, spec: GuestSpec): unknown {
  if (error instanceof CloudError) return error;
  const full =
    (error as NodeJS.ErrnoException).code === "ENOSPC" ||
    (error instanceof ProgramError && error.stderr.includes("No space left on device"));
  return full ? noCapacity(`The host has no space left for the disks of server ${spec.id}`, { cause: error }) : error;
}
