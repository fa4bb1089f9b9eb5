/** The attachments API (microversion 3.27): who has a volume, in Cinder's newer words. */
import { type ApiRequest, type Reply, noContent } from "../../../http/service.ts";
import { pageLinks, readFilters, readListRequest } from "../common/list-request.ts";
import { idSchema, isoTime, wrapped } from "../common/wire.ts";
import type { Attachment } from "../volumes/volume.model.ts";
import {
  ATTACHMENT_SORTS,
  type AttachmentDetail,
  type Connector,
  completeAttachment,
  createAttachment,
  deleteAttachment,
  readAttachment,
  readAttachments,
  updateAttachment,
} from "./use-attachments.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["attachment_id"] ?? "";

const create = (more: object) =>
  wrapped("attachment", {
    type: "object",
    required: ["volume_uuid"],
    additionalProperties: false,
    properties: {
      volume_uuid: idSchema,
      instance_uuid: { type: ["string", "null"], maxLength: 255 },
      connector: { type: ["object", "null"] },
      ...more,
    },
  });
export const createAttachmentSchema = [
  { since: 0, schema: create({}) },
  { since: 54, schema: create({ mode: { type: "string", enum: ["rw", "ro"] } }) },
];
type CreateBody = {
  attachment: { volume_uuid: string; instance_uuid?: string | null; connector?: Connector | null; mode?: string };
};
export const updateAttachmentSchema = wrapped("attachment", {
  type: "object",
  required: ["connector"],
  additionalProperties: false,
  properties: { connector: { type: "object", minProperties: 1 } },
});
type UpdateBody = { attachment: { connector: Connector } };
export const completeSchema = {
  type: "object",
  required: ["os-complete"],
  additionalProperties: false,
  properties: { "os-complete": {} },
} as const;

const toSummary = ({ id, status, serverId, volumeId }: Attachment): object => ({
  id,
  status,
  instance: serverId,
  volume_id: volumeId,
});

const toDetail = ({ attachment, connection }: AttachmentDetail): object => ({
  ...toSummary(attachment),
  attached_at: attachment.attachedAt === null ? "" : isoTime(attachment.attachedAt),
  detached_at: "",
  attach_mode: attachment.mode,
  connection_info: connection,
});

const FILTERS = ["volume_id", "status", "instance_id", "attach_status"];

const list =
  (toView: (attachment: Attachment) => object) =>
  async (request: ApiRequest): Promise<Reply> => {
    const asked = readListRequest(request, { sortKeys: ATTACHMENT_SORTS });
    const found = await readAttachments(request, asked, readFilters(request, { enabled: FILTERS, known: FILTERS }));
    return {
      status: 200,
      body: { attachments: found.map(toView), ...pageLinks(request, "attachments_links", asked, found) },
    };
  };
export const listAttachments = list(toSummary);
export const listAttachmentsDetail = list((attachment) => toDetail({ attachment, connection: {} }));

export const showAttachment = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { attachment: toDetail(await readAttachment(request, idOf(request))) },
});

export async function postAttachment(request: ApiRequest<CreateBody>): Promise<Reply> {
  const { attachment } = request.body;
  const made = await createAttachment(request, {
    volumeId: attachment.volume_uuid,
    serverId: attachment.instance_uuid ?? null,
    connector: attachment.connector ?? null,
    mode: attachment.mode ?? null,
  });
  return { status: 200, body: { attachment: toDetail(made) } };
}

export async function putAttachment(request: ApiRequest<UpdateBody>): Promise<Reply> {
  const changed = await updateAttachment(request, idOf(request), request.body.attachment.connector);
  return { status: 200, body: { attachment: toDetail(changed) } };
}

export async function actOnAttachment(request: ApiRequest): Promise<Reply> {
  await completeAttachment(request, idOf(request));
  return noContent();
}

export async function removeAttachment(request: ApiRequest): Promise<Reply> {
  const left = await deleteAttachment(request, idOf(request));
  return { status: 200, body: { attachments: left.map(toSummary) } };
}
