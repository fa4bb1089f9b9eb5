/** Servers as their readers see them, always within the actor's project; operators at their own door see all. */
import { createHash } from "node:crypto";

import { invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import { withPatterns } from "@andromede/platform/db/patterns";

import { type RowJson, RowJsonMemory } from "../../../http/row-json.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  NO_NETWORKING,
  type NetworkingFacts,
  networkingOfServers,
  serverIdsWithAddress,
  toServerNetworking,
} from "../../network/public.ts";
import { asksAsAdmin, scopeOf } from "../common/actor.ts";
import { groupsOfServers } from "../server-groups/server-group.queries.ts";
import { volumesOfServers } from "../volumes/server-disk.queries.ts";
import { listHosts } from "../hosts/host.queries.ts";
import { isUp } from "../hosts/host.model.ts";
import type { ListQuery } from "./list-query.ts";
import type { ListedServer, Server, ShownServer } from "./server.model.ts";
import { findProjectServer, findServer, listServers, listVersionedServers, lockServer } from "./server.queries.ts";
import { type ServerExtras, type Viewer, toServerView } from "./server.view.ts";

export const unknownServer = (id: string): Error => notFound(`Instance ${id} could not be found.`);

/** The server, or 404: a foreign one is exactly like one that does not exist. */
export async function getServer(request: Pick<ApiRequest, "app" | "actor" | "plane">, id: string): Promise<Server> {
  const scope = scopeOf(request);
  const server =
    scope === null ? await findServer(request.app.db, id) : await findProjectServer(request.app.db, id, scope);
  if (server === null) throw unknownServer(id);
  return server;
}

/** The same, held until the caller's transaction ends. */
export async function getServerLocked(
  sql: Queryable,
  request: Pick<ApiRequest, "actor" | "plane">,
  id: string,
): Promise<Server> {
  const server = await lockServer(sql, id, scopeOf(request));
  if (server === null) throw unknownServer(id);
  return server;
}

/** One page of what was asked for. */
export async function readServers(request: ApiRequest, asked: ListQuery): Promise<ListedServer[]> {
  const { filter, addresses } = asked;
  if (filter.nothing === true) return [];
  const patterns = [...Object.values(filter.matching), ...addresses.map(({ regex }) => regex)];
  const servers = await withPatterns(request.app.db, patterns, async (sql) => {
    let { ids } = filter;
    for (const address of addresses) {
      // one or two, and the second may have nothing left to do
      // eslint-disable-next-line no-await-in-loop
      const found = await serverIdsWithAddress(sql, filter.projectId, address);
      ids = ids === undefined ? found : ids.filter((id) => found.includes(id));
    }
    return listServers(sql, ids === undefined ? asked : { ...asked, filter: { ...filter, ids } });
  });
  if (servers === null) throw invalid(`marker [${asked.marker ?? ""}] not found`);
  return servers;
}

/** Two to four thousand bytes each. */
const memory = new RowJsonMemory();

/** JSON of their detailed views, in their order. Those that were shown before are made again when something they show has changed. */
export async function readServersJson(
  request: ApiRequest,
  viewer: Viewer,
  listed: readonly ListedServer[],
): Promise<RowJson[]> {
  if (listed.length === 0) return [];
  const beside = await readBeside(
    request,
    listed.map(({ id }) => id),
  );
  return memory.jsonOf(
    listed.map((server) => ({ id: server.id, version: versionOf(server, beside) })),
    `${viewer.baseUrl} ${viewer.version} ${viewer.isAdmin ? "admin" : "tenant"}`,
    async (ids) =>
      (await listVersionedServers(request.app.db, ids)).map((server) => ({
        id: server.id,
        version: versionOf(server, beside),
        view: toServerView(viewer, server, extrasOf(server, beside), "detail"),
      })),
  );
}

/** What a view of one server shows beside its row. */
export async function readExtras(request: ApiRequest, server: ShownServer): Promise<ServerExtras> {
  const [beside, groups] = await Promise.all([
    readBeside(request, [server.id]),
    request.version >= 71 ? groupsOfServers(request.app.db, [server.id]) : new Map<string, string>(),
  ]);
  return { ...extrasOf(server, beside), groupId: groups.get(server.id) ?? null };
}

type Beside = {
  networking: Map<string, NetworkingFacts>;
  volumes: Map<string, ServerExtras["volumes"]>;
  /** By name; for operators only. */
  hosts: Map<string, { hostname: string; status: string }>;
};

/** All of it in one flight, whatever the number of servers. */
async function readBeside(request: ApiRequest, ids: string[]): Promise<Beside> {
  const { db } = request.app;
  const [networking, volumes, hosts] = await Promise.all([
    networkingOfServers(db, ids),
    volumesOfServers(db, ids),
    asksAsAdmin(request) ? listHosts(db) : [],
  ]);
  const named = hosts.map(
    (host) => [host.name, { hostname: host.observedHostname, status: hostStatus(host) }] as const,
  );
  return { networking, volumes, hosts: new Map(named) };
}

const hostStatus = (host: Parameters<typeof isUp>[0] & { disabled: boolean }): string =>
  isUp(host) ? (host.disabled ? "MAINTENANCE" : "UP") : "DOWN";

const hostOf = (server: Pick<Server, "host">, beside: Beside): { hostname: string; status: string } | undefined =>
  server.host === null ? undefined : beside.hosts.get(server.host);

/** All that a view in a list is made from; server groups are not shown there. */
function versionOf(server: Pick<ListedServer, "id" | "host" | "version">, beside: Beside): string {
  const host = hostOf(server, beside);
  const volumes = beside.volumes.get(server.id);
  return [
    server.version,
    beside.networking.get(server.id) ?? "",
    volumes === undefined ? "" : JSON.stringify(volumes),
    host === undefined ? "" : `${host.status} ${host.hostname}`,
  ].join(" ");
}

function extrasOf(server: ShownServer, beside: Beside): ServerExtras {
  const host = hostOf(server, beside);
  const facts = beside.networking.get(server.id);
  const { addresses, securityGroups } = facts === undefined ? NO_NETWORKING : toServerNetworking(facts);
  return {
    addresses,
    securityGroups: securityGroups.map((group) => group.name),
    hypervisorHostname: host?.hostname ?? null,
    hostStatus: server.host === null ? "" : (host?.status ?? "UNKNOWN"),
    hostId: toHostId(server),
    volumes: beside.volumes.get(server.id) ?? [],
    groupId: null,
  };
}

const hostIds = new Map<string, string>();

/** As Nova's: lets a customer see which of their servers share a host, and nothing else. */
export function toHostId(server: Pick<Server, "host" | "projectId">): string {
  if (server.host === null) return "";
  const key = `${server.projectId}${server.host}`;
  const known = hostIds.get(key);
  if (known !== undefined) return known;
  const made = createHash("sha224").update(key).digest("hex");
  if (hostIds.size > 10_000) hostIds.clear();
  hostIds.set(key, made);
  return made;
}
