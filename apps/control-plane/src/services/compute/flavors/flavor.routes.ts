import { route } from "../../../http/service.ts";
import {
  deleteExtraSpec,
  deleteFlavorHandler,
  listAccess,
  listExtraSpecs,
  listFlavorDetails,
  listFlavorEntries,
  postExtraSpecs,
  postFlavor,
  postFlavorAction,
  putExtraSpec,
  putFlavor,
  showExtraSpec,
  showFlavor,
} from "./flavor.handlers.ts";
import {
  createFlavorSchema,
  extraSpecsSchema,
  flavorActionSchema,
  oneExtraSpecSchema,
  updateFlavorSchema,
} from "./flavor.schema.ts";

const FLAVOR = "/v2.1/flavors/:flavor_id";

export const flavorRoutes = [
  route({ method: "GET", path: "/v2.1/flavors", rule: "os_compute_api:flavors", handler: listFlavorEntries }),
  route({ method: "GET", path: "/v2.1/flavors/detail", rule: "os_compute_api:flavors", handler: listFlavorDetails }),
  route({
    method: "POST",
    path: "/v2.1/flavors",
    rule: "os_compute_api:os-flavor-manage:create",
    body: createFlavorSchema,
    handler: postFlavor,
  }),
  route({ method: "GET", path: FLAVOR, rule: "os_compute_api:flavors", handler: showFlavor }),
  route({
    method: "PUT",
    path: FLAVOR,
    rule: "os_compute_api:os-flavor-manage:update",
    since: 55,
    body: updateFlavorSchema,
    handler: putFlavor,
  }),
  route({
    method: "DELETE",
    path: FLAVOR,
    rule: "os_compute_api:os-flavor-manage:delete",
    handler: deleteFlavorHandler,
  }),
  route({
    method: "GET",
    path: `${FLAVOR}/os-flavor-access`,
    rule: "os_compute_api:os-flavor-access",
    handler: listAccess,
  }),
  route({
    method: "POST",
    path: `${FLAVOR}/action`,
    rule: "os_compute_api:os-flavor-access:add_tenant_access",
    body: flavorActionSchema,
    handler: postFlavorAction,
  }),
  route({
    method: "GET",
    path: `${FLAVOR}/os-extra_specs`,
    rule: "os_compute_api:os-flavor-extra-specs:index",
    handler: listExtraSpecs,
  }),
  route({
    method: "POST",
    path: `${FLAVOR}/os-extra_specs`,
    rule: "os_compute_api:os-flavor-extra-specs:create",
    body: extraSpecsSchema,
    handler: postExtraSpecs,
  }),
  route({
    method: "GET",
    path: `${FLAVOR}/os-extra_specs/:key`,
    rule: "os_compute_api:os-flavor-extra-specs:show",
    handler: showExtraSpec,
  }),
  route({
    method: "PUT",
    path: `${FLAVOR}/os-extra_specs/:key`,
    rule: "os_compute_api:os-flavor-extra-specs:update",
    body: oneExtraSpecSchema,
    handler: putExtraSpec,
  }),
  route({
    method: "DELETE",
    path: `${FLAVOR}/os-extra_specs/:key`,
    rule: "os_compute_api:os-flavor-extra-specs:delete",
    handler: deleteExtraSpec,
  }),
];
