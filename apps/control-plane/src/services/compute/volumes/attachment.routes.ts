import { route } from "../../../http/service.ts";
import {
  deleteAttachment,
  listAttachments,
  postAttachment,
  putAttachment,
  showAttachment,
} from "./attachment.handlers.ts";
import { attachVolumeSchema, updateAttachmentSchema } from "./attachment.schema.ts";

const ATTACHMENTS = "/v2.1/servers/:server_id/os-volume_attachments";
const ATTACHMENT = `${ATTACHMENTS}/:volume_id`;
const rule = (verb: string): string => `os_compute_api:os-volumes-attachments:${verb}`;

export const attachmentRoutes = [
  route({ method: "GET", path: ATTACHMENTS, rule: rule("index"), handler: listAttachments }),
  route({ method: "POST", path: ATTACHMENTS, rule: rule("create"), body: attachVolumeSchema, handler: postAttachment }),
  route({ method: "GET", path: ATTACHMENT, rule: rule("show"), handler: showAttachment }),
  route({
    method: "PUT",
    path: ATTACHMENT,
    rule: rule("update"),
    body: updateAttachmentSchema,
    handler: putAttachment,
  }),
  route({ method: "DELETE", path: ATTACHMENT, rule: rule("delete"), handler: deleteAttachment }),
];
