/**
 * The md5 of a large image is not computed while it is uploaded, for that would take half as long again and only older
 * clients look at it. Whoever asks for the image waits for it; if nobody does, the reconciler sees to it a little later.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { App } from "../../../app.ts";
import { hashFile } from "../store/hasher.ts";
import type { Image } from "./image.model.ts";
import { setChecksum } from "./image.queries.ts";

type Needs = Pick<App, "db" | "imageStore" | "log">;

/** Longer than that nobody is kept waiting: the image is shown without. */
const PATIENCE_MS = 20_000;

const running = new Map<string, Promise<string>>();

/** Computes and keeps it; whoever asks at the same time shares the work. */
export async function makeChecksum(app: Needs, id: string, uploadId: string): Promise<string> {
  const key = `${id}.${uploadId}`;
  const found = running.get(key);
  if (found !== undefined) return found;
  const made = (async () => {
    const checksum = await hashFile(await app.imageStore.file({ imageId: id, uploadId }), "md5");
    await setChecksum(app.db, id, uploadId, checksum);
    return checksum;
  })();
  running.set(key, made);
  try {
    return await made;
  } finally {
    running.delete(key);
  }
}

/** The image with its checksum, if it can have one. */
export async function withChecksum(app: Needs, image: Image): Promise<Image> {
  if (
    image.checksum !== null ||
    image.uploadId === null ||
    (image.status !== "active" && image.status !== "deactivated")
  )
    return image;
  const made = makeChecksum(app, image.id, image.uploadId).catch((error: unknown) => {
    app.log.warn({ error, imageId: image.id }, "the checksum of an image could not be computed");
    return null;
  });
  const patience = new AbortController();
  const checksum = await Promise.race([
    made,
    delay(PATIENCE_MS, null, { signal: patience.signal, ref: false }).catch(() => null),
  ]);
  patience.abort();
  return { ...image, checksum };
}
