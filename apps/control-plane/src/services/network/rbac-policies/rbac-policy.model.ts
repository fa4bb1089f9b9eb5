/** Who besides its owner may use an object. Pure. */
import { type CloudError, conflict, notFound } from "@andromede/base/errors";

import type { Sharable } from "../common/sharing.ts";

export type RbacAction = "access_as_shared" | "access_as_external";
export type RbacPolicy = {
  id: string;
  projectId: string;
  objectType: Sharable;
  objectId: string;
  action: RbacAction;
  /** A project, or "*". */
  targetProject: string;
};

export const rbacPolicyNotFound = (id: string): CloudError =>
  notFound(`RBAC policy of type unknown with ID ${id} not found`, { type: "RbacPolicyNotFound" });
export const rbacPolicyInUse = (objectId: string, target: string): CloudError =>
  conflict(
    `RBAC policy on object ${objectId} cannot be removed because other objects depend on it.\nDetails: project_id=${target}`,
    { type: "RbacPolicyInUse" },
  );
export const rbacPolicyExists = (): CloudError =>
  conflict("An RBAC policy already exists with those values.", { type: "DuplicateRbacPolicy" });

export const toRbacPolicyView = (policy: RbacPolicy) => ({
  id: policy.id,
  project_id: policy.projectId,
  tenant_id: policy.projectId,
  object_type: policy.objectType,
  object_id: policy.objectId,
  action: policy.action,
  target_project: policy.targetProject,
  target_tenant: policy.targetProject,
});
