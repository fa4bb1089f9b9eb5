/** What may be sent about a server's volumes, by microversion (Compute API, "Servers with volume attachments"). Pure. */
import type { JsonSchema } from "../../../http/service.ts";
import { booleanSchema, tagSchema, uuidSchema } from "../common/wire.ts";

const device = {
  type: ["string", "null"],
  maxLength: 255,
  pattern: "^/dev/x{0,1}[a-z]{0,1}d{0,1}[a-z]+[0-9]*$",
} as const;

const body = (properties: object): JsonSchema => ({
  type: "object",
  required: ["volumeAttachment"],
  additionalProperties: false,
  properties: {
    volumeAttachment: { type: "object", required: ["volumeId"], additionalProperties: false, properties },
  },
});
const properties = { volumeId: uuidSchema, device };

export const attachVolumeSchema = [
  { since: 0, schema: body(properties) },
  { since: 49, schema: body({ ...properties, tag: tagSchema }) },
  { since: 79, schema: body({ ...properties, tag: tagSchema, delete_on_termination: booleanSchema }) },
];

export const updateAttachmentSchema = [
  { since: 0, schema: body({ volumeId: uuidSchema }) },
  {
    since: 85,
    schema: body({
      ...properties,
      tag: tagSchema,
      delete_on_termination: booleanSchema,
      serverId: uuidSchema,
      id: uuidSchema,
    }),
  },
];

export type AttachVolumeBody = {
  volumeAttachment: {
    volumeId: string;
    device?: string | null;
    tag?: string;
    delete_on_termination?: boolean | string;
  };
};
export type UpdateAttachmentBody = {
  volumeAttachment: AttachVolumeBody["volumeAttachment"] & { serverId?: string; id?: string };
};
