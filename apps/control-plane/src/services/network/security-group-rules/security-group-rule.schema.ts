import type { Attributes } from "../common/list-request.ts";
import { envelope, name, nullableId, projectId, uuidText } from "../common/wire.ts";

export const securityGroupRuleAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  security_group_id: { column: "security_group_id", kind: "text" },
  direction: { column: "direction", kind: "text" },
  ethertype: { column: "ethertype", kind: "text" },
  protocol: { column: "protocol", kind: "text" },
  port_range_min: { column: "port_range_min", kind: "integer" },
  port_range_max: { column: "port_range_max", kind: "integer" },
  remote_group_id: { column: "remote_group_id", kind: "text" },
  remote_ip_prefix: { column: "remote_ip_prefix", kind: "text" },
  remote_address_group_id: { column: "remote_address_group_id", kind: "text" },
  description: { column: "description", kind: "text" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

// bounds and meanings are the model's: their texts are Neutron's
const value = { type: ["string", "integer", "null"], maxLength: 255 } as const;

const rule = {
  type: "object",
  additionalProperties: false,
  required: ["security_group_id", "direction"],
  properties: {
    security_group_id: uuidText,
    direction: { type: "string", maxLength: 32 },
    ethertype: { type: ["string", "null"], maxLength: 32 },
    protocol: value,
    port_range_min: value,
    port_range_max: value,
    remote_group_id: nullableId,
    remote_ip_prefix: nullableId,
    remote_address_group_id: nullableId,
    description: { ...name, type: ["string", "null"] },
    project_id: projectId,
    tenant_id: projectId,
  },
} as const;

export const createSecurityGroupRuleSchema = envelope("security_group_rule", rule, "security_group_rules");
