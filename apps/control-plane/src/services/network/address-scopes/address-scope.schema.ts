import type { Attributes } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { boolean, envelope, name, projectId } from "../common/wire.ts";

export const addressScopeAttributes = ({ projectId: viewer }: Requester): Attributes => ({
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  ip_version: { column: "ip_version", kind: "integer" },
  shared: { column: "shared_with", kind: "sharing", viewer },
});

export const createAddressScopeSchema = envelope(
  "address_scope",
  {
    type: "object",
    additionalProperties: false,
    required: ["name", "ip_version"],
    properties: {
      name,
      ip_version: { enum: [4, 6, "4", "6"] },
      shared: boolean,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "address_scopes",
);
export const updateAddressScopeSchema = envelope("address_scope", {
  type: "object",
  additionalProperties: false,
  properties: { name, shared: boolean },
});
