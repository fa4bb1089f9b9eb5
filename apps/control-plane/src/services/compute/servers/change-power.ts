/** What customers and operators say about a server's power: one transaction each; hosts hear of it from the reconciler. */
import { conflict, forbidden } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { insertAction } from "../actions/action.queries.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { getServerLocked } from "./read-servers.ts";
import { type PowerAction, type PowerChange, type Server, checkPowerAction } from "./server.model.ts";
import { findServer, setDeleting, setPower, updateServerRow } from "./server.queries.ts";

/** Nova's name of the action in the list of instance actions. */
const RECORDED: { readonly [action in PowerAction]: string } = {
  start: "start",
  stop: "stop",
  pause: "pause",
  unpause: "unpause",
  suspend: "suspend",
  resume: "resume",
  rebootSoft: "reboot",
  rebootHard: "reboot",
};

export async function changePower(request: ApiRequest, id: string, action: PowerAction): Promise<void> {
  const at = new Date(request.app.clock.now());
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkPowerAction(server.id, server, action);
    const change = toChange(server, action);
    const bump = change.power !== server.power || change.powerNonce !== server.powerNonce;
    await setPower(tx.sql, server.id, change, { bump, at });
    await record(request, tx, server, RECORDED[action]);
    tx.enqueue(`server/${server.id}`);
  });
}

/** What the wanted state becomes. */
export function toChange(server: Server, action: PowerAction): PowerChange {
  const same = { power: server.power, powerNonce: server.powerNonce, reboot: null };
  switch (action) {
    case "start":
      return { power: "running", powerNonce: newUuid(), reboot: null };
    case "stop":
      return { ...same, power: "stopped" };
    case "pause":
      return { ...same, power: "paused" };
    case "suspend":
      return { ...same, power: "suspended" };
    case "unpause":
    case "resume":
      return { ...same, power: "running" };
    case "rebootSoft":
      return { ...same, reboot: { kind: "soft", nonce: newUuid() } };
    case "rebootHard": {
      const hasProcess = ["running", "paused", "suspended"].includes(server.observedState ?? "");
      // without a process there is nothing to reset: it is a start
      if (!hasProcess) return { power: "running", powerNonce: newUuid(), reboot: null };
      return { power: "running", powerNonce: server.powerNonce, reboot: { kind: "hard", nonce: newUuid() } };
    }
  }
}

/** Somebody said hands off; operators may all the same. */
export function checkLock(request: Pick<ApiRequest, "actor" | "plane">, server: Server): void {
  if (server.lockedBy !== null && !asksAsAdmin(request)) throw conflict(`Instance ${server.id} is locked`);
}

/** Notes what was done, for the customer's list of actions and for the event log. */
export async function record(
  request: ApiRequest,
  tx: Transaction,
  server: Server,
  action: string,
  finished = false,
): Promise<void> {
  const row = {
    serverId: server.id,
    projectId: server.projectId,
    userId: request.actor.userId,
    actorProjectId: request.actor.projectId,
    requestId: request.requestId,
    action,
  };
  await insertAction(tx.sql, row, new Date(request.app.clock.now()), finished);
  tx.event({
    action: `compute.server.${action}`,
    target: { type: "server", id: server.id, projectId: server.projectId },
  });
}

/** How long a deletion's answer waits for it to be true. */
const SETTLE_MS = 150;

/**
 * From here on the server goes, unless `keep` has seen to it otherwise. Answers when it is gone, or after a moment: a host that is quick is a server that is 404
 * at once, one that is slow keeps nobody waiting.
 */
export async function deleteServer(
  request: ApiRequest,
  id: string,
  keep?: (held: { tx: Transaction; server: Server; at: Date }) => Promise<boolean>,
): Promise<void> {
  const { app } = request;
  let settled: Promise<boolean> | undefined;
  await transact(app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    tx.enqueue(`server/${server.id}`);
    if (!server.deleting && (await keep?.({ tx, server, at: new Date(app.clock.now()) })) === true) return;
    if (!server.deleting) {
      await Promise.all([
        setDeleting(tx.sql, server.id, new Date(app.clock.now())),
        record(request, tx, server, "delete"),
      ]);
    }
    // before the wake-up that follows the commit, or the news could be over before we listen
    settled = app.reconcile.settled(`server/${server.id}`, SETTLE_MS);
  });
  await waitUntilGone(request, id, settled);
}

/** The first news may be of what was under way before the deletion: then there is other news to come. */
async function waitUntilGone({ app }: ApiRequest, id: string, first: Promise<boolean> | undefined): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  let news = first;
  while (news !== undefined && (await news)) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return;
    // listen again before looking, or the end could come in between
    news = app.reconcile.settled(`server/${id}`, leftMs);
    if ((await findServer(app.db, id)) === null) return;
  }
}

export async function lockServerAction(request: ApiRequest, id: string, reason: string | null): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    const lockedBy = request.actor.projectId === server.projectId ? "owner" : "admin";
    await updateServerRow(
      tx.sql,
      server.id,
      { lockedBy, lockedReason: reason },
      { bump: false, at: new Date(request.app.clock.now()) },
    );
    await record(request, tx, server, "lock", true);
  });
}

export async function unlockServerAction(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    if (server.lockedBy === "admin" && !asksAsAdmin(request)) {
      throw forbidden("Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be performed.");
    }
    await updateServerRow(
      tx.sql,
      server.id,
      { lockedBy: null, lockedReason: null },
      { bump: false, at: new Date(request.app.clock.now()) },
    );
    await record(request, tx, server, "unlock", true);
  });
}
