import { route } from "../../../http/service.ts";
import { deleteInterface, listInterfaces, postInterface, showInterface } from "./interface.handlers.ts";
import { attachSchema } from "./interface.schema.ts";

const INTERFACES = "/v2.1/servers/:server_id/os-interface";

export const interfaceRoutes = [
  route({ method: "GET", path: INTERFACES, rule: "os_compute_api:os-attach-interfaces:list", handler: listInterfaces }),
  route({
    method: "POST",
    path: INTERFACES,
    rule: "os_compute_api:os-attach-interfaces:create",
    body: attachSchema,
    handler: postInterface,
  }),
  route({
    method: "GET",
    path: `${INTERFACES}/:port_id`,
    rule: "os_compute_api:os-attach-interfaces:show",
    handler: showInterface,
  }),
  route({
    method: "DELETE",
    path: `${INTERFACES}/:port_id`,
    rule: "os_compute_api:os-attach-interfaces:delete",
    handler: deleteInterface,
  }),
];
