import { type Route, route } from "../../../http/service.ts";
import {
  createSubnetpoolHandler,
  deleteSubnetpoolHandler,
  listSubnetpools,
  showSubnetpool,
  updateSubnetpoolHandler,
} from "./subnetpool.handlers.ts";
import { createSubnetpoolSchema, updateSubnetpoolSchema } from "./subnetpool.schema.ts";

export const subnetpoolRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/subnetpools", rule: "get_subnetpool", handler: listSubnetpools }),
  route({
    method: "POST",
    path: "/v2.0/subnetpools",
    rule: "create_subnetpool",
    body: createSubnetpoolSchema,
    handler: createSubnetpoolHandler,
  }),
  route({ method: "GET", path: "/v2.0/subnetpools/:id", rule: "get_subnetpool", handler: showSubnetpool }),
  route({
    method: "PUT",
    path: "/v2.0/subnetpools/:id",
    rule: "update_subnetpool",
    body: updateSubnetpoolSchema,
    handler: updateSubnetpoolHandler,
  }),
  route({
    method: "DELETE",
    path: "/v2.0/subnetpools/:id",
    rule: "delete_subnetpool",
    handler: deleteSubnetpoolHandler,
  }),
];
