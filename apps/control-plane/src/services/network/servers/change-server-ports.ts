import { notImplemented } from "@andromede/base/errors";

import type { Queryable } from "../../../db/database.ts";
import type { Transaction } from "../../../db/transaction.ts";
import type { CreateServerPorts, ObservedPorts, RequestedInterface, ServerPort } from "./server-ports.model.ts";

/** Adds one interface to a server that exists (os-interface). No network and no port named: the project's only network. */
export function attachPort(
  _tx: Transaction,
  _request: Omit<CreateServerPorts, "requested"> & { requested: RequestedInterface | "implicit" },
): Promise<ServerPort> {
  throw notImplemented("being written");
}

/** Takes one interface from a server: deletes a port made for it, unbinds a given one. False: the server has no such port. */
export function detachPort(_tx: Transaction, _request: { serverId: string; portId: string }): Promise<boolean> {
  throw notImplemented("being written");
}

/** Says on which host the server's ports will be plugged; "" when on none. Idempotent. */
export function bindPorts(_tx: Transaction, _serverId: string, _host: string): Promise<void> {
  throw notImplemented("being written");
}

/** The server goes: deletes the ports made for it, unbinds the given ones. Idempotent. */
export function releaseServerPorts(_tx: Transaction, _serverId: string): Promise<void> {
  throw notImplemented("being written");
}

/** Stores which ports a host's agent sees plugged. Of the servers named only; a port not in `portsUp` is down. Returns the servers of which something changed. */
export function portsObserved(_sql: Queryable, _host: string, _guests: ObservedPorts[]): Promise<string[]> {
  throw notImplemented("being written");
}
