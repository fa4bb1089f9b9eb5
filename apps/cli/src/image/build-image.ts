import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

import { internal } from "@andromede/base/errors";
import { isObject } from "@andromede/base/json";

import { joinGrubStages } from "./grub.ts";
import {
  type PackageVersion,
  type RecipeFile,
  listEntries,
  parsePackages,
  readRecipe,
  recipeHash,
  recipeText,
} from "./recipe.ts";
import { type Output, jailArguments, makeSystem, makeWorkshop, runProgram } from "./workshop.ts";

export type ImageName = "mini" | "debian-13";
export const imageNames: readonly ImageName[] = ["mini", "debian-13"];

export type BuildImageOptions = {
  name: ImageName;
  /** The data directory; the image goes to `<dataDir>/built-images`. */
  dataDir: string;
  /** The root file system qemu-img is taken from. */
  engineRoot: string;
  log: (line: string) => void;
  onStep?: (step: string) => void;
  /** Builds again even if the recipe is the same: how a newer package gets in. */
  force?: boolean;
  /** Where Debian's archive is; the address before /debian and /debian-security. */
  mirror?: string;
};

export type BuiltImage = { path: string; sha512: string; sizeBytes: number; built: boolean };

/** What `<name>.json` says of the image beside it. */
type ImageRecord = {
  name: ImageName;
  recipeHash: string;
  sha512: string;
  sizeBytes: number;
  packages: PackageVersion[];
};

const IMAGES_FOLDER = fileURLToPath(new URL("../../../../images", import.meta.url));
/** The times of files that the build makes; of Debian 13's release, so never newer than the machine's clock. */
const SYSTEM_EPOCH = "1754697600";
const GRUB_SECTOR = 2048;
const GRUB_SECTORS = 2048;

/**
 * Builds the image unless `<dataDir>/built-images` has it from the same recipe. May be killed at any instant: all work
 * is done in a folder of its own, and `<name>.json`, written last, is what makes an image count.
 */
