import type { Route } from "../../../http/service.ts";
import { crudRoutes } from "../common/crud-routes.ts";
import {
  createRbacPolicyHandler,
  deleteRbacPolicyHandler,
  listRbacPolicies,
  showRbacPolicy,
  updateRbacPolicyHandler,
} from "./rbac-policy.handlers.ts";
import { createRbacPolicySchema, updateRbacPolicySchema } from "./rbac-policy.schema.ts";

export const rbacPolicyRoutes: Route[] = crudRoutes(
  "/v2.0/rbac-policies",
  "rbac_policy",
  { create: createRbacPolicySchema, update: updateRbacPolicySchema },
  {
    list: listRbacPolicies,
    create: createRbacPolicyHandler,
    show: showRbacPolicy,
    update: updateRbacPolicyHandler,
    remove: deleteRbacPolicyHandler,
  },
);
