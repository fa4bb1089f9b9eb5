/** What the attachments API does: promise a volume to somebody, say where it is, say that it is there, take it back. */
import { conflict, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import type { Filters, ListRequest } from "../common/list-request.ts";
import { connectionOf } from "../volumes/attach-actions.ts";
import { holdVolume, volumeTarget } from "../volumes/volume-access.ts";
import type { Attachment, Volume } from "../volumes/volume.model.ts";
import { findVolume, lockVolume } from "../volumes/volume.queries.ts";
import {
  ATTACHMENT_SORT_KEYS,
  deleteAttachmentRow,
  findAttachment,
  insertAttachment,
  listAttachments,
  setAttachment,
} from "./attachment.queries.ts";
import { checkMayReserve, followAttachments, noAttachment } from "./change-attachments.ts";

export const ATTACHMENT_SORTS = ATTACHMENT_SORT_KEYS;

export type Connector = { [key: string]: unknown };
export type AttachmentDetail = { attachment: Attachment; connection: { [key: string]: unknown } };

export async function readAttachment(request: ApiRequest, id: string): Promise<AttachmentDetail> {
  const attachment = await findAttachment(request.app.db, id, scopeOf(request));
  if (attachment === null) throw noAttachment(id);
  return withConnection(attachment, await findVolume(request.app.db, attachment.volumeId, null));
}

/** Nothing is known of how to reach the volume before somebody said from where. */
const withConnection = (attachment: Attachment, volume: Volume | null): AttachmentDetail => ({
  attachment,
  connection:
    attachment.connector === null || volume === null
      ? {}
      : { ...connectionOf(volume, attachment.mode), attachment_id: attachment.id },
});

export function readAttachments(request: ApiRequest, list: ListRequest, filters: Filters): Promise<Attachment[]> {
  const [volumeId, serverId] = [filters["volume_id"], filters["instance_id"]];
  const status = filters["status"] ?? filters["attach_status"];
  return listAttachments(request.app.db, list, {
    ...(volumeId === undefined ? {} : { volumeId }),
    ...(serverId === undefined ? {} : { serverId }),
    ...(status === undefined ? {} : { status }),
  });
}

const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value.slice(0, 255) : null;

/** With a connector it is where that says; without, it is only promised. */
export async function createAttachment(
  request: ApiRequest,
  wanted: { volumeId: string; serverId: string | null; connector: Connector | null; mode: string | null },
): Promise<AttachmentDetail> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await holdVolume(tx.sql, request, wanted.volumeId);
    checkMayReserve(volume);
    const { connector, serverId } = wanted;
    const id = newUuid();
    await insertAttachment(
      tx.sql,
      {
        id,
        volumeId: volume.id,
        projectId: volume.projectId,
        serverId,
        host: text(connector?.["host"]),
        device: text(connector?.["mountpoint"]),
        mode: wanted.mode ?? text(connector?.["mode"]) ?? "rw",
        status: connector === null ? "reserved" : "attaching",
        connector,
      },
      at,
    );
    tx.event({
      action: "volume.attachment.create",
      target: { type: "attachment", id, projectId: volume.projectId },
      detail: { volume_id: volume.id, server_id: serverId },
    });
    await followAttachments(tx, volume.id, at);
    return made(tx, id, volume);
  });
}

async function made(tx: Transaction, id: string, volume: Volume): Promise<AttachmentDetail> {
  const attachment = await findAttachment(tx.sql, id, null);
  if (attachment === null) throw noAttachment(id);
  return withConnection(attachment, volume);
}

type Work<T> = (tx: Transaction, held: { attachment: Attachment; volume: Volume }, at: Date) => Promise<T>;

function change<T>(request: ApiRequest, id: string, work: Work<T>): Promise<T> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const seen = await findAttachment(tx.sql, id, scopeOf(request));
    if (seen === null) throw noAttachment(id);
    const volume = await lockVolume(tx.sql, seen.volumeId, null);
    const attachment = await findAttachment(tx.sql, id, scopeOf(request));
    if (volume === null || attachment === null) throw noAttachment(id);
    return work(tx, { attachment, volume }, new Date(app.clock.now()));
  });
}

const target = (attachment: Attachment) => ({ type: "attachment", id: attachment.id, projectId: attachment.projectId });

export const updateAttachment = (request: ApiRequest, id: string, connector: Connector): Promise<AttachmentDetail> =>
  change(request, id, async (tx, { attachment, volume }, at) => {
    if (attachment.status !== "reserved" && attachment.status !== "attaching") {
      throw invalid(`Invalid volume attachment: the attachment is ${attachment.status}.`);
    }
    const mode = text(connector["mode"]);
    await setAttachment(
      tx.sql,
      id,
      {
        status: "attaching",
        connector,
        host: text(connector["host"]) ?? attachment.host,
        device: text(connector["mountpoint"]) ?? attachment.device,
        ...(mode === null ? {} : { mode }),
      },
      at,
    );
    tx.event({
      action: "volume.attachment.update",
      target: target(attachment),
      detail: { host: text(connector["host"]) },
    });
    await followAttachments(tx, volume.id, at);
    return made(tx, id, volume);
  });

export const completeAttachment = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, { attachment, volume }, at) => {
    await setAttachment(tx.sql, id, { status: "attached" }, at);
    tx.event({ action: "volume.attachment.complete", target: target(attachment), detail: { volume_id: volume.id } });
    await followAttachments(tx, volume.id, at);
  });

/** What is left of the volume's attachments. One that a server's disk stands on is the server's to give back. */
export const deleteAttachment = (request: ApiRequest, id: string): Promise<Attachment[]> =>
  change(request, id, async (tx, { attachment, volume }, at) => {
    const isServers = attachment.serverId !== null && attachment.host !== null && attachment.connector === null;
    if (isServers && attachment.status !== "reserved") {
      throw conflict(`Detach volume from server ${attachment.serverId ?? ""} using the Compute API`);
    }
    await deleteAttachmentRow(tx.sql, id);
    tx.event({ action: "volume.attachment.delete", target: target(attachment), detail: { volume_id: volume.id } });
    tx.event({ action: "volume.volume.detach", target: volumeTarget(volume), detail: { attachment_id: id } });
    await followAttachments(tx, volume.id, at);
    const list: ListRequest = {
      limit: 1000,
      offset: 0,
      marker: null,
      sort: [],
      projectId: null,
      withCount: false,
    };
    return listAttachments(tx.sql, list, { volumeId: volume.id });
  });
