import type { Route } from "../../../http/service.ts";
import { crudRoutes } from "../common/crud-routes.ts";
import {
  createPortForwardingHandler,
  deletePortForwardingHandler,
  listPortForwardings,
  showPortForwarding,
  updatePortForwardingHandler,
} from "./port-forwarding.handlers.ts";
import { createPortForwardingSchema, updatePortForwardingSchema } from "./port-forwarding.schema.ts";

export const portForwardingRoutes: Route[] = crudRoutes(
  "/v2.0/floatingips/:floatingip_id/port_forwardings",
  "floatingip_port_forwarding",
  { create: createPortForwardingSchema, update: updatePortForwardingSchema },
  {
    list: listPortForwardings,
    create: createPortForwardingHandler,
    show: showPortForwarding,
    update: updatePortForwardingHandler,
    remove: deletePortForwardingHandler,
  },
);
