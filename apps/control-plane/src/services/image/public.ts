/** All that other services may know of images. */
import type { App } from "../../app.ts";
import type { Queryable } from "../../db/database.ts";
import type { Actor, Plane } from "../../http/identity-token.ts";
import { invalid, notFound } from "@andromede/base/errors";

import { type BootImage, type Image, bootFormat, reasonNotBootable } from "./images/image.model.ts";
import { findImage, findVisibleImage } from "./images/image.queries.ts";
import { imagePath } from "./store/image-store.ts";

export type { BootImage } from "./images/image.model.ts";

/**
 * The image that the actor wants a server made from. Throws `notFound` for one they may not see and `invalid` for
 * one that cannot be booted (not active, wrong format, contents that are not what they were declared to be).
 */
export async function imageForBoot(
  sql: Queryable,
  who: { app: Pick<App, "config">; actor: Actor; plane: Plane },
  imageId: string,
): Promise<BootImage> {
  const image = await findVisibleImage(sql, who, imageId);
  if (image === null) throw notFound(`Image ${imageId} could not be found.`);
  return toBootImage(who.app, image);
}

/**
 * The same for a reconciler, which acts for nobody: null when the image is gone, deactivated or cannot be booted.
 */
export async function bootImageById(
  sql: Queryable,
  app: Pick<App, "config">,
  imageId: string,
): Promise<BootImage | null> {
  const image = await findImage(sql, imageId);
  return image === null || reasonNotBootable(image) !== null ? null : toBootImage(app, image);
}

function toBootImage(app: Pick<App, "config">, image: Image): BootImage {
  const reason = reasonNotBootable(image);
  const format = bootFormat(image);
  if (
    reason !== null ||
    format === null ||
    image.sha512 === null ||
    image.sizeBytes === null ||
    image.uploadId === null
  ) {
    throw invalid(reason ?? `Image ${image.id} has no data.`, { type: "ImageUnacceptable" });
  }
  return {
    id: image.id,
    name: image.name,
    path: imagePath(app.config, image.id, image.uploadId),
    sha512: image.sha512,
    format,
    sizeBytes: image.sizeBytes,
    virtualSizeBytes: image.virtualSizeBytes ?? image.sizeBytes,
    minDisk: image.minDisk,
    minRam: image.minRam,
    projectId: image.projectId,
    visibility: image.visibility,
    properties: image.properties,
  };
}
