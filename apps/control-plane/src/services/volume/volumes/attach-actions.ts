/** Cinder's older way to say who has a volume: actions that its servers' service used to send. */
import { conflict, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  deleteAttachmentRow,
  deleteAttachmentsOf,
  insertAttachment,
  setAttachment,
} from "../attachments/attachment.queries.ts";
import { checkMayReserve, followAttachments, noAttachment } from "../attachments/change-attachments.ts";
import { PROTOCOL } from "../hosts/capabilities.ts";
import { holdVolume, invalidVolume, volumeTarget } from "./volume-access.ts";
import type { Volume, VolumeStatus } from "./volume.model.ts";
import { clearRemake, setStatus } from "./volume.queries.ts";

type Work = (tx: Transaction, volume: Volume, at: Date) => Promise<void>;

function change(request: ApiRequest, id: string, work: Work): Promise<void> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    await work(tx, volume, new Date(app.clock.now()));
  });
}

export type AttachWish = { serverId: string | null; host: string | null; device: string; mode: string };

/** Says that a server, or a host, has it. Reservations without an owner are taken up. */
export const attachAction = (request: ApiRequest, id: string, wanted: AttachWish): Promise<void> =>
  change(request, id, async (tx, volume, at) => {
    if (
      !["available", "attaching", "reserved"].includes(volume.status) &&
      !(volume.multiattach && volume.status === "in-use")
    ) {
      throw invalidVolume(`volume ${id} status must be available to attach, but it is ${volume.status}.`);
    }
    if (wanted.mode === "rw" && volume.readonly === true) {
      throw invalid(`Invalid attaching mode '${wanted.mode}' for volume ${id}.`);
    }
    await insertAttachment(
      tx.sql,
      {
        id: newUuid(),
        volumeId: id,
        projectId: volume.projectId,
        serverId: wanted.serverId,
        host: wanted.host,
        device: wanted.device,
        mode: wanted.mode,
        status: "attached",
      },
      at,
    );
    tx.event({
      action: "volume.volume.attach",
      target: volumeTarget(volume),
      detail: { server_id: wanted.serverId, host: wanted.host },
    });
    await setStatus(tx.sql, id, "in-use", at);
  });

/** Whichever attachment is meant; when there is one, it need not be named. */
function attachmentOf(volume: Volume, attachmentId: string | null): string | null {
  if (attachmentId !== null) {
    if (!volume.attachments.some(({ id }) => id === attachmentId)) throw noAttachment(attachmentId);
    return attachmentId;
  }
  if (volume.attachments.length > 1) {
    throw invalidVolume("Detach volume failed: More than one attachment, but no attachment_id provided.");
  }
  return volume.attachments[0]?.id ?? null;
}

export const detachAction = (
  request: ApiRequest,
  id: string,
  options: { attachmentId: string | null; force: boolean },
): Promise<void> =>
  change(request, id, async (tx, volume, at) => {
    if (!options.force && !["in-use", "detaching", "attaching", "available"].includes(volume.status)) {
      throw invalidVolume(
        `Unable to detach volume. Volume status must be 'in-use' to detach. Currently: '${volume.status}'.`,
      );
    }
    const attachmentId = attachmentOf(volume, options.attachmentId);
    if (attachmentId !== null) await deleteAttachmentRow(tx.sql, attachmentId);
    tx.event({
      action: "volume.volume.detach",
      target: volumeTarget(volume),
      detail: { attachment_id: attachmentId, force: options.force },
    });
    if (options.force && volume.attachments.length <= 1) await setStatus(tx.sql, id, "available", at);
    else await followAttachments(tx, id, at);
  });

/** From one status to another, or Cinder's refusal. */
const move = (
  request: ApiRequest,
  id: string,
  how: { from: VolumeStatus[]; to: (volume: Volume) => VolumeStatus; refusal: string; action: string },
): Promise<void> =>
  change(request, id, async (tx, volume, at) => {
    if (!how.from.includes(volume.status)) throw invalidVolume(how.refusal);
    await setStatus(tx.sql, id, how.to(volume), at);
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { change: how.action } });
  });

export const reserveAction = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, volume, at) => {
    checkMayReserve(volume);
    await setStatus(tx.sql, id, "attaching", at);
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { change: "reserve" } });
  });

export const unreserveAction = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, volume, at) => {
    // Cinder says nothing when there was nothing to take back
    if (volume.status !== "attaching" && volume.status !== "reserved") return;
    await setStatus(
      tx.sql,
      id,
      volume.attachments.some(({ status }) => status === "attached") ? "in-use" : "available",
      at,
    );
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { change: "unreserve" } });
  });

export const beginDetachingAction = (request: ApiRequest, id: string): Promise<void> =>
  move(request, id, {
    from: ["in-use"],
    to: () => "detaching",
    refusal: "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
    action: "begin_detaching",
  });

export const rollDetachingAction = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, volume, at) => {
    if (volume.status !== "detaching") return;
    for (const one of volume.attachments) {
      if (one.status === "detaching") await setAttachment(tx.sql, one.id, { status: "attached" }, at);
    }
    await setStatus(tx.sql, id, "in-use", at);
    tx.event({ action: "volume.volume.update", target: volumeTarget(volume), detail: { change: "roll_detaching" } });
  });

/** What a host would need to reach the volume: nothing but its name. Hosts' agents know where it is, and have its key. */
export const connectionOf = (volume: Volume, mode: string): { [key: string]: unknown } => ({
  driver_volume_type: PROTOCOL,
  data: {
    volume_id: volume.id,
    pool: volume.pool,
    access_mode: volume.readonly === true ? "ro" : mode,
    encrypted: true,
    discard: true,
    qos_specs: null,
  },
});

export async function resetVolumeStatus(
  request: ApiRequest,
  id: string,
  wanted: { status: VolumeStatus | null; detached: boolean; migrationStatus: string | null | undefined },
): Promise<void> {
  await change(request, id, async (tx, volume, at) => {
    if (volume.deleting) throw conflict(`Volume ${id} is being deleted.`);
    if (wanted.status === "in-use" && volume.attachments.length === 0) {
      throw invalid("Cannot reset-state to in-use because volume does not have any attachments.");
    }
    if (wanted.detached) await deleteAttachmentsOf(tx.sql, id);
    if (wanted.status !== null) {
      await clearRemake(tx.sql, id);
      await setStatus(tx.sql, id, wanted.status, at, { fault: null });
    }
    tx.event({
      action: "volume.volume.reset",
      target: volumeTarget(volume),
      detail: { status: wanted.status, detached: wanted.detached },
    });
  });
}
