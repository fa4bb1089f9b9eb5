/** All that other services may know of volumes. Functions take the caller's transaction; locks: head of 0006-volume.sql. */
import type { Queryable } from "@andromede/platform/db/database";

import { notFound } from "@andromede/base/errors";

import type { App } from "../../app.ts";
import type { Transaction } from "../../db/transaction.ts";
import type { ResourceKey } from "../../reconcile/queue.ts";
import { type BootImage, bootImageById } from "../image/public.ts";
import {
  type AttachVolume,
  abandonAttachment,
  beginDetachment,
  endAttachment,
  markAttachment,
  reserveForServer,
} from "./attachments/change-attachments.ts";
import { type ServerDisk, readServerDisks } from "./attachments/server-disks.ts";
import { snapshotVolumeForImage } from "./snapshots/create-snapshot.ts";
import { type NewServerVolume, createServerVolume } from "./volumes/create-volume.ts";
import { startServerVolumeDeletion } from "./volumes/delete-volume.ts";
import { beginReimage, checkReimage } from "./volumes/reimage-volume.ts";
import type { ImageMetadata, VolumeStatus } from "./volumes/volume.model.ts";
import { findVolume as findVolumeRow, lockVolume } from "./volumes/volume.queries.ts";

/** What others may know of a volume. */
export type VolumeSummary = {
  id: string;
  projectId: string;
  name: string | null;
  status: VolumeStatus;
  sizeGib: number;
  bootable: boolean;
  multiattach: boolean;
  availabilityZone: string;
  /** `volume_image_metadata`: of the image it was made from. */
  imageMetadata: ImageMetadata | null;
  encrypted: boolean;
  attachments: { id: string; serverId: string | null; device: string | null; status: string }[];
};

/** `projectId` null: whoever's. Undefined: there is none, or it is somebody else's. */
export async function findVolume(
  q: Queryable,
  { projectId, volumeId }: { projectId: string | null; volumeId: string },
): Promise<VolumeSummary | undefined> {
  const volume = await findVolumeRow(q, volumeId, projectId);
  if (volume === null) return undefined;
  const { id, name, status, sizeGib, bootable, multiattach, availabilityZone, imageMetadata } = volume;
  return {
    id,
    projectId: volume.projectId,
    name,
    status,
    sizeGib,
    bootable,
    multiattach,
    availabilityZone,
    imageMetadata,
    encrypted: true,
    attachments: volume.attachments.map((one) => ({
      id: one.id,
      serverId: one.serverId,
      device: one.device,
      status: one.status,
    })),
  };
}

export type { AttachVolume } from "./attachments/change-attachments.ts";

/**
 * Promises a volume to a server: an attachment in status `attaching`, the volume `attaching` (or `in-use` when it has others).
 * Throws notFound, and invalid with Cinder's words for a volume that cannot be attached.
 */
export const attachVolume = (tx: Transaction, wanted: AttachVolume): Promise<{ attachmentId: string }> =>
  reserveForServer(tx, wanted);

/** The guest has the disk. Idempotent; volume `in-use`. */
export const markAttached = (
  tx: Transaction,
  attachmentId: string,
  where: { host: string; device: string | null },
): Promise<void> => markAttachment(tx, attachmentId, where);

/** The server is being made to let go; volume `detaching`. Throws invalid when the volume is not in use. */
export const beginDetach = (tx: Transaction, attachmentId: string): Promise<void> => beginDetachment(tx, attachmentId);

/** What was begun is taken back: an attachment that never came to be goes; one being detached is `attached` again. */
export const abandonAttach = (tx: Transaction, attachmentId: string): Promise<void> =>
  abandonAttachment(tx, attachmentId);

/** The guest no longer has the disk: the attachment goes, the volume is `available` unless others have it. Idempotent. */
export const finishDetach = (tx: Transaction, attachmentId: string): Promise<void> => endAttachment(tx, attachmentId);

export type { ServerDisk } from "./attachments/server-disks.ts";

