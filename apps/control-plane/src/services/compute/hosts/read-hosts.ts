/** Hosts, for those who run them. */
import { conflict, invalid, notFound } from "@andromede/base/errors";
import { isUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import { readPaging } from "../../../http/paging.ts";
import { readBoolean } from "../../../http/query.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Host } from "./host.model.ts";
import {
  deleteHostRow,
  findHost,
  listHostUse,
  listHosts,
  listServersOn,
  listZones,
  setHostDisabled,
  setHostForcedDown,
} from "./host.queries.ts";
import type { HostedServer } from "./host.view.ts";

/** `servers` null: nobody asked for them. */
export type HostPage = { hosts: Host[]; servers: Map<string, HostedServer[]> | null; more: boolean };

const unknown = (id: string): Error => notFound(`Compute host ${id} could not be found.`);

/** Ids are numbers until 2.53, UUIDs from then on. */
async function findByWireId(request: ApiRequest, id: string): Promise<Host | null> {
  if (request.version >= 53) return findHost(request.app.db, { hypervisorId: id });
  return /^\d{1,15}$/.test(id) ? findHost(request.app.db, { number: Number(id) }) : null;
}

export async function readHosts(request: ApiRequest): Promise<HostPage> {
  const { query, version, app } = request;
  const { limit, marker } =
    version >= 33 ? readPaging(query, { maxLimit: 1000 }) : { limit: 100_000, marker: undefined };
  const after = marker === undefined ? null : await findByWireId(request, marker);
  if (marker !== undefined && after === null) throw invalid(`marker [${marker}] not found`);
  const pattern = version >= 53 ? query.get("hypervisor_hostname_pattern") : undefined;
  const hosts = await listHosts(app.db, {
    limit,
    ...(after === null ? {} : { afterNumber: after.number }),
    ...(pattern === undefined ? {} : { pattern: toPattern(pattern) }),
  });
  const withServers = version >= 53 && readBoolean(query, "with_servers") === true;
  return {
    hosts,
    servers: withServers ? await serversOn(request, hosts) : null,
    more: limit > 0 && hosts.length === limit,
  };
}

const toPattern = (text: string): string => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;

async function serversOn(request: ApiRequest, hosts: Host[]): Promise<Map<string, HostedServer[]>> {
  const byHost = new Map<string, HostedServer[]>();
  for (const server of await listServersOn(
    request.app.db,
    hosts.map((host) => host.name),
  )) {
    byHost.set(server.host, [...(byHost.get(server.host) ?? []), server]);
  }
  return byHost;
}

export async function readHost(
  request: ApiRequest,
  id: string,
): Promise<{ host: Host; servers: HostedServer[] | null }> {
  const host = await findByWireId(request, id);
  if (host === null) throw unknown(id);
  const wanted = request.version >= 53 && readBoolean(request.query, "with_servers") === true;
  return { host, servers: wanted ? ((await serversOn(request, [host])).get(host.name) ?? []) : null };
}

/** Until 2.53: hosts whose name contains a text; with their servers, or without. */
export async function searchHosts(request: ApiRequest, text: string, withServers: boolean): Promise<HostPage> {
  const hosts = await listHosts(request.app.db, { pattern: toPattern(text) });
  if (hosts.length === 0) throw notFound(`No hypervisor matching '${text}' could be found.`);
  return {
    hosts,
    servers: withServers ? await serversOn(request, hosts) : null,
    more: false,
  };
}

export const readAllHosts = (request: ApiRequest): Promise<Host[]> => listHosts(request.app.db);

/** Before the first host has reported there is the zone it will be in. */
export async function readZones(request: ApiRequest): Promise<{ zone: string; available: boolean }[]> {
  const zones = await listZones(request.app.db);
  return zones.length > 0 ? zones : [{ zone: "nova", available: false }];
}

/** Of services there is one a host. `by`: a host's name, or a service's UUID. */
export async function disableHost(
  request: ApiRequest,
  by: { name: string } | { serviceId: string },
  disabled: boolean,
  reason: string | null,
  called: "service" | "host" = "service",
): Promise<Host> {
  return transact(request.app, request.origin, async (tx) => {
    const host = "serviceId" in by && !isUuid(by.serviceId) ? null : await findHost(tx.sql, by);
    const name = "name" in by ? by.name : by.serviceId;
    if (host === null) throw notFound(`${called === "host" ? "Compute host" : "Service"} ${name} could not be found.`);
    const changed = await setHostDisabled(tx.sql, host.name, disabled, reason, new Date(request.app.clock.now()));
    if (changed === null) throw notFound(`Service ${name} could not be found.`);
    tx.event({
      action: disabled ? "compute.host.disable" : "compute.host.enable",
      target: { type: "host", id: host.name, projectId: null },
      ...(reason === null ? {} : { detail: { reason } }),
    });
    return changed;
  });
}

/** By the same names. */
export async function forceHostDown(
  request: ApiRequest,
  by: { name: string } | { serviceId: string },
  forcedDown: boolean,
): Promise<Host> {
  return transact(request.app, request.origin, async (tx) => {
    const host = "serviceId" in by && !isUuid(by.serviceId) ? null : await findHost(tx.sql, by);
    const changed = host === null ? null : await setHostForcedDown(tx.sql, host.name, forcedDown);
    if (changed === null) throw notFound(`Service ${"name" in by ? by.name : by.serviceId} could not be found.`);
    tx.event({
      action: forcedDown ? "compute.host.force_down" : "compute.host.trust",
      target: { type: "host", id: changed.name, projectId: null },
    });
    return changed;
  });
}

/** Until 2.53 a service is named by its number, from then on by its UUID. */
export async function removeHost(request: ApiRequest, id: string): Promise<void> {
  const unknownService = (): Error => notFound(`Service ${id} could not be found.`);
  await transact(request.app, request.origin, async (tx) => {
    const by = request.version >= 53 ? { serviceId: id } : { number: /^\d{1,15}$/.test(id) ? Number(id) : -1 };
    if (request.version >= 53 && !isUuid(id)) throw invalid(`Invalid uuid ${id.slice(0, 100)}`);
    const host = await findHost(tx.sql, by);
    if (host === null) throw unknownService();
    if (!(await deleteHostRow(tx.sql, host.name))) {
      throw conflict(
        "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.",
      );
    }
    tx.event({ action: "compute.host.delete", target: { type: "host", id: host.name, projectId: null } });
  });
}

/** Nova's older view of a host: what it has, what is promised, and to whom. */
export async function readHostUse(
  request: ApiRequest,
  name: string,
): Promise<{ host: Host; projects: Awaited<ReturnType<typeof listHostUse>> }> {
  const host = await findHost(request.app.db, { name });
  if (host === null) throw notFound(`Compute host ${name} could not be found.`);
  return { host, projects: await listHostUse(request.app.db, name) };
}

/** Services, narrowed by host and binary. */
export async function readServices(request: ApiRequest): Promise<Host[]> {
  const { query } = request;
  const binary = query.get("binary");
  if (binary !== undefined && binary !== "nova-compute") return [];
  const hosts = await listHosts(request.app.db);
  const name = query.get("host");
  return name === undefined ? hosts : hosts.filter((host) => host.name === name);
}
