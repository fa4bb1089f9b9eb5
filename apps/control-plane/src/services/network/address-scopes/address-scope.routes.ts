import type { Route } from "../../../http/service.ts";
import { crudRoutes } from "../common/crud-routes.ts";
import {
  createAddressScopeHandler,
  deleteAddressScopeHandler,
  listAddressScopes,
  showAddressScope,
  updateAddressScopeHandler,
} from "./address-scope.handlers.ts";
import { createAddressScopeSchema, updateAddressScopeSchema } from "./address-scope.schema.ts";

export const addressScopeRoutes: Route[] = crudRoutes(
  "/v2.0/address-scopes",
  "address_scope",
  { create: createAddressScopeSchema, update: updateAddressScopeSchema },
  {
    list: listAddressScopes,
    create: createAddressScopeHandler,
    show: showAddressScope,
    update: updateAddressScopeHandler,
    remove: deleteAddressScopeHandler,
  },
);
