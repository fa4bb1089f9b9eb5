import { forbidden } from "@andromede/base/errors";

import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { extraOf } from "../shared/extra.ts";
import { identityUrl, listLinks } from "../shared/identity-links.ts";
import { callerToken } from "../tokens/caller-token.ts";
import { catalogFor, doorsOf } from "./catalog.ts";
import { catalogOf, readCatalog } from "./catalog-cache.ts";
import { endpointMembers, regionMembers, serviceMembers } from "./catalog.schema.ts";
import { fromCatalogEndpoint, fromEntry, toEndpointView, toRegionView, toServiceView } from "./catalog.view.ts";
import {
  type EndpointChange,
  type ServiceChange,
  createEndpoint,
  createService,
  deleteEndpoint,
  deleteService,
  updateEndpoint,
  updateService,
} from "./change-catalog.ts";
import { type RegionChange, createRegion, deleteRegion, updateRegion } from "./change-regions.ts";
import { readEndpoint, readEndpoints, readRegion, readRegions, readService, readServices } from "./read-catalog.ts";

const ownCatalog = (request: Pick<ApiRequest, "app" | "baseUrl">) =>
  catalogFor(doorsOf(request.app.config, request.baseUrl), request.app.config.region);

export async function handleCatalog(request: ApiRequest): Promise<Reply> {
  const token = callerToken(request);
  if (token.scope.kind === "unscoped") throw forbidden("The service catalog is shown to scoped tokens");
  const catalog = catalogOf(request.app, await readCatalog(request.app), request.baseUrl, token);
  return ok({ catalog, links: { self: identityUrl(request.baseUrl, "auth/catalog") } });
}

/** A filter that was not sent lets everything pass. */
const passes = (request: ApiRequest, name: string, value: string | null): boolean => {
  const asked = request.query.get(name);
  return asked === undefined || asked === value;
};
const serviceId = (request: Pick<ApiRequest, "params">): string => request.params["service_id"] ?? "";
const endpointId = (request: Pick<ApiRequest, "params">): string => request.params["endpoint_id"] ?? "";
const regionId = (request: Pick<ApiRequest, "params">): string => request.params["region_id"] ?? "";

export async function handleListServices(request: ApiRequest): Promise<Reply> {
  const all = [...ownCatalog(request).map(fromEntry), ...(await readServices(request.app))];
  const found = all.filter((one) => passes(request, "type", one.type) && passes(request, "name", one.name));
  return ok({ services: found.map((one) => toServiceView(one, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowService(request: ApiRequest): Promise<Reply> {
  const id = serviceId(request);
  const own = ownCatalog(request).find((one) => one.id === id);
  const service = own === undefined ? await readService(request.app, id) : fromEntry(own);
  return ok({ service: toServiceView(service, request.baseUrl) });
}

export async function handleCreateService(
  request: ApiRequest<{ service: ServiceChange & { type: string } }>,
): Promise<Reply> {
  const given = request.body.service;
  const service = await createService(request.app, request.origin, given, extraOf(given, serviceMembers));
  return created({ service: toServiceView(service, request.baseUrl) });
}

export async function handleUpdateService(request: ApiRequest<{ service: ServiceChange }>): Promise<Reply> {
  const given = request.body.service;
  const extra = extraOf(given, serviceMembers);
  const service = await updateService(request.app, request.origin, serviceId(request), given, extra);
  return ok({ service: toServiceView(service, request.baseUrl) });
}

export async function handleDeleteService(request: ApiRequest): Promise<Reply> {
  await deleteService(request.app, request.origin, serviceId(request));
  return noContent();
}

const ownEndpoints = (request: Pick<ApiRequest, "app" | "baseUrl">) =>
  ownCatalog(request).flatMap((entry) => entry.endpoints.map((endpoint) => fromCatalogEndpoint(entry, endpoint)));

export async function handleListEndpoints(request: ApiRequest): Promise<Reply> {
  const found = [...ownEndpoints(request), ...(await readEndpoints(request.app))].filter(
    (endpoint) =>
      passes(request, "service_id", endpoint.serviceId) &&
      passes(request, "interface", endpoint.interface) &&
      passes(request, "region_id", endpoint.regionId) &&
      passes(request, "region", endpoint.regionId),
  );
  return ok({ endpoints: found.map((one) => toEndpointView(one, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowEndpoint(request: ApiRequest): Promise<Reply> {
  const id = endpointId(request);
  const endpoint = ownEndpoints(request).find((one) => one.id === id) ?? (await readEndpoint(request.app, id));
  return ok({ endpoint: toEndpointView(endpoint, request.baseUrl) });
}

export async function handleCreateEndpoint(
  request: ApiRequest<{ endpoint: EndpointChange & { service_id: string; interface: string; url: string } }>,
): Promise<Reply> {
  const given = request.body.endpoint;
  const endpoint = await createEndpoint(request.app, request.origin, given, extraOf(given, endpointMembers));
  return created({ endpoint: toEndpointView(endpoint, request.baseUrl) });
}

export async function handleUpdateEndpoint(request: ApiRequest<{ endpoint: EndpointChange }>): Promise<Reply> {
  const given = request.body.endpoint;
  const extra = extraOf(given, endpointMembers);
  const endpoint = await updateEndpoint(request.app, request.origin, endpointId(request), given, extra);
  return ok({ endpoint: toEndpointView(endpoint, request.baseUrl) });
}

export async function handleDeleteEndpoint(request: ApiRequest): Promise<Reply> {
  await deleteEndpoint(request.app, request.origin, endpointId(request));
  return noContent();
}

export async function handleListRegions(request: ApiRequest): Promise<Reply> {
  const below = request.query.get("parent_region_id");
  const all = await readRegions(request.app);
  const found = all.filter((region) => below === undefined || (region.parentRegionId ?? "") === below);
  return ok({ regions: found.map((region) => toRegionView(region, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowRegion(request: ApiRequest): Promise<Reply> {
  return ok({ region: toRegionView(await readRegion(request.app, regionId(request)), request.baseUrl) });
}

export async function handleCreateRegion(request: ApiRequest<{ region: RegionChange }>): Promise<Reply> {
  const given = request.body.region;
  const region = await createRegion(request.app, request.origin, given, extraOf(given, regionMembers));
  return created({ region: toRegionView(region, request.baseUrl) });
}

export async function handleUpdateRegion(request: ApiRequest<{ region: RegionChange }>): Promise<Reply> {
  const given = request.body.region;
  const extra = extraOf(given, regionMembers);
  const region = await updateRegion(request.app, request.origin, regionId(request), given, extra);
  return ok({ region: toRegionView(region, request.baseUrl) });
}

export async function handleDeleteRegion(request: ApiRequest): Promise<Reply> {
  await deleteRegion(request.app, request.origin, regionId(request));
  return noContent();
}
