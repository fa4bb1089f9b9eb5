import type { Attributes } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { boolean, envelope, integerText, name, nullableId, projectId } from "../common/wire.ts";

const own: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  ip_version: { column: "ip_version", kind: "integer" },
  default_prefixlen: { column: "default_prefixlen", kind: "integer" },
  min_prefixlen: { column: "min_prefixlen", kind: "integer" },
  max_prefixlen: { column: "max_prefixlen", kind: "integer" },
  address_scope_id: { column: "address_scope_id", kind: "text" },
  is_default: { column: "is_default", kind: "boolean" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

export const subnetpoolAttributes = ({ projectId: viewer }: Requester): Attributes => ({
  ...own,
  shared: { column: "shared_with", kind: "sharing", viewer },
});

const changeable = {
  name,
  description: name,
  prefixes: { type: "array", maxItems: 256, items: { type: "string", maxLength: 64 } },
  default_prefixlen: integerText,
  min_prefixlen: integerText,
  max_prefixlen: integerText,
  default_quota: { type: ["integer", "string", "null"], maxLength: 12 },
  is_default: boolean,
  address_scope_id: nullableId,
} as const;

export const createSubnetpoolSchema = envelope(
  "subnetpool",
  {
    type: "object",
    additionalProperties: false,
    required: ["name", "prefixes"],
    properties: {
      ...changeable,
      name: { ...name, minLength: 1 },
      shared: boolean,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "subnetpools",
);
export const updateSubnetpoolSchema = envelope("subnetpool", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});
