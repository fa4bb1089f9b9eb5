import type { JsonObject } from "@andromede/base/json";

export type CatalogService = {
  id: string;
  type: string;
  name: string | null;
  description: string | null;
  enabled: boolean;
  extra: JsonObject;
};

export const INTERFACES = ["public", "internal", "admin"] as const;

export type Endpoint = {
  id: string;
  serviceId: string;
  regionId: string | null;
  interface: string;
  url: string;
  enabled: boolean;
  extra: JsonObject;
};

export type Region = { id: string; description: string; parentRegionId: string | null; extra: JsonObject };

/** What the operator added; `version` changes when any of it does. */
export type Offered = { version: number; services: CatalogService[]; endpoints: Endpoint[] };
