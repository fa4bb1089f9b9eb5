/** How every longer change begins: the server held, checked, and told what it is at, in the caller's transaction. */
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { lockUsage } from "../quotas/project.queries.ts";
import { checkLock, record } from "./change-power.ts";
import { getServer, getServerLocked } from "./read-servers.ts";
import { type Server, type TaskName, type TaskStep, type VmState, checkNoTask, stateOf } from "./server.model.ts";
import { type TaskChange, lockHosts, setTask } from "./task.queries.ts";

/** An action on a server: Nova's word for it, and the states it is allowed in. */
export type Allowed = { word: string; vmStates: readonly VmState[] };

export type Held = { tx: Transaction; server: Server; at: Date };

/** The server is not locked against the actor, and in a state for it. */
export function checkAllowed(request: ApiRequest, server: Server, { word, vmStates }: Allowed): void {
  checkLock(request, server);
  checkNoTask(server.id, server, word, vmStates);
}

/** Runs `work` on the server while it is held. */
export function withServer<T>(
  request: ApiRequest,
  id: string,
  allowed: Allowed,
  work: (held: Held) => Promise<T>,
): Promise<T> {
  const at = new Date(request.app.clock.now());
  return transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkAllowed(request, server, allowed);
    return work({ tx, server, at });
  });
}

/** The same for what changes what the server takes of hosts and of its project's quota: those are held before it. */
export async function withServerAndRoom<T>(
  request: ApiRequest,
  id: string,
  allowed: Allowed,
  work: (held: Held & { usage: Awaited<ReturnType<typeof lockUsage>> }) => Promise<T>,
): Promise<T> {
  const seen = await getServer(request, id);
  const at = new Date(request.app.clock.now());
  return transact(request.app, request.origin, async (tx) => {
    const usage = await lockUsage(tx.sql, seen.projectId);
    await lockHosts(tx.sql, [seen.host, seen.otherHost]);
    const server = await getServerLocked(tx.sql, request, id);
    checkAllowed(request, server, allowed);
    return work({ tx, server, at, usage });
  });
}

/** The guest is as it is: a server that turned itself off is to be off when the change is over. */
const keptPower = (server: Server): Server["power"] => (stateOf(server).vmState === "stopped" ? "stopped" : "running");

export async function beginTask(
  request: ApiRequest,
  { tx, server, at }: Held,
  begun: { task: TaskName; step: TaskStep; action: string; change?: TaskChange },
): Promise<void> {
  const change: TaskChange = {
    task: begun.task,
    taskStep: begun.step,
    taskVmState: stateOf(server).vmState,
    power: keptPower(server),
    powerNonce: newUuid(),
    faultCode: null,
    faultMessage: null,
    faultAt: null,
    ...begun.change,
  };
  await setTask(tx.sql, server.id, change, { bump: true, at });
  await record(request, tx, server, begun.action);
  tx.enqueue(`server/${server.id}`);
}
