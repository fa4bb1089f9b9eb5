import type { Attributes } from "../common/list-request.ts";
import { boolean, envelope, name, projectId, uuidText } from "../common/wire.ts";

const own: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  network_id: { column: "network_id", kind: "text" },
  mac_address: { column: "mac_address", kind: "text" },
  admin_state_up: { column: "admin_state_up", kind: "boolean" },
  status: { column: "status", kind: "text" },
  device_id: { column: "device_id", kind: "text" },
  device_owner: { column: "device_owner", kind: "text" },
  port_security_enabled: { column: "port_security_enabled", kind: "boolean" },
  dns_name: { column: "dns_name", kind: "text" },
  qos_policy_id: { column: "qos_policy_id", kind: "text" },
  "binding:vnic_type": { column: "vnic_type", kind: "text" },
  security_groups: { column: "security_group_ids", kind: "array" },
  fixed_ips: { kind: "special" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

export const portAttributes = (admin: boolean): Attributes =>
  admin ? { ...own, "binding:host_id": { column: "host_id", kind: "text" } } : own;

const nullableText = { type: ["string", "null"], maxLength: 255 } as const;
/** RFC 1123 labels, joined by dots. */
const DNS_NAME =
  "^$|^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\\.?$";

const changeable = {
  name,
  description: name,
  admin_state_up: boolean,
  // null: another one (extension "port-mac-address-regenerate")
  mac_address: { type: ["string", "null"], maxLength: 32 },
  fixed_ips: {
    type: ["array", "null"],
    maxItems: 64,
    items: {
      type: "object",
      additionalProperties: false,
      minProperties: 1,
      properties: { subnet_id: nullableText, ip_address: nullableText },
    },
  },
  security_groups: { type: ["array", "null"], maxItems: 256, items: uuidText },
  allowed_address_pairs: {
    type: ["array", "null"],
    maxItems: 256,
    items: {
      type: "object",
      additionalProperties: false,
      required: ["ip_address"],
      properties: { ip_address: { type: "string", maxLength: 64 }, mac_address: nullableText },
    },
  },
  extra_dhcp_opts: {
    type: ["array", "null"],
    maxItems: 256,
    items: {
      type: "object",
      additionalProperties: false,
      required: ["opt_name", "opt_value"],
      properties: {
        opt_name: { type: "string", minLength: 1, maxLength: 64 },
        opt_value: { type: ["string", "null"], maxLength: 255 },
        ip_version: { enum: [4, 6, "4", "6"] },
      },
    },
  },
  port_security_enabled: boolean,
  device_id: name,
  device_owner: name,
  dns_name: { type: "string", maxLength: 255, pattern: DNS_NAME },
  qos_policy_id: nullableText,
  "binding:host_id": nullableText,
  "binding:profile": { type: ["object", "null"], maxProperties: 64 },
  "binding:vnic_type": { const: "normal" },
} as const;

export const createPortSchema = envelope(
  "port",
  {
    type: "object",
    additionalProperties: false,
    required: ["network_id"],
    properties: {
      ...changeable,
      mac_address: { type: ["string", "null"], maxLength: 32 },
      network_id: uuidText,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "ports",
);
export const updatePortSchema = envelope("port", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});
