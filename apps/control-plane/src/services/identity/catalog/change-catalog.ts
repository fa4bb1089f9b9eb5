/** Services and endpoints that the operator adds. What the installation itself offers is in the program, and stays. */
import { forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { mergeExtra } from "../shared/extra.ts";
import { catalogFor, doorsOf } from "./catalog.ts";
import { forgetCatalog } from "./catalog-cache.ts";
import type { CatalogService, Endpoint } from "./catalog.model.ts";
import {
  countLimitsOf,
  deleteEndpointRow,
  deleteServiceRow,
  ensureRegion,
  findService,
  lockEndpoint,
  lockService,
  putEndpoint,
  putService,
} from "./catalog.queries.ts";

export type ServiceChange = { type?: string; name?: string | null; description?: string | null; enabled?: boolean };
export type EndpointChange = {
  service_id?: string;
  region_id?: string | null;
  region?: string | null;
  interface?: string;
  url?: string;
  enabled?: boolean;
};

const builtIn = (app: Pick<App, "config">) => catalogFor(doorsOf(app.config, ""), app.config.region);
const ownService = (app: Pick<App, "config">, id: string): boolean => builtIn(app).some((entry) => entry.id === id);
const ownEndpoint = (app: Pick<App, "config">, id: string): boolean =>
  builtIn(app).some((entry) => entry.endpoints.some((endpoint) => endpoint.id === id));

const fixed = (what: string, id: string) =>
  forbidden(`The ${what} ${id} belongs to the installation: it can be neither changed nor deleted.`);

export async function createService(
  app: App,
  origin: Origin,
  given: ServiceChange & { type: string },
  extra: JsonObject,
): Promise<CatalogService> {
  const service: CatalogService = {
    id: newHexId(),
    type: given.type,
    name: given.name ?? null,
    description: given.description ?? null,
    enabled: given.enabled ?? true,
    extra: mergeExtra({}, extra),
  };
  await transact(app, origin, async (tx) => {
    await putService(tx.sql, service);
    tx.event({
      action: "identity.service.create",
      target: { type: "service", id: service.id },
      detail: { type: service.type, name: service.name },
    });
  });
  forgetCatalog(app);
  return service;
}

export async function updateService(
  app: App,
  origin: Origin,
  id: string,
  change: ServiceChange,
  extra: JsonObject,
): Promise<CatalogService> {
  if (ownService(app, id)) throw fixed("service", id);
  const service = await transact(app, origin, async (tx) => {
    const before = await lockService(tx.sql, id);
    if (before === null) throw notFound(`Could not find service: ${id}.`);
    const after: CatalogService = {
      id,
      type: change.type ?? before.type,
      name: change.name === undefined ? before.name : change.name,
      description: change.description === undefined ? before.description : change.description,
      enabled: change.enabled ?? before.enabled,
      extra: mergeExtra(before.extra, extra),
    };
    await putService(tx.sql, after);
    tx.event({
      action: "identity.service.update",
      target: { type: "service", id },
      detail: { type: after.type, name: after.name, enabled: after.enabled },
    });
    return after;
  });
  forgetCatalog(app);
  return service;
}

/** With its endpoints. */
export async function deleteService(app: App, origin: Origin, id: string): Promise<void> {
  if (ownService(app, id)) throw fixed("service", id);
  await transact(app, origin, async (tx) => {
    const service = await lockService(tx.sql, id);
    if (service === null) throw notFound(`Could not find service: ${id}.`);
    if ((await countLimitsOf(tx.sql, { serviceId: id })) > 0)
      throw forbidden(`Service ${id} has registered limits: delete those first.`);
    await deleteServiceRow(tx.sql, id);
    tx.event({
      action: "identity.service.delete",
      target: { type: "service", id },
      detail: { type: service.type, name: service.name },
    });
  });
  forgetCatalog(app);
}

/** 400 where the service is none, as Keystone: it is named in a body. */
async function assertService(app: App, sql: Queryable, id: string): Promise<void> {
  if (ownService(app, id) || (await findService(sql, id)) !== null) return;
  throw invalid("Expecting to find valid service_id in endpoint. The client is assumed to be in error.", {
    field: "endpoint.service_id",
  });
}

/** The older name of the member counts where the newer is missing. A region that nobody made is made. */
async function settleRegion(app: App, sql: Queryable, change: EndpointChange): Promise<string | null | undefined> {
  const id = change.region_id === undefined ? change.region : change.region_id;
  if (typeof id === "string" && id !== "" && id !== app.config.region) await ensureRegion(sql, id);
  return id === "" ? null : id;
}

export async function createEndpoint(
  app: App,
  origin: Origin,
  given: EndpointChange & { service_id: string; interface: string; url: string },
  extra: JsonObject,
): Promise<Endpoint> {
  const endpoint = await transact(app, origin, async (tx) => {
    await assertService(app, tx.sql, given.service_id);
    const made: Endpoint = {
      id: newHexId(),
      serviceId: given.service_id,
      regionId: (await settleRegion(app, tx.sql, given)) ?? null,
      interface: given.interface,
      url: given.url,
      enabled: given.enabled ?? true,
      extra: mergeExtra({}, extra),
    };
    await putEndpoint(tx.sql, made);
    tx.event({
      action: "identity.endpoint.create",
      target: { type: "endpoint", id: made.id },
      detail: { service: made.serviceId, interface: made.interface, url: made.url },
    });
    return made;
  });
  forgetCatalog(app);
  return endpoint;
}

export async function updateEndpoint(
  app: App,
  origin: Origin,
  id: string,
  change: EndpointChange,
  extra: JsonObject,
): Promise<Endpoint> {
  if (ownEndpoint(app, id)) throw fixed("endpoint", id);
  const endpoint = await transact(app, origin, async (tx) => {
    const before = await lockEndpoint(tx.sql, id);
    if (before === null) throw notFound(`Could not find endpoint: ${id}.`);
    if (change.service_id !== undefined) await assertService(app, tx.sql, change.service_id);
    const region = await settleRegion(app, tx.sql, change);
    const after: Endpoint = {
      id,
      serviceId: change.service_id ?? before.serviceId,
      regionId: region === undefined ? before.regionId : region,
      interface: change.interface ?? before.interface,
      url: change.url ?? before.url,
      enabled: change.enabled ?? before.enabled,
      extra: mergeExtra(before.extra, extra),
    };
    await putEndpoint(tx.sql, after);
    tx.event({
      action: "identity.endpoint.update",
      target: { type: "endpoint", id },
      detail: { service: after.serviceId, interface: after.interface, url: after.url, enabled: after.enabled },
    });
    return after;
  });
  forgetCatalog(app);
  return endpoint;
}

export async function deleteEndpoint(app: App, origin: Origin, id: string): Promise<void> {
  if (ownEndpoint(app, id)) throw fixed("endpoint", id);
  await transact(app, origin, async (tx) => {
    const endpoint = await lockEndpoint(tx.sql, id);
    if (endpoint === null) throw notFound(`Could not find endpoint: ${id}.`);
    await deleteEndpointRow(tx.sql, id);
    tx.event({ action: "identity.endpoint.delete", target: { type: "endpoint", id }, detail: { url: endpoint.url } });
  });
  forgetCatalog(app);
}
