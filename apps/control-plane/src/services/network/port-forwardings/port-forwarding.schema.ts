import type { Attributes } from "../common/list-request.ts";
import { envelope, integerText, name, projectId, uuidText } from "../common/wire.ts";

export const portForwardingAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  protocol: { column: "protocol", kind: "text" },
  internal_port_id: { column: "internal_port_id", kind: "text" },
  internal_ip_address: { column: "internal_ip_address", kind: "text" },
  external_port: { column: "external_port_first", kind: "integer" },
  internal_port: { column: "internal_port_first", kind: "integer" },
  description: { column: "description", kind: "text" },
};

const values = {
  protocol: { enum: ["tcp", "udp"] },
  external_port: integerText,
  external_port_range: { type: "string", maxLength: 11 },
  internal_port: integerText,
  internal_port_range: { type: "string", maxLength: 11 },
  internal_port_id: uuidText,
  internal_ip_address: { type: "string", maxLength: 64 },
  description: name,
} as const;

export const createPortForwardingSchema = envelope(
  "port_forwarding",
  {
    type: "object",
    additionalProperties: false,
    required: ["protocol", "internal_port_id"],
    properties: { ...values, project_id: projectId, tenant_id: projectId },
  },
  "port_forwardings",
);
export const updatePortForwardingSchema = envelope("port_forwarding", {
  type: "object",
  additionalProperties: false,
  properties: values,
});
