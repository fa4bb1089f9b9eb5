import type { Attributes } from "../common/list-request.ts";
import { envelope, name, nullableAddress, nullableId, projectId, uuidText } from "../common/wire.ts";

export const floatingIpAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  floating_network_id: { column: "floating_network_id", kind: "text" },
  floating_ip_address: { column: "floating_ip_address", kind: "text" },
  fixed_ip_address: { column: "fixed_ip_address", kind: "text" },
  port_id: { column: "port_id", kind: "text" },
  router_id: { column: "router_id", kind: "text" },
  qos_policy_id: { column: "qos_policy_id", kind: "text" },
  status: { column: "status", kind: "text" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

export const createFloatingIpSchema = envelope(
  "floatingip",
  {
    type: "object",
    additionalProperties: false,
    required: ["floating_network_id"],
    properties: {
      floating_network_id: uuidText,
      floating_ip_address: nullableAddress,
      subnet_id: nullableId,
      port_id: nullableId,
      fixed_ip_address: nullableAddress,
      description: name,
      dns_name: name,
      dns_domain: name,
      qos_policy_id: nullableId,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "floatingips",
);
export const updateFloatingIpSchema = envelope("floatingip", {
  type: "object",
  additionalProperties: false,
  properties: { port_id: nullableId, fixed_ip_address: nullableAddress, description: name, qos_policy_id: nullableId },
});
