import { type Route, route } from "../../../http/service.ts";
import {
  handleCatalog,
  handleListEndpoints,
  handleListRegions,
  handleListServices,
  handleShowEndpoint,
  handleShowRegion,
  handleShowService,
} from "./catalog.handlers.ts";

export const catalogRoutes: Route[] = [
  route({ method: "GET", path: "/v3/auth/catalog", rule: "identity:get_auth_catalog", handler: handleCatalog }),
  route({ method: "GET", path: "/v3/services", rule: "identity:list_services", handler: handleListServices }),
  route({ method: "GET", path: "/v3/services/:service_id", rule: "identity:get_service", handler: handleShowService }),
  route({ method: "GET", path: "/v3/endpoints", rule: "identity:list_endpoints", handler: handleListEndpoints }),
  route({
    method: "GET",
    path: "/v3/endpoints/:endpoint_id",
    rule: "identity:get_endpoint",
    handler: handleShowEndpoint,
  }),
  route({ method: "GET", path: "/v3/regions", rule: "identity:list_regions", handler: handleListRegions }),
  route({ method: "GET", path: "/v3/regions/:region_id", rule: "identity:get_region", handler: handleShowRegion }),
];
