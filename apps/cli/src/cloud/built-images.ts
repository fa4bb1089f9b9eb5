/** Images built on this machine from Debian's packages, ready to be registered in a cloud. */
import { type BuildImageOptions, type ImageName, buildImage } from "../image/build-image.ts";
import type { ImageFile } from "./furnish.ts";

export type BuiltImage = ImageFile & { summary: string };

/** What a server from the image needs at least. */
const NEEDS: { [name in ImageName]: { minDiskGib: number; minRamMib: number } } = {
  mini: { minDiskGib: 1, minRamMib: 64 },
  "debian-13": { minDiskGib: 3, minRamMib: 512 },
};

/** Built unless the data directory has it from the same recipe. */
export async function ensureBuiltImage(
  place: { data: string; engineRoot: string },
  name: ImageName,
  tell: (text: string) => void,
  log: BuildImageOptions["log"] = () => undefined,
): Promise<BuiltImage> {
  const built = await buildImage({ name, dataDir: place.data, engineRoot: place.engineRoot, log, onStep: tell });
  const size = `${(built.sizeBytes / 1024 / 1024).toFixed(0)} MiB`;
  return { name, file: built.path, ...NEEDS[name], summary: built.built ? `built, ${size}` : size };
}
