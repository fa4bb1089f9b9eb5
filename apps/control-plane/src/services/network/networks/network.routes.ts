import { type Route, route } from "../../../http/service.ts";
import {
  createNetworkHandler,
  deleteNetworkHandler,
  listNetworks,
  showNetwork,
  updateNetworkHandler,
} from "./network.handlers.ts";
import { createNetworkSchema, updateNetworkSchema } from "./network.schema.ts";

export const networkRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/networks", rule: "get_network", handler: listNetworks }),
  route({
    method: "POST",
    path: "/v2.0/networks",
    rule: "create_network",
    body: createNetworkSchema,
    handler: createNetworkHandler,
  }),
  route({ method: "GET", path: "/v2.0/networks/:id", rule: "get_network", handler: showNetwork }),
  route({
    method: "PUT",
    path: "/v2.0/networks/:id",
    rule: "update_network",
    body: updateNetworkSchema,
    handler: updateNetworkHandler,
  }),
  route({ method: "DELETE", path: "/v2.0/networks/:id", rule: "delete_network", handler: deleteNetworkHandler }),
];
