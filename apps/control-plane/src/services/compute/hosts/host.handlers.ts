import { invalid, notFound, notImplemented } from "@andromede/base/errors";

import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { nextLink, toBoolean } from "../common/wire.ts";
import type { ForceDownBody, HostBody, ServiceBody, ServiceByHostBody } from "./host.schema.ts";
import {
  toHostEntry,
  toHostResources,
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
  forceHostDown,
  readAllHosts,
  readHost,
  readHostUse,
  readHosts,
  readServices,
  readZones,
  removeHost,
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
  page.hosts.map((host) => view(host, request, page.servers === null ? null : (page.servers.get(host.name) ?? [])));

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
  if (status === undefined && reason !== undefined)
    throw invalid("Specifying disabled_reason requires that status is 'disabled'.");
  if (status === "enabled" && reason !== undefined)
    throw invalid("Specifying disabled_reason requires that status is 'disabled'.");
  if (status === undefined && forced === undefined)
    throw invalid("No updates were requested. Fields 'status' or 'forced_down' should be specified.");
  const by = { serviceId: request.params["service_id"] ?? "" };
  let host = forced === undefined ? null : await forceHostDown(request, by, toBoolean(forced));
  if (status !== undefined) host = await disableHost(request, by, status === "disabled", reason ?? null);
  if (host === null) throw notFound("Service could not be found.");
  return { status: 200, body: { service: toServiceView(host, request) } };
}

/** 2.11 to 2.52. */
export async function putForceDown(request: ApiRequest<ForceDownBody>): Promise<Reply> {
  const { host: name, binary, forced_down: forced } = request.body;
  const host = await forceHostDown(request, { name }, toBoolean(forced));
  return { status: 200, body: { service: { host: host.name, binary, forced_down: host.forcedDown } } };
}

export async function deleteService(request: ApiRequest): Promise<Reply> {
  await removeHost(request, request.params["service_id"] ?? "");
  return { status: 204 };
}

/** Nova's `os-hosts`, until 2.42: only hosts that are not disabled. */
export async function listOldHosts(request: ApiRequest): Promise<Reply> {
  const zone = request.query.get("zone");
  const hosts = (await readAllHosts(request)).filter((host) => !host.disabled);
  const shown = zone === undefined ? hosts : hosts.filter((host) => host.availabilityZone === zone);
  return { status: 200, body: { hosts: shown.map(toHostEntry) } };
}

const hostNameOf = (request: Pick<ApiRequest, "params">): string => request.params["host_name"] ?? "";

export async function showOldHost(request: ApiRequest): Promise<Reply> {
  const { host, projects } = await readHostUse(request, hostNameOf(request));
  return { status: 200, body: { host: toHostResources(host, projects) } };
}

export async function putOldHost(request: ApiRequest<HostBody>): Promise<Reply> {
  const { status, maintenance_mode: maintenance } = request.body;
  if (maintenance !== undefined) throw notSupported();
  if (status === undefined) throw invalid("No updates were requested.");
  const enable = status.trim().toLowerCase() === "enable";
  const host = await disableHost(request, { name: hostNameOf(request) }, !enable, null, "host");
  return { status: 200, body: { host: host.name, status: host.disabled ? "disabled" : "enabled" } };
}

const notSupported = (): Error => notImplemented("Requested action is not supported.");

/** The machine is not ours to switch off: whoever runs it does so. */
export async function actOnOldHost(request: ApiRequest): Promise<Reply> {
  await readHostUse(request, hostNameOf(request));
  throw notSupported();
}

/** Agents do not say since when their machine runs; from 2.88 on the answer has a place for that. */
export async function showUptime(request: ApiRequest): Promise<Reply> {
  await readHost(request, request.params["hypervisor_id"] ?? "");
  throw notSupported();
}
