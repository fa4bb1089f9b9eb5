import { invalid } from "@andromede/base/errors";
import { ensureEngineRoot } from "@andromede/engines/engine-root";

import { type BuiltImage, ensureBuiltImage } from "../cloud/built-images.ts";
import { imageNames } from "../image/build-image.ts";
import { DATA_LOCK_MS, dataLock, withMachineLock } from "../instance/machine-lock.ts";
import { report, reportJson } from "../output.ts";
import { runPlan } from "../steps.ts";

/** `andromede image build NAME`. */
export async function imageBuild(command: { data: string; name: string; json: boolean }): Promise<number> {
  const name = imageNames.find((candidate) => candidate === command.name);
  if (name === undefined) throw invalid(`no image "${command.name}"; there are ${imageNames.join(", ")}`);
  let engineRoot = "";
  let image: BuiltImage | undefined;
  await runPlan(
    [
      {
        title: "Engine root",
        run: async (tell) => {
          const root = await withMachineLock(
            dataLock(command.data, "engine-root"),
            DATA_LOCK_MS,
            () => tell("being built by another command"),
            () => ensureEngineRoot(command.data, tell),
          );
          engineRoot = root.directory;
          return root.hash;
        },
      },
      {
        title: `Image ${name}`,
        run: async (tell) => {
          image = await withMachineLock(
            dataLock(command.data, `image-${name}`),
            DATA_LOCK_MS,
            () => tell("being built by another command"),
            () => ensureBuiltImage({ data: command.data, engineRoot }, name, tell),
          );
          return image.summary;
        },
      },
    ],
    [],
  );
  if (command.json) reportJson({ name, file: image?.file });
  else report(image?.file ?? "");
  return 0;
}
