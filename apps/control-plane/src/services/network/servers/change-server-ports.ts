import { CloudError, invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import { dropPort } from "../ports/delete-port.ts";
import type { Port } from "../ports/port.model.ts";
import { lockPortsOfServer, updatePortRow } from "../ports/port.queries.ts";
import { createServerPorts } from "./create-server-ports.ts";
import { setHost, storeObserved } from "./server-port.queries.ts";
import type { CreateServerPorts, ObservedPorts, RequestedInterface, ServerPort } from "./server-ports.model.ts";

/**
 * Adds one interface to a server that exists (os-interface). `implicit`: the project's only network. Unknown networks
 * and ports are 404 here, several possible networks 400, as Nova has it.
 */
export async function attachPort(
  tx: Transaction,
  request: Omit<CreateServerPorts, "requested"> & { requested: RequestedInterface | "implicit" },
): Promise<ServerPort> {
  const { requested } = request;
  try {
    const [port] = await createServerPorts(tx, {
      ...request,
      requested: requested === "implicit" ? "implicit" : [requested],
    });
    if (port === undefined) throw invalid("No network was given, and the project has none.");
    return port;
  } catch (error) {
    if (error instanceof CloudError && (error.type === "NetworkNotFound" || error.type === "PortNotFound")) {
      throw notFound(error.message, { type: error.type, cause: error });
    }
    if (error instanceof CloudError && error.kind === "conflict" && requested === "implicit")
      throw invalid(error.message, { cause: error });
    throw error;
  }
}

/** Takes one interface from a server: deletes a port made for it, unbinds a given one. False: the server has no such port. */
export async function detachPort(tx: Transaction, request: { serverId: string; portId: string }): Promise<boolean> {
  const port = (await lockPortsOfServer(tx.sql, request.serverId)).find((one) => one.id === request.portId);
  if (port === undefined) return false;
  await letGo(tx, port);
  return true;
}

/** Says on which host the server's ports will be plugged; "" when on none. Idempotent. */
export async function bindPorts(tx: Transaction, serverId: string, host: string): Promise<void> {
  for (const portId of await setHost(tx.sql, serverId, host)) tx.enqueue(`port/${portId}`);
}

/** The server goes: deletes the ports made for it, unbinds the given ones. Idempotent. */
export async function releaseServerPorts(tx: Transaction, serverId: string): Promise<void> {
  for (const port of await lockPortsOfServer(tx.sql, serverId)) await letGo(tx, port);
}

async function letGo(tx: Transaction, port: Port): Promise<void> {
  if (port.deleteWithServer) {
    // who calls this is about to look at the server anyway
    await dropPort(tx, { ...port, serverId: null });
    return;
  }
  await updatePortRow(tx.sql, port.id, {
    ...port,
    deviceId: "",
    deviceOwner: "",
    serverId: null,
    deviceTag: null,
    hostId: "",
    deleteWithServer: false,
  });
  tx.event({
    action: "network.port.update",
    target: { type: "port", id: port.id, projectId: port.projectId },
    detail: { serverId: null },
  });
  tx.enqueue(`port/${port.id}`);
}

/** Stores which ports a host's agent sees plugged. Of the servers named only; a port not in `portsUp` is down. Returns the servers of which something changed. */
export async function portsObserved(sql: Queryable, host: string, guests: ObservedPorts[]): Promise<string[]> {
  return guests.length === 0 ? [] : storeObserved(sql, host, guests);
}
