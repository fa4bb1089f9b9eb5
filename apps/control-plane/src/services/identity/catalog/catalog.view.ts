import { selfLink } from "../shared/identity-links.ts";
import type { CatalogEndpoint, CatalogEntry } from "./catalog.ts";

export const toServiceView = (entry: CatalogEntry, baseUrl: string) => ({
  id: entry.id,
  type: entry.type,
  name: entry.name,
  description: "",
  enabled: true,
  ...selfLink(baseUrl, `services/${entry.id}`),
});

export const toEndpointView = (entry: CatalogEntry, endpoint: CatalogEndpoint, baseUrl: string) => ({
  id: endpoint.id,
  service_id: entry.id,
  interface: endpoint.interface,
  region: endpoint.region,
  region_id: endpoint.region_id,
  url: endpoint.url,
  enabled: true,
  ...selfLink(baseUrl, `endpoints/${endpoint.id}`),
});

export const toRegionView = (region: string, baseUrl: string) => ({
  id: region,
  description: "",
  parent_region_id: null,
  ...selfLink(baseUrl, `regions/${encodeURIComponent(region)}`),
});
