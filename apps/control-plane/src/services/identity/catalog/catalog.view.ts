import { selfLink } from "../shared/identity-links.ts";
import type { CatalogEndpoint, CatalogEntry } from "./catalog.ts";
import type { CatalogService, Endpoint, Region } from "./catalog.model.ts";

/** One of the installation's own, in the form of an operator's. */
export const fromEntry = (entry: CatalogEntry): CatalogService => ({
  id: entry.id,
  type: entry.type,
  name: entry.name,
  description: "",
  enabled: true,
  extra: {},
});

export const fromCatalogEndpoint = (entry: CatalogEntry, endpoint: CatalogEndpoint): Endpoint => ({
  id: endpoint.id,
  serviceId: entry.id,
  regionId: endpoint.region_id,
  interface: endpoint.interface,
  url: endpoint.url,
  enabled: true,
  extra: {},
});

export const toServiceView = (service: CatalogService, baseUrl: string) => ({
  ...service.extra,
  id: service.id,
  type: service.type,
  // Keystone leaves out what was never said
  ...(service.name === null ? {} : { name: service.name }),
  ...(service.description === null ? {} : { description: service.description }),
  enabled: service.enabled,
  ...selfLink(baseUrl, `services/${service.id}`),
});

export const toEndpointView = (endpoint: Endpoint, baseUrl: string) => ({
  ...endpoint.extra,
  id: endpoint.id,
  service_id: endpoint.serviceId,
  interface: endpoint.interface,
  region: endpoint.regionId,
  region_id: endpoint.regionId,
  url: endpoint.url,
  enabled: endpoint.enabled,
  ...selfLink(baseUrl, `endpoints/${endpoint.id}`),
});

export const toRegionView = (region: Region, baseUrl: string) => ({
  ...region.extra,
  id: region.id,
  description: region.description,
  parent_region_id: region.parentRegionId,
  ...selfLink(baseUrl, `regions/${encodeURIComponent(region.id)}`),
});