/** What guests' specs say of volumes, by server id: every attachment that is not merely reserved. */
export const disksOfServers = (
  app: Pick<App, "keys">,
  q: Queryable,
  serverIds: readonly string[],
): Promise<Map<string, ServerDisk[]>> => readServerDisks(app, q, serverIds);

export type { NewServerVolume } from "./volumes/create-volume.ts";

/** As `POST /volumes` would, for a server that is being made: quota, rows, event, queue key. Returns the new volume's id. */
export const createVolumeForServer = (app: App, tx: Transaction, wanted: NewServerVolume): Promise<string> =>
  createServerVolume(app, tx, wanted);

/** `key`: what to wait for. */
export type VolumeReadiness = { ready: true } | { ready: false; key: ResourceKey } | { failed: string };

/** Can a guest be given the volume? */
export async function volumeReadiness(q: Queryable, volumeId: string): Promise<VolumeReadiness> {
  const volume = await findVolumeRow(q, volumeId, null);
  if (volume === null) return { failed: `Volume ${volumeId} could not be found.` };
  if (volume.status === "error") return { failed: volume.fault ?? `Volume ${volumeId} is in status error.` };
  const isMade = volume.observedSizeGib !== null && volume.observedSizeGib > 0;
  const there = isMade && volume.status !== "creating" && volume.status !== "downloading";
  return there ? { ready: true } : { ready: false, key: `volume/${volumeId}` };
}

/** `delete_on_termination`: deletes the volume once nothing has it. Safe for one that is gone or going. */
export const deleteVolumeOfServer = (app: Pick<App, "clock">, tx: Transaction, volumeId: string): Promise<void> =>
  startServerVolumeDeletion(app, tx, volumeId);

/** A volume that did not become what it was to be has its bytes no more: that may be tried again. */
const OF_SERVER = ["in-use", "error"] as const;

/**
 * May the volume that a server boots from be made anew from the image? Throws invalid and conflict as Cinder would. Holds
 * the volume.
 */
export async function checkReimageOfServer(tx: Transaction, volumeId: string, image: BootImage): Promise<void> {
  const volume = await lockVolume(tx.sql, volumeId, null);
  if (volume === null) throw notFound(`Volume ${volumeId} could not be found.`);
  await checkReimage(tx, volume, image, OF_SERVER);
}

/** Makes it anew, once the server's guest has let go of it. The same checks again: the volume was in use meanwhile. */
export async function reimageOfServer(
  app: App,
  tx: Transaction,
  { volumeId, imageId }: { volumeId: string; imageId: string },
): Promise<void> {
  const [volume, image] = [await lockVolume(tx.sql, volumeId, null), await bootImageById(tx.sql, imageId)];
  if (volume === null) throw notFound(`Volume ${volumeId} could not be found.`);
  if (image === null) throw notFound(`Image ${imageId} could not be found.`);
  await checkReimage(tx, volume, image, OF_SERVER);
  await beginReimage(tx, volume, image, new Date(app.clock.now()));
}

/** `createImage` of a server on volumes: a snapshot of a volume in use, whatever its status. Returns the snapshot's id. */
export const snapshotForImage = (
  app: App,
  tx: Transaction,
  wanted: { volumeId: string; projectId: string; userId: string; name: string },
): Promise<{ snapshotId: string; sizeGib: number }> => snapshotVolumeForImage(app, tx, wanted);

/** What an agent reports of volumes, backups and exports. Called once per report, in order, beside compute's. */
export { markVolumeHostLost, receiveVolumeReport } from "./hosts/receive-report.ts";

/** For Nova's older doors to volumes and snapshots. */
export { listAllSnapshots, listAllVolumes } from "./common/legacy-lists.ts";
export { deleteSnapshot, getSnapshot } from "./snapshots/change-snapshots.ts";
export { createSnapshot } from "./snapshots/create-snapshot.ts";
export type { Snapshot as ProxiedSnapshot } from "./snapshots/snapshot.model.ts";
export { createVolume } from "./volumes/create-volume.ts";
export { deleteVolume } from "./volumes/delete-volume.ts";
export { getVolume } from "./volumes/volume-access.ts";
export type { Volume as ProxiedVolume } from "./volumes/volume.model.ts";
