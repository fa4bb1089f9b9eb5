/** Interfaces of a server that exists: the network's ports, and a new generation of the guest's spec. */
import { invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  type RequestedInterface,
  type ServerInterface,
  type ServerPort,
  attachPort,
  detachPort,
  serverInterfaces,
} from "../../network/public.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { checkLock, record } from "../servers/change-power.ts";
import { getServer, getServerLocked } from "../servers/read-servers.ts";
import { checkNoTask } from "../servers/server.model.ts";
import { bumpGeneration } from "../servers/server.queries.ts";

/** The agent's contract allows no more. */
const MAX_INTERFACES = 24;

export async function readInterfaces(request: ApiRequest, id: string): Promise<ServerInterface[]> {
  const server = await getServer(request, id);
  return serverInterfaces(request.app.db, server.id);
}

export async function readInterface(request: ApiRequest, id: string, portId: string): Promise<ServerInterface> {
  const port = (await readInterfaces(request, id)).find((one) => one.id === portId);
  if (port === undefined) throw notFound(`Instance ${id} does not have a port with id ${portId}`);
  return port;
}

export async function attachInterface(
  request: ApiRequest,
  id: string,
  requested: RequestedInterface | "implicit",
): Promise<ServerPort> {
  return transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkNoTask(server.id, server, "attach_interface", ["active", "paused", "stopped"]);
    if ((await serverInterfaces(tx.sql, server.id)).length >= MAX_INTERFACES) {
      throw invalid(`A server cannot have more than ${MAX_INTERFACES} interfaces.`);
    }
    const port = await attachPort(tx, {
      serverId: server.id,
      projectId: server.projectId,
      isAdmin: asksAsAdmin(request),
      requested,
      availabilityZone: server.availabilityZone ?? "nova",
      hostname: server.hostname,
      ...(server.host === null ? {} : { host: server.host }),
    });
    await bumpGeneration(tx.sql, server.id, new Date(request.app.clock.now()));
    await record(request, tx, server, "attach_interface");
    tx.enqueue(`server/${server.id}`);
    return port;
  });
}

export async function detachInterface(request: ApiRequest, id: string, portId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkNoTask(server.id, server, "detach_interface", ["active", "paused", "stopped"]);
    if (!(await detachPort(tx, { serverId: server.id, portId }))) {
      throw notFound(`Instance ${server.id} does not have a port with id ${portId}`);
    }
    await bumpGeneration(tx.sql, server.id, new Date(request.app.clock.now()));
    await record(request, tx, server, "detach_interface");
    tx.enqueue(`server/${server.id}`);
  });
}
