import type { Writable } from "node:stream";

import { CloudError, forbidden } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type ByteRange, readRange } from "./byte-range.ts";
import { getVisibleImage } from "./image-access.ts";

export type Download = {
  sizeBytes: number;
  range: ByteRange | null;
  checksum: string | null;
  /** MUST be called: the bytes are open, so that deleting the image does not cut the download. */
  write: (response: Writable) => Promise<void>;
};

/** The bytes; null when there are none (yet). */
export async function openDownload(
  request: Pick<ApiRequest, "app" | "actor" | "plane">,
  id: string,
  rangeHeader: string | undefined,
): Promise<Download | null> {
  const image = await getVisibleImage(request.app.db, request, id);
  if (image.status === "deactivated" && !isAdmin(request.actor, request.plane)) {
    throw forbidden("The requested image has been deactivated. Image data download is forbidden.");
  }
  if (
    (image.status !== "active" && image.status !== "deactivated") ||
    image.uploadId === null ||
    image.sizeBytes === null
  )
    return null;
  const { sizeBytes } = image;
  const range = readRange(rangeHeader, sizeBytes);
  if (range === "unsatisfiable") {
    throw new CloudError("invalid", `Range ${rangeHeader ?? ""} is not within the image's ${sizeBytes} bytes`, {
      status: 416,
    });
  }
  const { first, last } = range ?? { first: 0, last: sizeBytes - 1 };
  const bytes = { imageId: id, uploadId: image.uploadId };
  const opened = await request.app.imageStore.open(bytes, { first, length: last - first + 1 });
  return { sizeBytes, range, checksum: image.checksum, write: (response) => opened.write(response) };
}
