/** keystone/catalog/schema.py, with lengths bounded. Members that it does not know are kept. */
import { wrapped } from "../shared/identity.schema.ts";
import { INTERFACES } from "./catalog.model.ts";

const text = { type: ["string", "null"], maxLength: 1024 } as const;
const name = { type: ["string", "null"], maxLength: 255 } as const;

export const serviceMembers = ["id", "links", "type", "name", "description", "enabled"] as const;
const service = {
  type: { type: "string", minLength: 1, maxLength: 255 },
  name,
  description: text,
  enabled: { type: "boolean" },
} as const;
export const createServiceSchema = wrapped("service", service, { required: ["type"] });
export const updateServiceSchema = wrapped("service", service, { minProperties: 1 });

export const endpointMembers = [
  "id",
  "links",
  "service_id",
  "region",
  "region_id",
  "interface",
  "url",
  "enabled",
] as const;
const endpoint = {
  service_id: { type: "string", minLength: 1, maxLength: 64 },
  region_id: name,
  region: name,
  interface: { type: "string", enum: INTERFACES },
  url: { type: "string", minLength: 1, maxLength: 1024, pattern: "^[^\\s]+$" },
  enabled: { type: "boolean" },
} as const;
export const createEndpointSchema = wrapped("endpoint", endpoint, { required: ["service_id", "interface", "url"] });
export const updateEndpointSchema = wrapped("endpoint", endpoint, { minProperties: 1 });

export const regionMembers = ["id", "links", "description", "parent_region_id"] as const;
const region = { id: { type: "string", maxLength: 255 }, description: text, parent_region_id: name } as const;
export const createRegionSchema = wrapped("region", region, {});
export const updateRegionSchema = wrapped("region", region, { minProperties: 1 });
