import { type Route, route } from "../../../http/service.ts";
import { createPortHandler, deletePortHandler, listPorts, showPort, updatePortHandler } from "./port.handlers.ts";
import { createPortSchema, updatePortSchema } from "./port.schema.ts";

export const portRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/ports", rule: "get_port", handler: listPorts }),
  route({
    method: "POST",
    path: "/v2.0/ports",
    rule: "create_port",
    body: createPortSchema,
    handler: createPortHandler,
  }),
  route({ method: "GET", path: "/v2.0/ports/:id", rule: "get_port", handler: showPort }),
  route({
    method: "PUT",
    path: "/v2.0/ports/:id",
    rule: "update_port",
    body: updatePortSchema,
    handler: updatePortHandler,
  }),
  route({ method: "DELETE", path: "/v2.0/ports/:id", rule: "delete_port", handler: deletePortHandler }),
];
