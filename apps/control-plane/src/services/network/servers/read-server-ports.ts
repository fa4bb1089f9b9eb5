import { notImplemented } from "@andromede/base/errors";

import type { Queryable } from "../../../db/database.ts";
import type { ResourceKey } from "../../../reconcile/queue.ts";
import type { ServerAddress, ServerInterface } from "./server-ports.model.ts";

/** Null when all of the server's ports are in OVN as they should be; else a key to `waitFor`. */
export function serverPortsReady(_sql: Queryable, _serverId: string): Promise<ResourceKey | null> {
  throw notImplemented("being written");
}

/** A server's interfaces with all that its guest, and the agent's metadata proxy, must know. In the order of attachment. One query. */
export function serverInterfaces(_sql: Queryable, _serverId: string): Promise<ServerInterface[]> {
  throw notImplemented("being written");
}

/** Addresses of many servers, floating ones after the fixed one they belong to. One query. A server without any is not in the map. */
export function addressesOfServers(_sql: Queryable, _serverIds: string[]): Promise<Map<string, ServerAddress[]>> {
  throw notImplemented("being written");
}

/** Distinct security groups of each server's ports, by name. One query. */
export function securityGroupsOfServers(_sql: Queryable, _serverIds: string[]): Promise<Map<string, { id: string; name: string }[]>> {
  throw notImplemented("being written");
}

/** For Nova's filters `ip` and `ip6`: servers with an address that the regular expression matches. Null project: all. */
export function serverIdsWithAddress(
  _sql: Queryable,
  _projectId: string | null,
  _filter: { version: 4 | 6; regex: string },
): Promise<string[]> {
  throw notImplemented("being written");
}
