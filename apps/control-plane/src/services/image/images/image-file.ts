/** An image's bytes as a file of this machine, for what needs one. */
import { setTimeout as delay } from "node:timers/promises";

import { CloudError } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import type { ImageBytes } from "../store/bytes-name.ts";

export type ImageFile = { path: string } | { later: string } | { gone: true };

/** Short enough for a reconciler's turn, long enough for most images that are not here yet. */
const PATIENCE_MS = 2_000;

export async function bringImageFile(
  { imageStore, log }: Pick<App, "imageStore" | "log">,
  of: ImageBytes,
): Promise<ImageFile> {
  const brought = imageStore.file(of).then(
    (path) => ({ path }),
    (error: unknown): ImageFile => {
      if (error instanceof CloudError && error.kind === "notFound") return { gone: true };
      log.warn({ error, imageId: of.imageId }, "the data of an image could not be brought here");
      return { later: `the data of image ${of.imageId} cannot be had at the moment` };
    },
  );
  const patience = new AbortController();
  const late: Promise<ImageFile> = delay(
    PATIENCE_MS,
    { later: `the data of image ${of.imageId} is being brought to this machine` },
    { signal: patience.signal },
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([brought, late]);
  } finally {
    patience.abort();
  }
}
