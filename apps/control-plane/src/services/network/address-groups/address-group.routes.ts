import { type Route, route } from "../../../http/service.ts";
import { crudRoutes } from "../common/crud-routes.ts";
import {
  addAddresses,
  createAddressGroupHandler,
  deleteAddressGroupHandler,
  listAddressGroups,
  removeAddresses,
  showAddressGroup,
  updateAddressGroupHandler,
} from "./address-group.handlers.ts";
import { addressesSchema, createAddressGroupSchema, updateAddressGroupSchema } from "./address-group.schema.ts";

export const addressGroupRoutes: Route[] = [
  ...crudRoutes(
    "/v2.0/address-groups",
    "address_group",
    { create: createAddressGroupSchema, update: updateAddressGroupSchema },
    {
      list: listAddressGroups,
      create: createAddressGroupHandler,
      show: showAddressGroup,
      update: updateAddressGroupHandler,
      remove: deleteAddressGroupHandler,
    },
  ),
  route({
    method: "PUT",
    path: "/v2.0/address-groups/:id/add_addresses",
    rule: "add_addresses",
    body: addressesSchema,
    handler: addAddresses,
  }),
  route({
    method: "PUT",
    path: "/v2.0/address-groups/:id/remove_addresses",
    rule: "remove_addresses",
    body: addressesSchema,
    handler: removeAddresses,
  }),
];
