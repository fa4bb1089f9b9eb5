/** Who has a volume, and who is to have it. Every change of an attachment is made here, with the volume's row held. */
import { notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import { invalidVolume, noVolume, volumeTarget } from "../volumes/volume-access.ts";
import type { Volume, VolumeStatus } from "../volumes/volume.model.ts";
import { findVolume, lockVolume, setStatus } from "../volumes/volume.queries.ts";
import { deleteAttachmentRow, findAttachment, insertAttachment, setAttachment } from "./attachment.queries.ts";

/** `host` null: the server has none yet; `attachmentId`: one that was reserved through the attachments API. */
export type AttachVolume = {
  volumeId: string;
  projectId: string;
  serverId: string;
  serverName: string;
  host: string | null;
  device: string | null;
  mode: "rw" | "ro";
  attachmentId?: string;
};

/** Statuses that only say who has the volume: what is done to attachments may change these, and no others. */
const OF_ATTACHMENTS: readonly VolumeStatus[] = ["available", "reserved", "attaching", "detaching", "in-use"];

/** What the attachments there are make of a volume. */
export function statusByAttachments(attachments: readonly { status: string }[]): VolumeStatus {
  const has = (status: string): boolean => attachments.some((one) => one.status === status);
  if (has("attached")) return "in-use";
  if (has("detaching")) return "detaching";
  if (has("attaching")) return "attaching";
  return has("reserved") ? "reserved" : "available";
}

/** After attachments changed: the volume's status follows, unless something else is being done to it. */
export async function followAttachments(tx: Transaction, volumeId: string, at: Date): Promise<void> {
  const volume = await findVolume(tx.sql, volumeId, null);
  if (volume === null || !OF_ATTACHMENTS.includes(volume.status)) return;
  const status = statusByAttachments(volume.attachments);
  if (status !== volume.status) await setStatus(tx.sql, volumeId, status, at);
}

/** Throws what Cinder says of a volume that nobody may reserve now. */
export function checkMayReserve(volume: Volume): void {
  if (volume.status === "available") return;
  const shareable = volume.multiattach && ["in-use", "attaching", "reserved", "detaching"].includes(volume.status);
  if (shareable) return;
  if (volume.status === "in-use" && !volume.multiattach) {
    throw invalidVolume(`Volume ${volume.id} status must be available to reserve, but the current status is in-use.`);
  }
  throw invalidVolume(
    `Volume ${volume.id} status must be available or in-use or downloading to reserve, but the current status is ${volume.status}.`,
  );
}

export async function reserveForServer(tx: Transaction, wanted: AttachVolume): Promise<{ attachmentId: string }> {
  const at = new Date();
  const volume = await lockVolume(tx.sql, wanted.volumeId, wanted.projectId);
  if (volume === null) throw noVolume(wanted.volumeId);
  const where = { host: wanted.host, device: wanted.device, mode: wanted.mode };
  let attachmentId = wanted.attachmentId;
  if (attachmentId === undefined) {
    if (volume.attachments.some(({ serverId }) => serverId === wanted.serverId)) {
      throw invalidVolume(`volume ${volume.id} is already attached to the server`);
    }
    checkMayReserve(volume);
    attachmentId = newUuid();
    await insertAttachment(
      tx.sql,
      {
        id: attachmentId,
        volumeId: volume.id,
        projectId: volume.projectId,
        serverId: wanted.serverId,
        status: "attaching",
        ...where,
      },
      at,
    );
  } else {
    const reserved = volume.attachments.find(({ id }) => id === attachmentId);
    if (reserved === undefined || reserved.serverId !== wanted.serverId) throw noAttachment(attachmentId);
    await setAttachment(tx.sql, attachmentId, { status: "attaching", ...where }, at);
  }
  tx.event({
    action: "volume.volume.attach",
    target: volumeTarget(volume),
    detail: { server_id: wanted.serverId, attachment_id: attachmentId },
  });
  await followAttachments(tx, volume.id, at);
  return { attachmentId };
}

export const noAttachment = (id: string) =>
  notFound(`Volume attachment could not be found with filter: attachment_id = ${id}.`);

/** Holds the volume of an attachment; null when there is none any more. */
async function hold(tx: Transaction, attachmentId: string): Promise<{ volume: Volume; status: string } | null> {
  const seen = await findAttachment(tx.sql, attachmentId, null);
  if (seen === null) return null;
  const volume = await lockVolume(tx.sql, seen.volumeId, null);
  const attachment = volume?.attachments.find(({ id }) => id === attachmentId);
  return volume === null || attachment === undefined ? null : { volume, status: attachment.status };
}

export async function markAttachment(
  tx: Transaction,
  attachmentId: string,
  where: { host: string; device: string | null },
): Promise<void> {
  const held = await hold(tx, attachmentId);
  if (held === null || held.status === "detaching") return;
  const at = new Date();
  await setAttachment(
    tx.sql,
    attachmentId,
    { status: "attached", host: where.host, ...(where.device === null ? {} : { device: where.device }) },
    at,
  );
  await followAttachments(tx, held.volume.id, at);
}

export async function beginDetachment(tx: Transaction, attachmentId: string): Promise<void> {
  const held = await hold(tx, attachmentId);
  if (held === null) throw noAttachment(attachmentId);
  if (held.status === "detaching") return;
  if (held.status !== "attached") {
    throw invalidVolume(
      `Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach. Currently: status: '${held.volume.status}', attach_status: '${held.status}.'`,
    );
  }
  const at = new Date();
  await setAttachment(tx.sql, attachmentId, { status: "detaching" }, at);
  await followAttachments(tx, held.volume.id, at);
}

export async function abandonAttachment(tx: Transaction, attachmentId: string): Promise<void> {
  const held = await hold(tx, attachmentId);
  if (held === null) return;
  const at = new Date();
  if (held.status === "detaching") await setAttachment(tx.sql, attachmentId, { status: "attached" }, at);
  else if (held.status !== "attached") await deleteAttachmentRow(tx.sql, attachmentId);
  await followAttachments(tx, held.volume.id, at);
}

export async function endAttachment(tx: Transaction, attachmentId: string): Promise<void> {
  const held = await hold(tx, attachmentId);
  if (held === null) return;
  await deleteAttachmentRow(tx.sql, attachmentId);
  tx.event({
    action: "volume.volume.detach",
    target: volumeTarget(held.volume),
    detail: { attachment_id: attachmentId },
  });
  await followAttachments(tx, held.volume.id, new Date());
  // what waited for the volume to be let go
  tx.enqueue(`volume/${held.volume.id}`);
}
