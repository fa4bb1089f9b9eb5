import { type Route, route } from "../../../http/service.ts";
import {
  handleCheckImplied,
  handleCreateImplied,
  handleCreateRole,
  handleDeleteImplied,
  handleDeleteRole,
  handleListImplied,
  handleListInferences,
  handleListRoles,
  handleShowImplied,
  handleShowRole,
  handleUpdateRole,
} from "./role.handlers.ts";
import { createRoleSchema, updateRoleSchema } from "./role.schema.ts";

const one = "/v3/roles/:role_id";
const implied = `${one}/implies/:implied_role_id`;

export const roleRoutes: Route[] = [
  route({ method: "GET", path: "/v3/roles", rule: "identity:list_roles", handler: handleListRoles }),
  route({
    method: "POST",
    path: "/v3/roles",
    rule: "identity:create_role",
    body: createRoleSchema,
    handler: handleCreateRole,
  }),
  route({ method: "GET", path: one, rule: "identity:get_role", handler: handleShowRole }),
  route({
    method: "PATCH",
    path: one,
    rule: "identity:update_role",
    body: updateRoleSchema,
    handler: handleUpdateRole,
  }),
  route({ method: "DELETE", path: one, rule: "identity:delete_role", handler: handleDeleteRole }),
  route({
    method: "GET",
    path: "/v3/role_inferences",
    rule: "identity:list_role_inference_rules",
    handler: handleListInferences,
  }),
  route({ method: "GET", path: `${one}/implies`, rule: "identity:list_implied_roles", handler: handleListImplied }),
  route({ method: "GET", path: implied, rule: "identity:get_implied_role", handler: handleShowImplied }),
  route({ method: "HEAD", path: implied, rule: "identity:check_implied_role", handler: handleCheckImplied }),
  route({ method: "PUT", path: implied, rule: "identity:create_implied_role", handler: handleCreateImplied }),
  route({ method: "DELETE", path: implied, rule: "identity:delete_implied_role", handler: handleDeleteImplied }),
];
