import type { Attributes } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { boolean, envelope, name, projectId } from "../common/wire.ts";

const own: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  stateful: { column: "stateful", kind: "boolean" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

export const securityGroupAttributes = ({ projectId: viewer }: Requester): Attributes => ({
  ...own,
  shared: { column: "shared_with", kind: "sharing", viewer },
});

const changeable = { name, description: name, stateful: boolean } as const;

export const createSecurityGroupSchema = envelope(
  "security_group",
  {
    type: "object",
    additionalProperties: false,
    properties: { ...changeable, project_id: projectId, tenant_id: projectId },
  },
  "security_groups",
);
export const updateSecurityGroupSchema = envelope("security_group", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});
