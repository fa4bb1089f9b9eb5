/** What is asked of a running guest, at once: its host does it while the caller waits. */
import { CloudError, conflict, messageOf } from "@andromede/base/errors";
import type { GuestDiagnostics } from "@andromede/agent-api/types";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { addServerFixedIp, removeServerFixedIp } from "../../network/public.ts";
import { finishAction } from "../actions/action.queries.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { type Allowed, withServer } from "./begin-task.ts";
import { checkLock, record } from "./change-power.ts";
import { getServer, getServerLocked } from "./read-servers.ts";
import { type Server, type VmState, checkVmState, stateOf } from "./server.model.ts";
import { bumpGeneration } from "./server.queries.ts";
import { setTask } from "./task.queries.ts";

const notReady = (id: string) => conflict(`Instance ${id} is not ready`);

/** Noted, asked of the host, and noted again how it went. */
async function askHost(
  request: ApiRequest,
  server: Server,
  action: string,
  ask: (host: string) => Promise<void>,
  refusal: (reason: string) => CloudError,
): Promise<void> {
  const { app } = request;
  const { host } = server;
  if (host === null) throw notReady(server.id);
  const end = (result: "Success" | "Error", message: string | null) =>
    finishAction(
      app.db,
      { serverId: server.id, requestId: request.requestId, action },
      { result, message, host },
      new Date(app.clock.now()),
    );
  try {
    await ask(host);
    await end("Success", null);
  } catch (error) {
    await end("Error", error instanceof CloudError ? messageOf(error) : "The host could not.");
    if (!(error instanceof CloudError) || error.kind === "unavailable") throw error;
    throw refusal(messageOf(error));
  }
}

/** Of root, or of whom the image says; by the agent in the guest. */
export async function changePassword(request: ApiRequest, id: string, password: string): Promise<void> {
  const { app } = request;
  const allowed: Allowed = { word: "changePassword", vmStates: ["active"] };
  const server = await withServer(request, id, allowed, async (held) => {
    await record(request, held.tx, held.server, "changePassword");
    return held.server;
  });
  await askHost(
    request,
    server,
    "changePassword",
    (host) => app.agents.client(host).setPassword(id, "root", password),
    (reason) => conflict(`Failed to set admin password on ${id} because ${reason}`),
  );
  if (!server.configDrive) return;
  await transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const wrapped = await app.keys.wrapForProject(
      tx.sql,
      server.projectId,
      Buffer.from(password),
      `server-password/${id}`,
    );
    await setTask(tx.sql, id, { adminPassword: wrapped }, { bump: false, at });
  });
}

const DUMPABLE: readonly VmState[] = ["active", "paused", "rescued", "resized", "error"];

/** What a button on a machine's case would do: the guest's kernel decides what comes of it. */
export async function triggerCrashDump(request: ApiRequest, id: string): Promise<void> {
  const allowed: Allowed = { word: "trigger_crash_dump", vmStates: DUMPABLE };
  const server = await withServer(request, id, allowed, async ({ tx, server: held }) => {
    await record(request, tx, held, "trigger_crash_dump");
    return held;
  });
  const ask = (host: string): Promise<void> => request.app.agents.client(host).injectNmi(id);
  await askHost(request, server, "trigger_crash_dump", ask, (reason) => conflict(reason));
}

export async function readDiagnostics(
  request: ApiRequest,
  id: string,
): Promise<{ server: Server; diagnostics: GuestDiagnostics }> {
  const server = await getServer(request, id);
  if (server.host === null) throw notReady(id);
  const { powerState } = stateOf(server);
  if (powerState !== 1) {
    const word = POWER_WORDS[powerState];
    throw conflict(`Cannot 'get_diagnostics' instance ${id} while it is in power state ${word}`);
  }
  return { server, diagnostics: await request.app.agents.client(server.host).diagnostics(id) };
}

const POWER_WORDS = { 0: "pending", 1: "running", 3: "paused", 4: "shutdown", 7: "suspended" } as const;

/** Nothing is injected into guests here: they ask the metadata service, which is told of every change anyway. */
export async function injectNetworkInfo(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    await bumpGeneration(tx.sql, server.id, new Date(request.app.clock.now()));
    tx.event({
      action: "compute.server.update",
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { fields: ["network_info"] },
    });
    tx.enqueue(`server/${server.id}`);
  });
}

export async function changeFixedIp(
  request: ApiRequest,
  id: string,
  change: { add: string } | { remove: string },
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkVmState(id, server, "add" in change ? "addFixedIp" : "removeFixedIp", ["active", "paused", "stopped"]);
    const of = { serverId: id, projectId: server.projectId, isAdmin: asksAsAdmin(request) };
    if ("add" in change) await addServerFixedIp(tx, { ...of, networkId: change.add });
    else await removeServerFixedIp(tx, { ...of, address: change.remove });
    await bumpGeneration(tx.sql, server.id, new Date(request.app.clock.now()));
    tx.enqueue(`server/${server.id}`);
  });
}

/** There is none that a guest could have left: guests' passwords are not taken in by the metadata service here. */
export async function readEncryptedPassword(request: ApiRequest, id: string): Promise<string> {
  await getServer(request, id);
  return "";
}
