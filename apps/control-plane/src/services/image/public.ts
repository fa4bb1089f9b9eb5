/** All that other services may know of images. */
import type { Readable } from "node:stream";

import type { App } from "../../app.ts";
import { conflict, invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

import type { Transaction } from "../../db/transaction.ts";
import { startDeletion } from "./images/delete-image.ts";
import { type ImageFile, bringImageFile } from "./images/image-file.ts";
import { type BootImage, type Image, type ImageStatus, bootFormat, reasonNotBootable } from "./images/image.model.ts";
import { findImage, findVisibleImage, insertImage, listServerBackups } from "./images/image.queries.ts";
import { uploadMade } from "./images/upload-image.ts";

export type { BootImage, Image as ProxiedImage, ImageStatus } from "./images/image.model.ts";
/** For Nova's older door to images. */
export { deleteImage } from "./images/delete-image.ts";
export { readFilters as readImageFilters } from "./images/image-filters.ts";
export { findVisibleImage as readVisibleImage } from "./images/image.queries.ts";
export { readImages } from "./images/read-images.ts";
export { changeImageProperties } from "./images/update-image.ts";

/**
 * The image that the actor wants a server made from. Throws `notFound` for one they may not see and `invalid` for
 * one that cannot be booted (not active, wrong format, contents that are not what they were declared to be).
 */
export async function imageForBoot(
  sql: Queryable,
  who: { actor: Actor; plane: Plane },
  imageId: string,
): Promise<BootImage> {
  const image = await findVisibleImage(sql, who, imageId);
  if (image === null) throw notFound(`Image ${imageId} could not be found.`);
  return toBootImage(image);
}

/**
 * The same for a reconciler, which acts for nobody: null when the image is gone, deactivated or cannot be booted.
 */
export async function bootImageById(sql: Queryable, imageId: string): Promise<BootImage | null> {
  const image = await findImage(sql, imageId);
  return image === null || reasonNotBootable(image) !== null ? null : toBootImage(image);
}

/**
 * An image's bytes as a file, for a host's agent. Waits a moment for them, and says when they are still on their way: ask
 * again then. Never throws.
 */
export const imageFile = (app: Pick<App, "imageStore" | "log">, image: BootImage): Promise<ImageFile> =>
  bringImageFile(app, { imageId: image.id, uploadId: image.uploadId });

/** The same, if it is here already; null: it is not, and nobody brings it. */
export const imageFileHere = (app: Pick<App, "imageStore">, image: BootImage): Promise<string | null> =>
  app.imageStore.find({ imageId: image.id, uploadId: image.uploadId });

/** An image that is about to be made of something in the cloud. */
export type NewMadeImage = {
  id: string;
  /** null: the cloud's own, nobody sees it. */
  projectId: string | null;
  name: string;
  diskFormat: string;
  containerFormat: string;
  visibility: Image["visibility"];
  minDisk: number;
  minRam: number;
  protected?: boolean;
  properties: { [name: string]: string };
};

/** The row of an image that is made here, `queued`; `receiveImageFrom` brings its bytes. */
export async function createMadeImage(tx: Transaction, wanted: NewMadeImage): Promise<void> {
  const { id, protected: isProtected = false, ...rest } = wanted;
  const image = await insertImage(tx.sql, id, { ...rest, protected: isProtected, osHidden: false, tags: [] });
  if (image === null) throw conflict(`Image ID ${id} already exists!`);
  tx.event({
    action: "image.image.create",
    target: { type: "image", id, projectId: image.projectId },
    detail: { name: image.name, visibility: image.visibility, diskFormat: image.diskFormat },
  });
}

/**
 * Takes in the bytes of an image that `createMadeImage` announced, as an upload of its owner's would be: counted in the
 * project's quota, inspected, hashed. Ends with the image `active`, or throws with it `queued` again: `conflict` when an
 * upload is under way already, `notFound` when the image is gone, `tooLarge` when there is no room for it.
 */
export function receiveImageFrom(
  app: App,
  image: { imageId: string; stream: Readable; expectedBytes: number | null },
): Promise<void> {
  return uploadMade(app, image.imageId, image.stream, image.expectedBytes);
}

/** What became of an image; null: it is gone, or going. */
export async function imageStatus(sql: Queryable, imageId: string): Promise<ImageStatus | null> {
  return (await findImage(sql, imageId))?.status ?? null;
}

/** An image that was made here is no longer of use. Idempotent; `protected` does not keep it. */
export async function discardImage(tx: Transaction, imageId: string): Promise<void> {
  const image = await findImage(tx.sql, imageId);
  if (image !== null) await startDeletion(tx, image);
}

/** Backups of a type (`backup_type`) that were made of a server, newest first. */
export const backupsOfServer = (
  sql: Queryable,
  wanted: { projectId: string; serverId: string; backupType: string },
): Promise<string[]> => listServerBackups(sql, wanted);

/** What snapshots inherit of the image that a server was made from; null: it is gone. */
export async function imageTraits(
  sql: Queryable,
  imageId: string,
): Promise<Pick<Image, "minDisk" | "minRam" | "properties"> | null> {
  const image = await findImage(sql, imageId);
  return image === null ? null : { minDisk: image.minDisk, minRam: image.minRam, properties: image.properties };
}

function toBootImage(image: Image): BootImage {
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
    uploadId: image.uploadId,
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
