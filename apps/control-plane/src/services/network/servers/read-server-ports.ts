import type { Queryable } from "@andromede/platform/db/database";

import type { ResourceKey } from "../../../reconcile/queue.ts";
import type { ServerAddress, ServerInterface } from "./server-ports.model.ts";
import {
  findUnrealised,
  listServerAddresses,
  listServerGroups,
  listServerInterfaces,
  listServersAt,
} from "./server-port.queries.ts";

/** Null when all of the server's ports are in OVN as they should be; else a key to `waitFor`. */
export async function serverPortsReady(sql: Queryable, serverId: string): Promise<ResourceKey | null> {
  const missing = await findUnrealised(sql, serverId);
  return missing === null ? null : `${missing.kind}/${missing.id}`;
}

/** A server's interfaces with all that its guest, and the agent's metadata proxy, must know. In the order of attachment. One query. */
export const serverInterfaces = (sql: Queryable, serverId: string): Promise<ServerInterface[]> =>
  listServerInterfaces(sql, serverId);

/** Addresses of many servers, floating ones after the fixed one they belong to. One query. A server without any is not in the map. */
export async function addressesOfServers(sql: Queryable, serverIds: string[]): Promise<Map<string, ServerAddress[]>> {
  return serverIds.length === 0 ? new Map() : listServerAddresses(sql, serverIds);
}

/** Distinct security groups of each server's ports, by name. One query. */
export async function securityGroupsOfServers(
  sql: Queryable,
  serverIds: string[],
): Promise<Map<string, { id: string; name: string }[]>> {
  return serverIds.length === 0 ? new Map() : listServerGroups(sql, serverIds);
}

/** For Nova's filters `ip` and `ip6`: servers with a fixed address that the (PostgreSQL) regular expression matches. Null project: all. */
export const serverIdsWithAddress = (
  sql: Queryable,
  projectId: string | null,
  filter: { version: 4 | 6; regex: string },
): Promise<string[]> => listServersAt(sql, projectId, filter.version, filter.regex);
