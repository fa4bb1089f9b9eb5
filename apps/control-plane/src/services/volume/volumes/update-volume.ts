/** What an owner says of a volume: names, metadata, flags. Nothing here reaches its bytes. */
import { invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { touchServer } from "../../compute/public.ts";
import { holdVolume, invalidVolume, volumeTarget } from "./volume-access.ts";
import type { ImageMetadata, Volume } from "./volume.model.ts";
import { findVolume, setFlags, setImageMetadata, setMetadata, setNames } from "./volume.queries.ts";

type Metadata = { [key: string]: string };
const MAX_ITEMS = 128;

const checkItems = (metadata: Metadata): void => {
  if (Object.keys(metadata).length > MAX_ITEMS) throw invalid(`Metadata may have at most ${MAX_ITEMS} items`);
};

export async function updateVolume(
  request: ApiRequest,
  id: string,
  change: { name?: string | null; description?: string | null; metadata?: Metadata },
): Promise<Volume> {
  const { app } = request;
  await transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await holdVolume(tx.sql, request, id);
    if (volume.status === "maintenance") throw invalidVolume("The volume cannot be updated during maintenance.");
    const { name = volume.name, description = volume.description, metadata } = change;
    await setNames(tx.sql, id, { name, description }, at);
    if (metadata !== undefined) {
      checkItems(metadata);
      await setMetadata(tx.sql, id, metadata, at);
    }
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { name } });
  });
  const updated = await findVolume(app.db, id, null);
  if (updated === null) throw notFound(`Volume ${id} could not be found.`);
  return updated;
}

/** `change` says what the metadata becomes; it may throw. */
export async function changeMetadata(
  request: ApiRequest,
  id: string,
  change: (current: Metadata) => Metadata,
): Promise<Metadata> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    if (volume.status === "maintenance" || volume.status === "uploading") {
      throw invalidVolume("Updating volume metadata is not allowed for volumes in maintenance or uploading status.");
    }
    const metadata = change(volume.metadata);
    checkItems(metadata);
    await setMetadata(tx.sql, id, metadata, new Date(app.clock.now()));
    tx.event({
      action: "volume.volume.update",
      target: volumeTarget(volume),
      detail: { metadata: Object.keys(metadata) },
    });
    return metadata;
  });
}

export async function changeImageMetadata(
  request: ApiRequest,
  id: string,
  change: (current: ImageMetadata) => ImageMetadata,
): Promise<ImageMetadata> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    const metadata = change(volume.imageMetadata ?? {});
    checkItems(metadata);
    await setImageMetadata(tx.sql, id, metadata, new Date(app.clock.now()));
    tx.event({
      action: "volume.volume.update",
      target: volumeTarget(volume),
      detail: { image_metadata: Object.keys(metadata) },
    });
    return metadata;
  });
}

export async function setBootable(request: ApiRequest, id: string, bootable: boolean): Promise<void> {
  const { app } = request;
  await transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    await setFlags(tx.sql, id, { bootable }, new Date(app.clock.now()));
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { bootable } });
  });
}

export async function setReadOnly(request: ApiRequest, id: string, readonly: boolean): Promise<void> {
  const { app } = request;
  await transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    if (volume.status !== "available") {
      throw invalidVolume(
        `Volume ${id} status must be available to update readonly flag, but current status is: ${volume.status}.`,
      );
    }
    await setFlags(tx.sql, id, { readonly }, new Date(app.clock.now()));
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { readonly } });
    for (const { serverId } of volume.attachments) if (serverId !== null) await touchServer(tx, serverId);
  });
}
