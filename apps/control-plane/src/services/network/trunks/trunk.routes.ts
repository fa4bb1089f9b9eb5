import { type Route, route } from "../../../http/service.ts";
import { crudRoutes } from "../common/crud-routes.ts";
import {
  addSubPortsHandler,
  createTrunkHandler,
  deleteTrunkHandler,
  listSubPorts,
  listTrunks,
  removeSubPortsHandler,
  showTrunk,
  updateTrunkHandler,
} from "./trunk.handlers.ts";
import { createTrunkSchema, subPortsSchema, updateTrunkSchema } from "./trunk.schema.ts";

export const trunkRoutes: Route[] = [
  ...crudRoutes(
    "/v2.0/trunks",
    "trunk",
    { create: createTrunkSchema, update: updateTrunkSchema },
    {
      list: listTrunks,
      create: createTrunkHandler,
      show: showTrunk,
      update: updateTrunkHandler,
      remove: deleteTrunkHandler,
    },
  ),
  route({
    method: "PUT",
    path: "/v2.0/trunks/:id/add_subports",
    rule: "add_subports",
    body: subPortsSchema,
    handler: addSubPortsHandler,
  }),
  route({
    method: "PUT",
    path: "/v2.0/trunks/:id/remove_subports",
    rule: "delete_subports",
    body: subPortsSchema,
    handler: removeSubPortsHandler,
  }),
  route({ method: "GET", path: "/v2.0/trunks/:id/get_subports", rule: "get_subports", handler: listSubPorts }),
];
