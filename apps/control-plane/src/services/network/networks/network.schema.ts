import type { Attributes } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { boolean, envelope, integerText, name, nullableId, projectId } from "../common/wire.ts";

const own: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  admin_state_up: { column: "admin_state_up", kind: "boolean" },
  status: { column: "status", kind: "text" },
  qos_policy_id: { column: "qos_policy_id", kind: "text" },
  "router:external": { column: "external", kind: "boolean" },
  is_default: { column: "is_default", kind: "boolean" },
  mtu: { column: "mtu", kind: "integer" },
  port_security_enabled: { column: "port_security_enabled", kind: "boolean" },
  dns_domain: { column: "dns_domain", kind: "text" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

/** Operators may look for physical networks too. */
export const networkAttributes = ({ admin, projectId: viewer }: Requester): Attributes => {
  const seen: Attributes = { ...own, shared: { column: "shared_with", kind: "sharing", viewer } };
  return admin
    ? {
        ...seen,
        "provider:network_type": { column: "network_type", kind: "text" },
        "provider:physical_network": { column: "physical_network", kind: "text" },
        "provider:segmentation_id": { column: "segmentation_id", kind: "integer" },
      }
    : seen;
};

const nullableText = { type: ["string", "null"], maxLength: 255 } as const;

const changeable = {
  name,
  description: name,
  admin_state_up: boolean,
  shared: boolean,
  "router:external": boolean,
  is_default: boolean,
  mtu: integerText,
  port_security_enabled: boolean,
  qos_policy_id: nullableId,
  dns_domain: {
    type: "string",
    maxLength: 255,
    pattern: "^$|^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\\.?$",
  },
} as const;

export const createNetworkSchema = envelope(
  "network",
  {
    type: "object",
    additionalProperties: false,
    properties: {
      ...changeable,
      project_id: projectId,
      tenant_id: projectId,
      availability_zone_hints: { type: "array", maxItems: 8, items: { type: "string", maxLength: 255 } },
      "provider:network_type": nullableText,
      "provider:physical_network": nullableText,
      "provider:segmentation_id": { type: ["integer", "string", "null"], maxLength: 12 },
    },
  },
  "networks",
);
export const updateNetworkSchema = envelope("network", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});
