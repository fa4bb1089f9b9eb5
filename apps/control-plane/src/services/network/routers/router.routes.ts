import { type Route, route } from "../../../http/service.ts";
import {
  addExtraRoutes,
  addRouterInterface,
  createRouterHandler,
  deleteRouterHandler,
  listRouters,
  removeExtraRoutes,
  removeRouterInterface,
  showRouter,
  updateRouterHandler,
} from "./router.handlers.ts";
import { createRouterSchema, extraRoutesSchema, interfaceSchema, updateRouterSchema } from "./router.schema.ts";

export const routerRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/routers", rule: "get_router", handler: listRouters }),
  route({
    method: "POST",
    path: "/v2.0/routers",
    rule: "create_router",
    body: createRouterSchema,
    handler: createRouterHandler,
  }),
  route({ method: "GET", path: "/v2.0/routers/:id", rule: "get_router", handler: showRouter }),
  route({
    method: "PUT",
    path: "/v2.0/routers/:id",
    rule: "update_router",
    body: updateRouterSchema,
    handler: updateRouterHandler,
  }),
  route({ method: "DELETE", path: "/v2.0/routers/:id", rule: "delete_router", handler: deleteRouterHandler }),
  route({
    method: "PUT",
    path: "/v2.0/routers/:id/add_router_interface",
    rule: "add_router_interface",
    body: interfaceSchema,
    handler: addRouterInterface,
  }),
  route({
    method: "PUT",
    path: "/v2.0/routers/:id/remove_router_interface",
    rule: "remove_router_interface",
    body: interfaceSchema,
    handler: removeRouterInterface,
  }),
  route({
    method: "PUT",
    path: "/v2.0/routers/:id/add_extraroutes",
    rule: "add_extraroutes",
    body: extraRoutesSchema,
    handler: addExtraRoutes,
  }),
  route({
    method: "PUT",
    path: "/v2.0/routers/:id/remove_extraroutes",
    rule: "remove_extraroutes",
    body: extraRoutesSchema,
    handler: removeExtraRoutes,
  }),
];
