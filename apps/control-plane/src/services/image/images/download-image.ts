import { open } from "node:fs/promises";
import type { Readable } from "node:stream";

import { CloudError, forbidden, unavailable } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { imagePath } from "../store/image-store.ts";
import { type ByteRange, readRange } from "./byte-range.ts";
import { getVisibleImage } from "./image-access.ts";

/** Fewer, larger reads: a download is mostly the kernel copying. */
const READ_BYTES = 512 * 1024;

export type Download = { stream: Readable; sizeBytes: number; range: ByteRange | null; checksum: string | null };

/** The bytes; null when there are none (yet). The stream holds the file open: deleting the image does not cut it. */
export async function openDownload(
  request: Pick<ApiRequest, "app" | "actor" | "plane">,
  id: string,
  rangeHeader: string | undefined,
): Promise<Download | null> {
  const image = await getVisibleImage(request.app.db, request, id);
  if (image.status === "deactivated" && !isAdmin(request.actor, request.plane)) {
    throw forbidden("The requested image has been deactivated. Image data download is forbidden.");
  }
  if ((image.status !== "active" && image.status !== "deactivated") || image.uploadId === null || image.sizeBytes === null) return null;
  const { sizeBytes } = image;
  const range = readRange(rangeHeader, sizeBytes);
  if (range === "unsatisfiable") {
    throw new CloudError("invalid", `Range ${rangeHeader ?? ""} is not within the image's ${sizeBytes} bytes`, { status: 416 });
  }
  const file = await open(imagePath(request.app.config, id, image.uploadId), "r").catch((cause: unknown) => {
    throw unavailable(`The data of image ${id} cannot be read`, { cause });
  });
  const stream = file.createReadStream({ highWaterMark: READ_BYTES, ...(range === null ? {} : { start: range.first, end: range.last }) });
  return { stream, sizeBytes, range, checksum: image.checksum };
}
