import { type Route, route } from "../../../http/service.ts";
import {
  createFloatingIpHandler,
  deleteFloatingIpHandler,
  listFloatingIps,
  showFloatingIp,
  updateFloatingIpHandler,
} from "./floating-ip.handlers.ts";
import { createFloatingIpSchema, updateFloatingIpSchema } from "./floating-ip.schema.ts";

export const floatingIpRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/floatingips", rule: "get_floatingip", handler: listFloatingIps }),
  route({
    method: "POST",
    path: "/v2.0/floatingips",
    rule: "create_floatingip",
    body: createFloatingIpSchema,
    handler: createFloatingIpHandler,
  }),
  route({ method: "GET", path: "/v2.0/floatingips/:id", rule: "get_floatingip", handler: showFloatingIp }),
  route({
    method: "PUT",
    path: "/v2.0/floatingips/:id",
    rule: "update_floatingip",
    body: updateFloatingIpSchema,
    handler: updateFloatingIpHandler,
  }),
  route({
    method: "DELETE",
    path: "/v2.0/floatingips/:id",
    rule: "delete_floatingip",
    handler: deleteFloatingIpHandler,
  }),
];
