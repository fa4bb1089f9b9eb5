/** Servers as their readers see them, always within the actor's project; operators at their own door see all. */
import { createHash } from "node:crypto";

import { invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import { withPatterns } from "@andromede/platform/db/patterns";

import type { ApiRequest } from "../../../http/service.ts";
import { addressesOfServers, securityGroupsOfServers, serverIdsWithAddress } from "../../network/public.ts";
import { asksAsAdmin, scopeOf } from "../common/actor.ts";
import { groupsOfServers } from "../server-groups/server-group.queries.ts";
import { volumesOfServers } from "../volumes/server-disk.queries.ts";
import { listHosts } from "../hosts/host.queries.ts";
import { isUp } from "../hosts/host.model.ts";
import type { ListQuery } from "./list-query.ts";
import type { Server } from "./server.model.ts";
import { findProjectServer, findServer, listServerRows, lockServer } from "./server.queries.ts";
import type { ServerExtras } from "./server.view.ts";

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
export async function readServers(request: ApiRequest, asked: ListQuery): Promise<Server[]> {
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
    return listServerRows(sql, ids === undefined ? asked : { ...asked, filter: { ...filter, ids } });
  });
  if (servers === null) throw invalid(`marker [${asked.marker ?? ""}] not found`);
  return servers;
}

/** What views show beside the rows: all of it in one flight, whatever the number of servers. */
export async function readExtras(
  request: ApiRequest,
  servers: readonly Server[],
): Promise<(server: Server) => ServerExtras> {
  if (servers.length === 0) return toExtras(new Map(), new Map(), new Map(), new Map(), new Map());
  const ids = servers.map((server) => server.id);
  const { db } = request.app;
  const [addresses, groups, hosts, volumes, serverGroups] = await Promise.all([
    addressesOfServers(db, ids),
    securityGroupsOfServers(db, ids),
    asksAsAdmin(request) ? listHosts(db) : [],
    volumesOfServers(db, ids),
    // lists do not show them
    request.version >= 71 && servers.length === 1 ? groupsOfServers(db, ids) : new Map<string, string>(),
  ]);
  return toExtras(
    addresses,
    groups,
    new Map(hosts.map((host) => [host.name, { hostname: host.observedHostname, status: hostStatus(host) }])),
    volumes,
    serverGroups,
  );
}

const hostStatus = (host: Parameters<typeof isUp>[0] & { disabled: boolean }): string =>
  isUp(host) ? (host.disabled ? "MAINTENANCE" : "UP") : "DOWN";

function toExtras(
  addresses: Awaited<ReturnType<typeof addressesOfServers>>,
  groups: Awaited<ReturnType<typeof securityGroupsOfServers>>,
  hosts: Map<string, { hostname: string; status: string }>,
  volumes: Awaited<ReturnType<typeof volumesOfServers>>,
  serverGroups: Map<string, string>,
): (server: Server) => ServerExtras {
  return (server) => {
    const host = server.host === null ? undefined : hosts.get(server.host);
    return {
      addresses: addresses.get(server.id) ?? [],
      securityGroups: (groups.get(server.id) ?? []).map((group) => group.name),
      hypervisorHostname: host?.hostname ?? null,
      hostStatus: server.host === null ? "" : (host?.status ?? "UNKNOWN"),
      hostId: toHostId(server),
      volumes: volumes.get(server.id) ?? [],
      groupId: serverGroups.get(server.id) ?? null,
    };
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
