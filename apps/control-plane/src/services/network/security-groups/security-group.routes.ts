import { type Route, route } from "../../../http/service.ts";
import {
  createSecurityGroupHandler,
  deleteSecurityGroupHandler,
  listSecurityGroups,
  showSecurityGroup,
  updateSecurityGroupHandler,
} from "./security-group.handlers.ts";
import { createSecurityGroupSchema, updateSecurityGroupSchema } from "./security-group.schema.ts";

export const securityGroupRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/security-groups", rule: "get_security_group", handler: listSecurityGroups }),
  route({
    method: "POST",
    path: "/v2.0/security-groups",
    rule: "create_security_group",
    body: createSecurityGroupSchema,
    handler: createSecurityGroupHandler,
  }),
  route({ method: "GET", path: "/v2.0/security-groups/:id", rule: "get_security_group", handler: showSecurityGroup }),
  route({
    method: "PUT",
    path: "/v2.0/security-groups/:id",
    rule: "update_security_group",
    body: updateSecurityGroupSchema,
    handler: updateSecurityGroupHandler,
  }),
  route({
    method: "DELETE",
    path: "/v2.0/security-groups/:id",
    rule: "delete_security_group",
    handler: deleteSecurityGroupHandler,
  }),
];
