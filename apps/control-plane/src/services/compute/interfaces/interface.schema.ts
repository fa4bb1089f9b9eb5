/** What may be sent about a server's interfaces (Compute API, "Port interfaces"). Pure. */
import { tagSchema, uuidSchema } from "../common/wire.ts";
import type { Attachment } from "./interface.model.ts";

const properties = {
  net_id: uuidSchema,
  port_id: uuidSchema,
  fixed_ips: {
    type: "array",
    minItems: 1,
    maxItems: 1,
    items: {
      type: "object",
      required: ["ip_address"],
      additionalProperties: false,
      properties: {
        ip_address: {
          anyOf: [
            { type: "string", format: "ipv4" },
            { type: "string", format: "ipv6" },
          ],
        },
      },
    },
  },
} as const;

const body = (inner: object) => ({
  type: "object",
  additionalProperties: false,
  properties: { interfaceAttachment: { type: "object", additionalProperties: false, properties: inner } },
});

export const attachSchema = [
  { since: 0, schema: body(properties) },
  { since: 49, schema: body({ ...properties, tag: tagSchema }) },
];
export type AttachBody = { interfaceAttachment?: Attachment };
