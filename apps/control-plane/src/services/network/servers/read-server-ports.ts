import type { Queryable } from "@andromede/platform/db/database";

import type { ResourceKey } from "../../../reconcile/queue.ts";
import {
  NO_NETWORKING,
  type NetworkingFacts,
  type ServerInterface,
  type ServerNetworking,
  toServerNetworking,
} from "./server-ports.model.ts";
import { findUnrealised, listServerInterfaces, listServerNetworking, listServersAt } from "./server-port.queries.ts";

/** Null when all of the server's ports are in OVN as they should be; else a key to `waitFor`. */
export async function serverPortsReady(sql: Queryable, serverId: string): Promise<ResourceKey | null> {
  const missing = await findUnrealised(sql, serverId);
  return missing === null ? null : `${missing.kind}/${missing.id}`;
}

/** A server's interfaces with all that its guest, and the agent's metadata proxy, must know. In the order of attachment. One query. */
export const serverInterfaces = (sql: Queryable, serverId: string): Promise<ServerInterface[]> =>
  listServerInterfaces(sql, serverId);

/** What the views of many servers show of their network: `toServerNetworking` reads it. One query. A server without ports is not in the map. */
export async function networkingOfServers(sql: Queryable, serverIds: string[]): Promise<Map<string, NetworkingFacts>> {
  if (serverIds.length === 0) return new Map();
  const rows = await listServerNetworking(sql, serverIds);
  return new Map(rows.map(({ serverId, facts }) => [serverId, facts as NetworkingFacts]));
}

/** The same of one. */
export async function networkingOfServer(sql: Queryable, serverId: string): Promise<ServerNetworking> {
  const facts = (await networkingOfServers(sql, [serverId])).get(serverId);
  return facts === undefined ? NO_NETWORKING : toServerNetworking(facts);
}

/** For Nova's filters `ip` and `ip6`: servers with a fixed address that the (PostgreSQL) regular expression matches. Null project: all. */
export const serverIdsWithAddress = (
  sql: Queryable,
  projectId: string | null,
  filter: { version: 4 | 6; regex: string },
): Promise<string[]> => listServersAt(sql, projectId, filter.version, filter.regex);
