import { notFound } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import type { CatalogService, Endpoint, Region } from "./catalog.model.ts";
import { findEndpoint, findRegion, findService, listEndpoints, listRegions, listServices } from "./catalog.queries.ts";

/** Those that the operator added. */
export const readServices = (app: Pick<App, "db">): Promise<CatalogService[]> => listServices(app.db);

export async function readService(app: Pick<App, "db">, id: string): Promise<CatalogService> {
  const service = await findService(app.db, id);
  if (service === null) throw notFound(`Could not find service: ${id}.`);
  return service;
}

/** Those that the operator added. */
export const readEndpoints = (app: Pick<App, "db">): Promise<Endpoint[]> => listEndpoints(app.db);

export async function readEndpoint(app: Pick<App, "db">, id: string): Promise<Endpoint> {
  const endpoint = await findEndpoint(app.db, id);
  if (endpoint === null) throw notFound(`Could not find endpoint: ${id}.`);
  return endpoint;
}

const ownRegion = (app: Pick<App, "config">): Region => ({
  id: app.config.region,
  description: "",
  parentRegionId: null,
  extra: {},
});

/** The installation's own, then those that the operator added. */
export async function readRegions(app: Pick<App, "db" | "config">): Promise<Region[]> {
  return [ownRegion(app), ...(await listRegions(app.db)).filter((region) => region.id !== app.config.region)];
}

export async function readRegion(app: Pick<App, "db" | "config">, id: string): Promise<Region> {
  const region = id === app.config.region ? ownRegion(app) : await findRegion(app.db, id);
  if (region === null) throw notFound(`Could not find region: ${id}.`);
  return region;
}
