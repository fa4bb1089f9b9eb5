import type { Attributes } from "../common/list-request.ts";
import { SHARABLE } from "../common/sharing.ts";
import { envelope, projectId, uuidText } from "../common/wire.ts";

export const rbacPolicyAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  object_type: { column: "object_type", kind: "text" },
  object_id: { column: "object_id", kind: "text" },
  action: { column: "action", kind: "text" },
  target_project: { column: "target_project", kind: "text" },
  target_tenant: { column: "target_project", kind: "text" },
};

const target = { target_tenant: projectId, target_project: projectId } as const;

export const createRbacPolicySchema = envelope(
  "rbac_policy",
  {
    type: "object",
    additionalProperties: false,
    required: ["object_type", "object_id", "action"],
    anyOf: [{ required: ["target_tenant"] }, { required: ["target_project"] }],
    properties: {
      object_type: { enum: SHARABLE },
      object_id: uuidText,
      action: { enum: ["access_as_shared", "access_as_external"] },
      ...target,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "rbac_policies",
);
export const updateRbacPolicySchema = envelope("rbac_policy", {
  type: "object",
  additionalProperties: false,
  properties: target,
});