export async function buildImage(options: BuildImageOptions): Promise<BuiltImage> {
  const { recipe, recipeFolder, sharedFolder, hash } = await readImageRecipe(options.name);
  const { folder, ...target } = imageFiles(options.dataDir, options.name);

  const existing = options.force === true ? null : await findBuilt(target, hash);
  if (existing !== null) return existing;

  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const work = await mkdtemp(path.join(folder, `.building-${process.pid}-`));
  try {
    // mmdebstrap in a user namespace is another user here.
    await chmod(work, 0o755);
    await mkdir(path.join(work, "out"));
    const output: Output = { log: options.log, onStep: options.onStep ?? (() => undefined) };
    const place = { recipe, recipeFolder, sharedFolder, work, mirror: options.mirror ?? "http://deb.debian.org" };
    await (options.name === "mini" ? makeMiniDisk(place, output) : makeDebianDisk(place, output));

    output.onStep("qcow2");
    await convertDisk(options.engineRoot, work, output);
    const image = path.join(work, "out", "image.qcow2");
    const record: ImageRecord = {
      name: options.name,
      recipeHash: hash,
      sha512: await sha512Of(image),
      sizeBytes: (await stat(image)).size,
      packages: parsePackages(await readFile(path.join(work, "out", "packages.txt"), "utf8")),
    };
    await publish(target, image, record, work);
    return { path: target.image, sha512: record.sha512, sizeBytes: record.sizeBytes, built: true };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The image if `<dataDir>/built-images` has it, whole and from the present recipe. */
export async function findBuiltImage(dataDir: string, name: ImageName): Promise<BuiltImage | null> {
  const { hash } = await readImageRecipe(name);
  return await findBuilt(imageFiles(dataDir, name), hash);
}

/** The recipe of an image, and the hash that its record carries. */
export async function readImageRecipe(
  name: ImageName,
): Promise<{ recipe: RecipeFile[]; recipeFolder: string; sharedFolder: string; hash: string }> {
  const recipeFolder = path.join(IMAGES_FOLDER, name);
  const sharedFolder = path.join(IMAGES_FOLDER, "shared");
  const [recipe, shared] = await Promise.all([readRecipe(recipeFolder), readRecipe(sharedFolder)]);
  const hash = recipeHash([...recipe, ...shared.map((file) => ({ ...file, path: `../shared/${file.path}` }))]);
  return { recipe, recipeFolder, sharedFolder, hash };
}

function imageFiles(dataDir: string, name: ImageName): { folder: string; image: string; record: string } {
  const folder = path.join(dataDir, "built-images");
  return { folder, image: path.join(folder, `${name}.qcow2`), record: path.join(folder, `${name}.json`) };
}

type Place = { recipe: RecipeFile[]; recipeFolder: string; sharedFolder: string; work: string; mirror: string };

async function makeMiniDisk(place: Place, output: Output): Promise<void> {
  output.onStep("packages");
  const packages = listEntries(recipeText(place.recipe, "packages.txt"));
  const workshop = await makeWorkshop({ ...place, folder: place.work, packages }, output);
  await assemble(workshop, place, output);
}

async function makeDebianDisk(place: Place, output: Output): Promise<void> {
  output.onStep("packages");
  const packages = listEntries(recipeText(place.recipe, "packages.txt"));
  const customize = path.join(place.recipeFolder, "customize.sh");
  await makeSystem({ packages, customize, folder: place.work, mirror: place.mirror, epoch: SYSTEM_EPOCH }, output);
  output.onStep("tools");
  const tools = listEntries(recipeText(place.recipe, "tools.txt"));
  const workshop = await makeWorkshop({ ...place, folder: place.work, packages: tools }, output);
  await assemble(workshop, place, output);
  await installGrub(path.join(place.work, "out"));
}

async function assemble(workshop: string, place: Place, output: Output): Promise<void> {
  const jail = jailArguments(workshop, "write", {
    readOnly: [[place.recipeFolder, "/recipe"]],
    writable: [[path.join(place.work, "out"), "/out"]],
  });
  await runProgram([...jail, "sh", "/recipe/assemble.sh"], { SOURCE_DATE_EPOCH: SYSTEM_EPOCH }, output);
}

async function installGrub(out: string): Promise<void> {
  const [boot, coreImage] = await Promise.all([
    readFile(path.join(out, "boot.img")),
    readFile(path.join(out, "core.img")),
  ]);
  const { bootCode, core } = joinGrubStages(boot, coreImage, GRUB_SECTOR, GRUB_SECTORS);
  const disk = await open(path.join(out, "disk.raw"), "r+");
  try {
    await disk.write(bootCode, 0, bootCode.length, 0);
    await disk.write(core, 0, core.length, GRUB_SECTOR * 512);
  } finally {
    await disk.close();
  }
}

/** zstd, because a guest reads its kernel through it at every boot of a fresh overlay. */
async function convertDisk(engineRoot: string, work: string, output: Output): Promise<void> {
  const jail = jailArguments(engineRoot, "read", { writable: [[path.join(work, "out"), "/srv"]] });
  const convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd"];
  await runProgram([...jail, ...convert, "/srv/disk.raw", "/srv/image.qcow2"], {}, output);
}

async function sha512Of(file: string): Promise<string> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

async function findBuilt(target: { image: string; record: string }, hash: string): Promise<BuiltImage | null> {
  const record = await readRecord(target.record);
  if (record?.recipeHash !== hash) return null;
  const size = await stat(target.image).then(
    (status) => status.size,
    () => null,
  );
  if (size !== record.sizeBytes) return null;
  return { path: target.image, sha512: record.sha512, sizeBytes: record.sizeBytes, built: false };
}

/** What the record says, or null where there is none that can be read: the image is then built again. */
async function readRecord(file: string): Promise<{ recipeHash: string; sha512: string; sizeBytes: number } | null> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, "utf8"));
  } catch {
    return null;
  }
  if (!isObject(parsed)) return null;
  const { recipeHash: hash, sha512, sizeBytes } = parsed;
  return typeof hash === "string" && typeof sha512 === "string" && typeof sizeBytes === "number"
    ? { recipeHash: hash, sha512, sizeBytes }
    : null;
}

/** The old record goes first: at no instant does a record describe another image than the one beside it. */
async function publish(
  target: { image: string; record: string },
  image: string,
  record: ImageRecord,
  work: string,
): Promise<void> {
  const recordFile = path.join(work, "record.json");
  await writeDurably(recordFile, `${JSON.stringify(record, null, 2)}\n`);
  const handle = await open(image, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(target.record, { force: true });
  await rename(image, target.image);
  await rename(recordFile, target.record);
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Working folders whose process is gone. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^\.building-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || (await isAlive(Number(pid)))) continue;
    // eslint-disable-next-line no-await-in-loop
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

async function isAlive(pid: number): Promise<boolean> {
  if (!Number.isSafeInteger(pid)) throw internal(`not a process id: ${pid}`);
  return await stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
}
