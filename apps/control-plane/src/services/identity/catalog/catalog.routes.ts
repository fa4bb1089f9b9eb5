import { type Route, route } from "../../../http/service.ts";
import * as catalog from "./catalog.handlers.ts";
import * as schema from "./catalog.schema.ts";
import { handlePutRegion } from "./put-region.handlers.ts";

const service = "/v3/services/:service_id";
const endpoint = "/v3/endpoints/:endpoint_id";
const region = "/v3/regions/:region_id";

export const catalogRoutes: Route[] = [
  route({ method: "GET", path: "/v3/auth/catalog", rule: "identity:get_auth_catalog", handler: catalog.handleCatalog }),
  route({ method: "GET", path: "/v3/services", rule: "identity:list_services", handler: catalog.handleListServices }),
  route({
    method: "POST",
    path: "/v3/services",
    rule: "identity:create_service",
    body: schema.createServiceSchema,
    handler: catalog.handleCreateService,
  }),
  route({ method: "GET", path: service, rule: "identity:get_service", handler: catalog.handleShowService }),
  route({
    method: "PATCH",
    path: service,
    rule: "identity:update_service",
    body: schema.updateServiceSchema,
    handler: catalog.handleUpdateService,
  }),
  route({ method: "DELETE", path: service, rule: "identity:delete_service", handler: catalog.handleDeleteService }),
  route({
    method: "GET",
    path: "/v3/endpoints",
    rule: "identity:list_endpoints",
    handler: catalog.handleListEndpoints,
  }),
  route({
    method: "POST",
    path: "/v3/endpoints",
    rule: "identity:create_endpoint",
    body: schema.createEndpointSchema,
    handler: catalog.handleCreateEndpoint,
  }),
  route({ method: "GET", path: endpoint, rule: "identity:get_endpoint", handler: catalog.handleShowEndpoint }),
  route({
    method: "PATCH",
    path: endpoint,
    rule: "identity:update_endpoint",
    body: schema.updateEndpointSchema,
    handler: catalog.handleUpdateEndpoint,
  }),
  route({ method: "DELETE", path: endpoint, rule: "identity:delete_endpoint", handler: catalog.handleDeleteEndpoint }),
  route({ method: "GET", path: "/v3/regions", rule: "identity:list_regions", handler: catalog.handleListRegions }),
  route({
    method: "POST",
    path: "/v3/regions",
    rule: "identity:create_region",
    body: schema.createRegionSchema,
    handler: catalog.handleCreateRegion,
  }),
  route({ method: "GET", path: region, rule: "identity:get_region", handler: catalog.handleShowRegion }),
  route({
    method: "PUT",
    path: region,
    rule: "identity:create_region",
    body: schema.createRegionSchema,
    handler: handlePutRegion,
  }),
  route({
    method: "PATCH",
    path: region,
    rule: "identity:update_region",
    body: schema.updateRegionSchema,
    handler: catalog.handleUpdateRegion,
  }),
  route({ method: "DELETE", path: region, rule: "identity:delete_region", handler: catalog.handleDeleteRegion }),
];
