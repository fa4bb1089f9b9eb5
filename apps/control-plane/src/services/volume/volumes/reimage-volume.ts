/** Microversion 3.68: the volume anew, from an image. */
import { invalid } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { imageForBoot } from "../../image/public.ts";
import { listVolumeSnapshots } from "../snapshots/snapshot.queries.ts";
import { holdVolume, invalidVolume, volumeTarget } from "./volume-access.ts";
import { setRemake } from "./volume.queries.ts";

const GIB = 1024 ** 3;

/** `reserved`: one that is promised to a server, too. What is on the volume is lost. */
export async function reimageVolume(
  request: ApiRequest,
  id: string,
  imageId: string,
  reserved: boolean,
): Promise<void> {
  const { app } = request;
  const image = await imageForBoot(app.db, request, imageId);
  await transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    const allowed = reserved ? ["available", "error", "reserved"] : ["available", "error"];
    if (volume.deleting || !allowed.includes(volume.status)) {
      throw invalidVolume(
        `Volume ${id} status must be ${allowed.join(" or ")}, but current status is: ${volume.status}.`,
      );
    }
    if ((await listVolumeSnapshots(tx.sql, id)).length > 0)
      throw invalidVolume(`Volume ${id} has snapshots, and cannot be made anew.`);
    const smallest = Math.max(Math.ceil(image.virtualSizeBytes / GIB), image.minDisk);
    if (smallest > volume.sizeGib) {
      throw invalid(
        `Invalid input received: Volume size ${volume.sizeGib}GB cannot be smaller than the image size ${smallest}GB.`,
      );
    }
    const { sha512, format, sizeBytes } = image;
    await setRemake(
      tx.sql,
      id,
      { status: "creating", image: { id: image.id, sha512, format, sizeBytes }, backupId: null },
      new Date(app.clock.now()),
    );
    tx.event({ action: "volume.volume.reimage", target: volumeTarget(volume), detail: { image_id: imageId } });
    tx.enqueue(`volume/${id}`);
  });
}
