import type { Attributes } from "../common/list-request.ts";
import { boolean, envelope, name, nullableId, projectId, uuidText } from "../common/wire.ts";

export const routerAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  admin_state_up: { column: "admin_state_up", kind: "boolean" },
  status: { column: "status", kind: "text" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

const address = { type: "string", maxLength: 64 } as const;

const gateway = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: {
    network_id: uuidText,
    enable_snat: boolean,
    qos_policy_id: nullableId,
    external_fixed_ips: {
      type: "array",
      maxItems: 16,
      items: {
        type: "object",
        additionalProperties: false,
        minProperties: 1,
        properties: { subnet_id: nullableId, ip_address: { type: ["string", "null"], maxLength: 64 } },
      },
    },
  },
} as const;

const changeable = { name, description: name, admin_state_up: boolean, external_gateway_info: gateway } as const;

const routes = {
  type: ["array", "null"],
  maxItems: 128,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["destination", "nexthop"],
    properties: { destination: address, nexthop: address },
  },
} as const;

export const createRouterSchema = envelope(
  "router",
  {
    type: "object",
    additionalProperties: false,
    properties: {
      ...changeable,
      availability_zone_hints: { type: "array", maxItems: 8, items: { type: "string", maxLength: 255 } },
      // what this cloud's routers are anyway
      distributed: { const: false },
      ha: { const: false },
      flavor_id: { type: "null" },
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "routers",
);
export const updateRouterSchema = envelope("router", {
  type: "object",
  additionalProperties: false,
  properties: {
    ...changeable,
    routes,
  },
});
export const interfaceSchema = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  properties: { subnet_id: uuidText, port_id: uuidText },
} as const;
/** Some routes more or less, without saying the others (extension "extraroute-atomic"). */
export const extraRoutesSchema = envelope("router", {
  type: "object",
  additionalProperties: false,
  required: ["routes"],
  properties: { routes },
});
