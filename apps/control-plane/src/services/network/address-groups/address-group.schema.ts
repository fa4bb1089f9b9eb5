import type { Attributes } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { envelope, name, projectId } from "../common/wire.ts";

export const addressGroupAttributes = ({ projectId: viewer }: Requester): Attributes => ({
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  shared: { column: "shared_with", kind: "sharing", viewer },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
});

const addresses = { type: "array", maxItems: 1000, items: { type: "string", maxLength: 64 } } as const;

export const createAddressGroupSchema = envelope(
  "address_group",
  {
    type: "object",
    additionalProperties: false,
    properties: { name, description: name, addresses, project_id: projectId, tenant_id: projectId },
  },
  "address_groups",
);
export const updateAddressGroupSchema = envelope("address_group", {
  type: "object",
  additionalProperties: false,
  properties: { name, description: name },
});
/** Of the actions add_addresses and remove_addresses: no envelope. */
export const addressesSchema = {
  type: "object",
  additionalProperties: false,
  required: ["addresses"],
  properties: { addresses },
} as const;
