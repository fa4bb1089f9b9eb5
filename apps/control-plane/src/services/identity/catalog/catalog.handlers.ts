import { forbidden, notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { identityUrl, listLinks } from "../shared/identity-links.ts";
import { callerToken } from "../tokens/caller-token.ts";
import { catalogFor } from "./catalog.ts";
import { toEndpointView, toRegionView, toServiceView } from "./catalog.view.ts";

const catalogOf = (request: ApiRequest) => catalogFor(request.baseUrl, request.app.config.region);

export function handleCatalog(request: ApiRequest): Reply {
  if (callerToken(request).scope.kind === "unscoped") throw forbidden("The service catalog is shown to scoped tokens");
  const { region } = request.app.config;
  return ok({
    catalog: catalogFor(request.baseUrl, region, request.actor.projectId),
    links: { self: identityUrl(request.baseUrl, "auth/catalog") },
  });
}

/** A filter that was not sent lets everything pass. */
const passes = (request: ApiRequest, name: string, value: string): boolean => {
  const asked = request.query.get(name);
  return asked === undefined || asked === value;
};

export function handleListServices(request: ApiRequest): Reply {
  const found = catalogOf(request).filter(
    (entry) => passes(request, "type", entry.type) && passes(request, "name", entry.name),
  );
  return ok({ services: found.map((entry) => toServiceView(entry, request.baseUrl)), links: listLinks(request) });
}

export function handleShowService(request: ApiRequest): Reply {
  const id = request.params["service_id"] ?? "";
  const entry = catalogOf(request).find((one) => one.id === id);
  if (entry === undefined) throw notFound(`Could not find service: ${id}.`);
  return ok({ service: toServiceView(entry, request.baseUrl) });
}

const endpointsOf = (request: ApiRequest) =>
  catalogOf(request).flatMap((entry) => entry.endpoints.map((endpoint) => ({ entry, endpoint })));

export function handleListEndpoints(request: ApiRequest): Reply {
  const found = endpointsOf(request).filter(
    ({ entry, endpoint }) =>
      passes(request, "service_id", entry.id) &&
      passes(request, "interface", endpoint.interface) &&
      passes(request, "region_id", endpoint.region_id) &&
      passes(request, "region", endpoint.region),
  );
  return ok({
    endpoints: found.map(({ entry, endpoint }) => toEndpointView(entry, endpoint, request.baseUrl)),
    links: listLinks(request),
  });
}

export function handleShowEndpoint(request: ApiRequest): Reply {
  const id = request.params["endpoint_id"] ?? "";
  const found = endpointsOf(request).find(({ endpoint }) => endpoint.id === id);
  if (found === undefined) throw notFound(`Could not find endpoint: ${id}.`);
  return ok({ endpoint: toEndpointView(found.entry, found.endpoint, request.baseUrl) });
}

export function handleListRegions(request: ApiRequest): Reply {
  const { region } = request.app.config;
  const below = request.query.get("parent_region_id");
  const regions = below === undefined || below === "" ? [toRegionView(region, request.baseUrl)] : [];
  return ok({ regions, links: listLinks(request) });
}

export function handleShowRegion(request: ApiRequest): Reply {
  const { region } = request.app.config;
  const id = request.params["region_id"] ?? "";
  if (id !== region) throw notFound(`Could not find region: ${id}.`);
  return ok({ region: toRegionView(region, request.baseUrl) });
}
