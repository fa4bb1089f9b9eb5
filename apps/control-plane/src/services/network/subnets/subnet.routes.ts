import { type Route, route } from "../../../http/service.ts";
import {
  createSubnetHandler,
  deleteSubnetHandler,
  listSubnets,
  showSubnet,
  updateSubnetHandler,
} from "./subnet.handlers.ts";
import { createSubnetSchema, updateSubnetSchema } from "./subnet.schema.ts";

export const subnetRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/subnets", rule: "get_subnet", handler: listSubnets }),
  route({
    method: "POST",
    path: "/v2.0/subnets",
    rule: "create_subnet",
    body: createSubnetSchema,
    handler: createSubnetHandler,
  }),
  route({ method: "GET", path: "/v2.0/subnets/:id", rule: "get_subnet", handler: showSubnet }),
  route({
    method: "PUT",
    path: "/v2.0/subnets/:id",
    rule: "update_subnet",
    body: updateSubnetSchema,
    handler: updateSubnetHandler,
  }),
  route({ method: "DELETE", path: "/v2.0/subnets/:id", rule: "delete_subnet", handler: deleteSubnetHandler }),
];
