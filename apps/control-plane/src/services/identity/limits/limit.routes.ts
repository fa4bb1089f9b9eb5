import { type Route, route } from "../../../http/service.ts";
import * as limits from "./limit.handlers.ts";
import * as schema from "./limit.schema.ts";

const registered = "/v3/registered_limits";
const oneRegistered = `${registered}/:registered_limit_id`;
const one = "/v3/limits/:limit_id";

export const limitRoutes: Route[] = [
  route({
    method: "GET",
    path: registered,
    rule: "identity:list_registered_limits",
    handler: limits.handleListRegisteredLimits,
  }),
  route({
    method: "POST",
    path: registered,
    rule: "identity:create_registered_limits",
    body: schema.createRegisteredLimitsSchema,
    handler: limits.handleCreateRegisteredLimits,
  }),
  route({
    method: "GET",
    path: oneRegistered,
    rule: "identity:get_registered_limit",
    handler: limits.handleShowRegisteredLimit,
  }),
  route({
    method: "PATCH",
    path: oneRegistered,
    rule: "identity:update_registered_limit",
    body: schema.updateRegisteredLimitSchema,
    handler: limits.handleUpdateRegisteredLimit,
  }),
  route({
    method: "DELETE",
    path: oneRegistered,
    rule: "identity:delete_registered_limit",
    handler: limits.handleDeleteRegisteredLimit,
  }),
  route({ method: "GET", path: "/v3/limits/model", rule: "identity:get_limit_model", handler: limits.handleShowModel }),
  route({ method: "GET", path: "/v3/limits", rule: "identity:list_limits", handler: limits.handleListLimits }),
  route({
    method: "POST",
    path: "/v3/limits",
    rule: "identity:create_limits",
    body: schema.createLimitsSchema,
    handler: limits.handleCreateLimits,
  }),
  route({ method: "GET", path: one, rule: "identity:get_limit", handler: limits.handleShowLimit }),
  route({
    method: "PATCH",
    path: one,
    rule: "identity:update_limit",
    body: schema.updateLimitSchema,
    handler: limits.handleUpdateLimit,
  }),
  route({ method: "DELETE", path: one, rule: "identity:delete_limit", handler: limits.handleDeleteLimit }),
];
