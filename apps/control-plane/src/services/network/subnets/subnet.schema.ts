import type { Attributes } from "../common/list-request.ts";
import {
  boolean,
  envelope,
  integerText,
  name,
  nullableAddress,
  nullableId,
  projectId,
  uuidText,
} from "../common/wire.ts";

export const subnetAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  network_id: { column: "network_id", kind: "text" },
  subnetpool_id: { column: "subnetpool_id", kind: "text" },
  ip_version: { column: "ip_version", kind: "integer" },
  cidr: { column: "cidr", kind: "address" },
  gateway_ip: { column: "gateway_ip", kind: "text" },
  service_types: { column: "service_types", kind: "array" },
  enable_dhcp: { column: "enable_dhcp", kind: "boolean" },
  ipv6_ra_mode: { column: "ipv6_ra_mode", kind: "text" },
  ipv6_address_mode: { column: "ipv6_address_mode", kind: "text" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

const address = { type: "string", maxLength: 64 } as const;
const mode = { enum: ["slaac", "dhcpv6-stateful", "dhcpv6-stateless", null] } as const;

const changeable = {
  name,
  service_types: { type: ["array", "null"], maxItems: 64, items: { type: "string", maxLength: 255 } },
  description: name,
  gateway_ip: nullableAddress,
  allocation_pools: {
    type: ["array", "null"],
    maxItems: 128,
    items: {
      type: "object",
      additionalProperties: false,
      required: ["start", "end"],
      properties: { start: address, end: address },
    },
  },
  dns_nameservers: { type: ["array", "null"], maxItems: 128, items: address },
  host_routes: {
    type: ["array", "null"],
    maxItems: 128,
    items: {
      type: "object",
      additionalProperties: false,
      required: ["destination", "nexthop"],
      properties: { destination: address, nexthop: address },
    },
  },
  enable_dhcp: boolean,
} as const;

export const createSubnetSchema = envelope(
  "subnet",
  {
    type: "object",
    additionalProperties: false,
    required: ["network_id"],
    properties: {
      ...changeable,
      network_id: uuidText,
      ip_version: { enum: [4, 6, "4", "6"] },
      cidr: nullableAddress,
      subnetpool_id: nullableId,
      use_default_subnetpool: boolean,
      prefixlen: integerText,
      ipv6_ra_mode: mode,
      ipv6_address_mode: mode,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "subnets",
);
export const updateSubnetSchema = envelope("subnet", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});
