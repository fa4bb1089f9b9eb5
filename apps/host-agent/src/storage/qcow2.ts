/**
 * A guest's disks: qcow2 files, an overlay on a cached image or empty. A disk under its final name is whole; beside it,
 * out of the guest's reach, a record says what it was made from.
 */
import { lstat, mkdir, chown, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { GuestDisk, GuestSpec } from "@andromede/agent-api/types";
import { CloudError, invalid, noCapacity } from "@andromede/base/errors";

import { readIfThere, removePath, writeDurably } from "../durable.ts";
import { ProgramError } from "../jail/run.ts";
import { type GuestPaths, basePath, diskPath } from "../qemu/guest-jail.ts";
import { settleAll } from "../settle.ts";
import type { CachedImage, ImageCache } from "./image-cache.ts";
import type { QemuImg, User } from "./qemu-img.ts";

/** What is on the disk: enough to tell whether a spec's disk is it. */
export type DiskRecord = { id: string; imageId: string | null; sizeGib: number; nonce?: string };

export type DiskMaker = {
  /** Records of the disks that are there, whole. */
  load(paths: GuestPaths): Promise<DiskRecord[]>;
  /** Makes the disks as the spec wants them; those that are so already are left as they are. Gives all records. */
  ensure(spec: GuestSpec, paths: GuestPaths, user: User, signal: AbortSignal): Promise<DiskRecord[]>;
};

const RECORD = /^disk-(.+)\.json$/;
const GIB = 2 ** 30;

const recordPath = (paths: GuestPaths, diskId: string): string => join(paths.directory, `disk-${diskId}.json`);
const wantedRecord = ({ id, source, sizeGib, nonce }: GuestDisk): DiskRecord => ({
  id,
  imageId: source.kind === "image" ? source.imageId : null,
  sizeGib,
  ...(nonce === undefined ? {} : { nonce }),
});
/** The disks that are made here, and for this guest only. */
const ownDisks = ({ disks }: GuestSpec): GuestDisk[] => disks.filter(({ source }) => source.kind !== "volume");
/** Of another making: it cannot become what is wanted. */
const isOther = (old: DiskRecord, wanted: DiskRecord): boolean =>
  old.imageId !== wanted.imageId || old.nonce !== wanted.nonce;

/** Do the records say just what the spec wants? Disks that are detached need only be kept. */
export function disksFit(spec: GuestSpec, records: readonly DiskRecord[]): boolean {
  if (disksGo(spec, records)) return false;
  return ownDisks(spec).every((disk) => {
    const record = records.find(({ id }) => id === disk.id);
    return disk.detached === true || (record !== undefined && record.sizeGib === disk.sizeGib);
  });
}

/** Is there a disk that must go, be it for good or to be made anew? */
export function disksGo(spec: GuestSpec, records: readonly DiskRecord[]): boolean {
  return records.some((record) => {
    const disk = ownDisks(spec).find(({ id }) => id === record.id);
    return disk === undefined || (disk.detached !== true && isOther(record, wantedRecord(disk)));
  });
}

/** Disks as qcow2 files. */
export function createDiskMaker(options: { cache: ImageCache; qemuImg: QemuImg }): DiskMaker {
  return {
    load: loadRecords,
    async ensure(spec, paths, user, signal) {
      try {
        await mkdir(paths.disks, { recursive: true, mode: 0o700 });
        await chown(paths.disks, user.uid, user.gid);
        const old = await loadRecords(paths);
        const wanted = ownDisks(spec);
        const kept = wanted.filter(({ detached }) => detached === true).map(({ id }) => id);
        const made = wanted.filter(({ detached }) => detached !== true);
        const extra = old.filter(({ id }) => !wanted.some((disk) => disk.id === id));
        const place: Place = { ...options, spec, paths, user, signal };
        await settleAll([
          ...extra.map(({ id }) => removeDisk(paths, id)),
          ...made.map((disk) =>
            ensureDisk(
              place,
              disk,
              old.find(({ id }) => id === disk.id),
            ),
          ),
        ]);
        return [...old.filter(({ id }) => kept.includes(id)), ...made.map(wantedRecord)];
      } catch (error) {
        throw inWords(error, spec);
      }
    },
  };
}

/** Whose disks, where, with what. */
type Place = {
  cache: ImageCache;
  qemuImg: QemuImg;
  spec: GuestSpec;
  paths: GuestPaths;
  user: User;
  signal: AbortSignal;
};

async function loadRecords(paths: GuestPaths): Promise<DiskRecord[]> {
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

async function ensureDisk(place: Place, disk: GuestDisk, old: DiskRecord | undefined): Promise<void> {
  const wanted = wantedRecord(disk);
  if (old === undefined || isOther(old, wanted)) {
    const image = disk.source.kind === "image" ? await cachedFor(place, disk, disk.source) : null;
    if (image === null && disk.sizeGib === 0) throw invalid(`Disk ${disk.id} has no size`);
    await createDisk(place, disk, image);
    return;
  }
  if (old.sizeGib === wanted.sizeGib) return;
  if (wanted.sizeGib < old.sizeGib) {
    throw invalid(`Disk ${disk.id} cannot shrink from ${old.sizeGib} to ${disk.sizeGib} GiB`);
  }
  await runOnDisk(place, disk, "growing", ["resize", "-q", "-f", "qcow2", diskPath(disk.id), `${disk.sizeGib}G`]);
  await writeDurably(recordPath(place.paths, disk.id), JSON.stringify(wanted));
}

async function createDisk(place: Place, disk: GuestDisk, image: CachedImage | null): Promise<void> {
  const { paths } = place;
  const record = wantedRecord(disk);
  const partial = `${paths.disk(disk.id)}.partial`;
  await removePath(partial);
  const size = disk.sizeGib === 0 ? [] : [`${disk.sizeGib}G`];
  const backing = image === null || record.imageId === null ? [] : ["-b", basePath(record.imageId), "-F", image.format];
  await runOnDisk(place, disk, "making", [
    "create",
    "-q",
    "-f",
    "qcow2",
    ...backing,
    `${diskPath(disk.id)}.partial`,
    ...size,
  ]);
  // What ran in the jail had a customer's image in its hands: make sure that it left a file, and no way elsewhere.
  if (!(await lstat(partial)).isFile()) throw new Error(`${partial} is not a file`);
  await removePath(paths.disk(disk.id));
  await writeDurably(recordPath(paths, disk.id), JSON.stringify(record));
  await rename(partial, paths.disk(disk.id));
}

/** qemu-img, seeing the guest's disks and the image that this one is made from. */
async function runOnDisk(
  { cache, qemuImg, paths, user, signal }: Place,
  disk: GuestDisk,
  doing: string,
  args: string[],
): Promise<void> {
  const { imageId } = wantedRecord(disk);
  const image = imageId === null ? [] : [{ source: cache.path(imageId), target: basePath(imageId) }];
  const disks = { source: paths.disks, target: dirname(diskPath(disk.id)), writable: true };
  await qemuImg.run(args, { binds: [disks, ...image], user, what: `${doing} disk ${disk.id}`, signal });
}

async function removeDisk(paths: GuestPaths, diskId: string): Promise<void> {
  await removePath(paths.disk(diskId));
  await removePath(recordPath(paths, diskId));
}

async function cachedFor(
  { cache, spec, signal }: Place,
  disk: GuestDisk,
  source: Extract<GuestDisk["source"], { kind: "image" }>,
): Promise<CachedImage> {
  const location = spec.images.find(({ imageId }) => imageId === source.imageId);
  const image = await cache.ensure(source, location?.path, signal);
  if (disk.sizeGib > 0 && image.virtualBytes > disk.sizeGib * GIB) {
    const needed = Math.ceil(image.virtualBytes / GIB);
    throw invalid(
      `Image ${source.imageId} is larger than the disk: it needs ${needed} GiB, the disk has ${disk.sizeGib}`,
    );
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
