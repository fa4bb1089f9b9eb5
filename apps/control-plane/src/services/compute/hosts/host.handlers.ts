import { invalid } from "@andromede/base/errors";

import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { nextLink, toBoolean } from "../common/wire.ts";
import type { ServiceBody, ServiceByHostBody } from "./host.schema.ts";
import {
  toHypervisorEntry,
  toHypervisorView,
  toServiceView,
  toStatistics,
  toZoneDetails,
  toZoneView,
} from "./host.view.ts";
import {
  type HostPage,
  disableHost,
  readAllHosts,
  readHost,
  readHosts,
  readServices,
  readZones,
  searchHosts,
} from "./read-hosts.ts";

const list =
  (path: string, view: typeof toHypervisorEntry) =>
  async (request: ApiRequest): Promise<Reply> => {
    const page = await readHosts(request);
    const last = page.hosts.at(-1);
    const marker = request.version >= 53 ? last?.hypervisorId : String(last?.number ?? "");
    return {
      status: 200,
      body: {
        hypervisors: entries(page, view, request),
        ...(page.more && marker !== undefined && request.version >= 33
          ? { hypervisors_links: nextLink(request, path, nextPageQuery(request.query, marker)) }
          : {}),
      },
    };
  };

const entries = (page: HostPage, view: typeof toHypervisorEntry, request: ApiRequest): object[] =>
  page.hosts.map((host) => view(host, request, page.servers.get(host.name) ?? []));

export const listHypervisors = list("os-hypervisors", toHypervisorEntry);
export const listHypervisorDetails = list("os-hypervisors/detail", toHypervisorView);

export async function showHypervisor(request: ApiRequest): Promise<Reply> {
  const { host, servers } = await readHost(request, request.params["hypervisor_id"] ?? "");
  return { status: 200, body: { hypervisor: toHypervisorView(host, request, servers) } };
}

export const showStatistics = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { hypervisor_statistics: toStatistics(await readAllHosts(request)) },
});

const search =
  (withServers: boolean) =>
  async (request: ApiRequest): Promise<Reply> => {
    const page = await searchHosts(request, request.params["hypervisor_id"] ?? "", withServers);
    return { status: 200, body: { hypervisors: entries(page, toHypervisorEntry, request) } };
  };
export const searchHypervisors = search(false);
export const listHypervisorServers = search(true);

export const listZonesHandler = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { availabilityZoneInfo: (await readZones(request)).map(toZoneView) },
});

export const listZoneDetails = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { availabilityZoneInfo: toZoneDetails(await readAllHosts(request)) },
});

export const listServices = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { services: (await readServices(request)).map((host) => toServiceView(host, request)) },
});

const byHost =
  (disabled: boolean, withReason: boolean) =>
  async (request: ApiRequest<ServiceByHostBody>): Promise<Reply> => {
    const { host: name, binary, disabled_reason: reason } = request.body;
    if (withReason && reason === undefined) throw invalid("Missing disabled reason field");
    const host = await disableHost(request, { name }, disabled, withReason ? (reason ?? null) : null);
    return {
      status: 200,
      body: {
        service: {
          host: host.name,
          binary,
          status: host.disabled ? "disabled" : "enabled",
          ...(withReason ? { disabled_reason: host.disabledReason } : {}),
        },
      },
    };
  };
export const enableByHost = byHost(false, false);
export const disableByHost = byHost(true, false);
export const disableByHostLogReason = byHost(true, true);

export async function putService(request: ApiRequest<ServiceBody>): Promise<Reply> {
  const { status, disabled_reason: reason, forced_down: forced } = request.body;
  if (forced !== undefined && toBoolean(forced))
    throw invalid("A host cannot be forced down here: whether it is up is what its agent says.");
  if (status === undefined && reason !== undefined)
    throw invalid("Specifying disabled_reason requires that status is 'disabled'.");
  if (status === "enabled" && reason !== undefined)
    throw invalid("Specifying disabled_reason requires that status is 'disabled'.");
  if (status === undefined)
    throw invalid("No updates were requested. Fields 'status' or 'forced_down' should be specified.");
  const host = await disableHost(
    request,
    { serviceId: request.params["service_id"] ?? "" },
    status === "disabled",
    reason ?? null,
  );
  return { status: 200, body: { service: toServiceView(host, request) } };
}
