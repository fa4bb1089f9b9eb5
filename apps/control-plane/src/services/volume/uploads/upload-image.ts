/** `os-volume_upload_image`: an image of a volume. Row, image and queue key in one transaction; the bytes follow. */
import { invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { createMadeImage } from "../../image/public.ts";
import { checkAdmin } from "../common/actor.ts";
import { holdVolume, invalidVolume, volumeTarget } from "../volumes/volume-access.ts";
import type { Volume } from "../volumes/volume.model.ts";
import { setStatus } from "../volumes/volume.queries.ts";
import { insertUpload } from "./upload.queries.ts";

export type UploadImage = {
  name: string;
  diskFormat: string;
  containerFormat: string;
  visibility: "community" | "public" | "private" | "shared";
  isProtected: boolean;
  /** A volume in use too. */
  force: boolean;
};

/** Kept by the volume for itself: what the image service says of an image is not a property of the next one. */
const OWN = new Set([
  "image_id",
  "image_name",
  "checksum",
  "disk_format",
  "container_format",
  "min_disk",
  "min_ram",
  "size",
]);

export async function uploadVolume(
  request: ApiRequest,
  id: string,
  wanted: UploadImage,
): Promise<{ volume: Volume; imageId: string; at: Date }> {
  const { app } = request;
  if (wanted.visibility === "public") checkAdmin(request, "volume_extension:volume_actions:upload_public");
  const format = wanted.diskFormat;
  if (format !== "raw" && format !== "qcow2")
    throw invalid(`The disk format ${format} cannot be made here; raw and qcow2 can.`);
  if (wanted.containerFormat !== "bare") throw invalid("The container format must be bare.");
  return transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await holdVolume(tx.sql, request, id);
    const allowed = wanted.force ? ["available", "in-use"] : ["available"];
    if (volume.deleting || !allowed.includes(volume.status)) {
      throw invalidVolume(
        `Volume ${id} status must be ${allowed.join(" or ")}, but current status is: ${volume.status}.`,
      );
    }
    const [imageId, uploadId] = [newUuid(), newUuid()];
    const properties = Object.entries(volume.imageMetadata ?? {}).filter(([key]) => !OWN.has(key));
    await createMadeImage(tx, {
      id: imageId,
      projectId: volume.projectId,
      name: wanted.name,
      diskFormat: format,
      containerFormat: "bare",
      visibility: wanted.visibility,
      minDisk: 0,
      minRam: 0,
      protected: wanted.isProtected,
      properties: Object.fromEntries(properties),
    });
    await setStatus(tx.sql, id, "uploading", at, { previousStatus: volume.status });
    await insertUpload(tx.sql, { id: uploadId, projectId: volume.projectId, volumeId: id, imageId, format }, at);
    tx.event({ action: "volume.volume.upload", target: volumeTarget(volume), detail: { image_id: imageId } });
    tx.enqueue(`volume_upload/${uploadId}`);
    return { volume, imageId, at };
  });
}
