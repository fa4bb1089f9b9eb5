/** Microversion 3.68: the volume anew, from an image. Its id, its key, its size and whoever has it stay. */
import { conflict } from "@andromede/base/errors";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type BootImage, imageForBoot } from "../../image/public.ts";
import { listVolumeSnapshots } from "../snapshots/snapshot.queries.ts";
import { smallestFor, toImageMetadata, tooSmallFor } from "./create-volume.ts";
import { holdVolume, invalidVolume, volumeTarget } from "./volume-access.ts";
import type { Volume, VolumeStatus } from "./volume.model.ts";
import { countReaders, setRemake } from "./volume.queries.ts";

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
    await checkReimage(tx, volume, image, reserved ? ["available", "error", "reserved"] : ["available", "error"]);
    await beginReimage(tx, volume, image, new Date(app.clock.now()));
  });
}

/** Throws what Cinder says of a volume that cannot be made anew now. The caller holds it. */
export async function checkReimage(
  tx: Transaction,
  volume: Volume,
  image: BootImage,
  allowed: readonly VolumeStatus[],
): Promise<void> {
  const { id, sizeGib, status } = volume;
  if (volume.attachments.length > 1)
    throw conflict("Cannot re-image a volume which is attached to more than one server.");
  if (volume.deleting || !allowed.includes(status))
    throw invalidVolume(`Volume ${id} status must be ${allowed.join(" or ")}, but current status is ${status}.`);
  if ((await listVolumeSnapshots(tx.sql, id)).length > 0)
    throw invalidVolume(`Volume ${id} has snapshots, and cannot be made anew.`);
  if ((await countReaders(tx.sql, id)) > 0) throw invalidVolume(`Volume ${id} is being copied.`);
  if (smallestFor(image) > sizeGib) throw tooSmallFor(sizeGib, smallestFor(image));
}

/** From here on it is `downloading`, until it holds the image, or is in `error`. */
export async function beginReimage(tx: Transaction, volume: Volume, image: BootImage, at: Date): Promise<void> {
  const { id, sha512, format, sizeBytes } = image;
  await setRemake(
    tx.sql,
    volume.id,
    {
      status: "downloading",
      image: { id, sha512, format, sizeBytes, metadata: toImageMetadata(image) },
      backupId: null,
    },
    at,
  );
  tx.event({ action: "volume.volume.reimage", target: volumeTarget(volume), detail: { image_id: id } });
  tx.enqueue(`volume/${volume.id}`);
}
