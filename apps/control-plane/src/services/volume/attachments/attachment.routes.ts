import { route } from "../../../http/service.ts";
import {
  actOnAttachment,
  completeSchema,
  createAttachmentSchema,
  listAttachments,
  listAttachmentsDetail,
  postAttachment,
  putAttachment,
  removeAttachment,
  showAttachment,
  updateAttachmentSchema,
} from "./attachment.handlers.ts";

const A = "/v3/attachments";
const ONE = `${A}/:attachment_id`;

export const attachmentRoutes = [
  route({ method: "GET", path: A, rule: "volume:attachment_get", since: 27, handler: listAttachments }),
  route({
    method: "GET",
    path: `${A}/detail`,
    rule: "volume:attachment_get",
    since: 27,
    handler: listAttachmentsDetail,
  }),
  route({
    method: "POST",
    path: A,
    rule: "volume:attachment_create",
    since: 27,
    body: createAttachmentSchema,
    handler: postAttachment,
  }),
  route({ method: "GET", path: ONE, rule: "volume:attachment_get", since: 27, handler: showAttachment }),
  route({
    method: "PUT",
    path: ONE,
    rule: "volume:attachment_update",
    since: 27,
    body: updateAttachmentSchema,
    handler: putAttachment,
  }),
  route({
    method: "POST",
    path: `${ONE}/action`,
    rule: "volume:attachment_complete",
    since: 44,
    body: completeSchema,
    handler: actOnAttachment,
  }),
  route({ method: "DELETE", path: ONE, rule: "volume:attachment_delete", since: 27, handler: removeAttachment }),
];
