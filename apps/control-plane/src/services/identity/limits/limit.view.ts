import { selfLink } from "../shared/identity-links.ts";
import type { Limit, RegisteredLimit } from "./limit.model.ts";

export const toRegisteredLimitView = (limit: RegisteredLimit, baseUrl: string) => ({
  id: limit.id,
  service_id: limit.serviceId,
  region_id: limit.regionId,
  resource_name: limit.resourceName,
  default_limit: limit.defaultLimit,
  description: limit.description,
  ...selfLink(baseUrl, `registered_limits/${limit.id}`),
});

export const toLimitView = (limit: Limit, baseUrl: string) => ({
  id: limit.id,
  project_id: limit.projectId,
  domain_id: limit.domainId,
  service_id: limit.serviceId,
  region_id: limit.regionId,
  resource_name: limit.resourceName,
  resource_limit: limit.resourceLimit,
  description: limit.description,
  ...selfLink(baseUrl, `limits/${limit.id}`),
});
