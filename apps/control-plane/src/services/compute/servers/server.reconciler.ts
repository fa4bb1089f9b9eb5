/** Loads a server, asks the plan for the next step, does that one step. Everything about WHAT to do is in server.plan.ts. */
import { CloudError, messageOf } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import type { Queryable } from "../../../db/database.ts";
import { transact } from "../../../db/transaction.ts";
import { systemOrigin } from "../../../events/append.ts";
import { type Outcome, type Reconciler, done, pollAfter, waitFor } from "../../../reconcile/worker.ts";
import { bootImageById } from "../../image/public.ts";
import { bindPorts, releaseServerPorts, serverInterfaces, serverPortsReady } from "../../network/public.ts";
import { finishActions } from "../actions/action.queries.ts";
import { releaseHost, storeHostLost } from "../hosts/host.queries.ts";
import { receiveGuest } from "../hosts/receive-report.ts";
import { toMetadataFiles } from "../metadata/metadata-files.ts";
import { claimBestHost, roomOf, toDemand } from "../placement/place-server.ts";
import { lockUsage, releaseUsage } from "../quotas/project.queries.ts";
import { toGuestSpec } from "./guest-spec.ts";
import { type Server, faultOf } from "./server.model.ts";
import { type ServerStep, awaitGone, planServer } from "./server.plan.ts";
import {
  deleteServerRow,
  findAdminPassword,
  findServer,
  listUnsettledIds,
  loadServer,
  lockServer,
  setFault,
  setServerHost,
} from "./server.queries.ts";

const NO_VALID_HOST = "No valid host was found. There are not enough hosts available.";
const origin = systemOrigin("server.reconciler");

export const serverReconciler: Reconciler = {
  kind: "server",
  reconcile: (app, id) => reconcileServer(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUnsettledIds(app.db) },
};

async function reconcileServer(app: App, id: string): Promise<Outcome> {
  const [server, portsWaitFor] = await Promise.all([loadServer(app.db, id), serverPortsReady(app.db, id)]);
  if (server === null) return done;
  const nowMs = app.clock.now();
  const step = planServer(server, { portsWaitFor, hostLostAtMs: server.hostLostAt?.getTime() ?? null, nowMs });
  try {
    return await takeStep(app, server, step);
  } catch (error) {
    if (!(error instanceof CloudError) || error.kind !== "unavailable" || server.host === null) throw error;
    // nobody answers there: that is an observation too, and the plan knows what follows from it; a report since is newer
    await storeHostLost(app.db, server.host, app.clock.now(), nowMs);
    return pollAfter(1_000, messageOf(error));
  }
}

function takeStep(app: App, server: Server, step: ServerStep): Promise<Outcome> | Outcome {
  switch (step.step) {
    case "rest":
      return rest(app, server);
    case "place":
      return place(app, server);
    case "fail":
      return fail(app, server, { code: 500, message: step.message });
    case "waitForPort":
      return waitFor(step.key);
    case "putGuest":
      return putGuest(app, server);
    case "reboot":
      return reboot(app, server, step);
    case "deleteGuest":
      return deleteGuest(app, server);
    case "forget":
      return forget(app, server);
    case "await":
      return pollAfter(step.checkAfterMs, step.why);
  }
}

/** Nothing is left to do: what was under way has ended, well or badly. */
async function rest(app: App, server: Server): Promise<Outcome> {
  const fault = faultOf(server);
  await finishActions(
    app.db,
    server.id,
    { result: fault === null ? "Success" : "Error", message: fault, host: server.host },
    new Date(app.clock.now()),
  );
  return done;
}

async function place(app: App, server: Server): Promise<Outcome> {
  const placed = await transact(app, origin, async (tx) => {
    const wish = {
      zone: server.wantedZone,
      host: server.wantedHost,
      hints: server.schedulerHints,
      projectId: server.projectId,
      serverId: server.id,
    };
    const claimed = await claimBestHost(tx.sql, await toDemand(tx.sql, server.flavor, wish));
    if (claimed === null) return null;
    if (!(await setServerHost(tx.sql, server.id, claimed.host, claimed.zone))) {
      // deleted or placed meanwhile: the room is not ours to keep
      await releaseHost(tx.sql, claimed.host, roomOf(server.flavor));
      return claimed;
    }
    await bindPorts(tx, server.id, claimed.host);
    return claimed;
  });
  if (placed === null) return fail(app, server, { code: 500, message: NO_VALID_HOST });
  return reconcileServer(app, server.id);
}

/** From now on it is in ERROR, with a reason; an operator or the customer says what is next. */
async function fail(app: App, server: Server, fault: { code: number; message: string }): Promise<Outcome> {
  const at = new Date(app.clock.now());
  await transact(app, origin, async (tx) => {
    const current = await lockServer(tx.sql, server.id, null);
    // somebody has said something since we looked: look again instead
    if (current === null || current.generation !== server.generation || current.deleting) return;
    await setFault(tx.sql, server.id, fault, at);
    await finishActions(tx.sql, server.id, { result: "Error", message: fault.message, host: server.host }, at);
    tx.event({
      action: "compute.server.fail",
      outcome: "failure",
      reason: fault.message,
      target: { type: "server", id: server.id, projectId: server.projectId },
    });
    tx.enqueue(`server/${server.id}`);
  });
  return done;
}

async function putGuest(app: App, server: Server): Promise<Outcome> {
  const host = hostOf(server);
  const [interfaces, image, wrapped] = await Promise.all([
    serverInterfaces(app.db, server.id),
    bootImageById(app.db, app, server.imageId),
    findAdminPassword(app.db, server.id),
  ]);
  const usable = image !== null && image.sha512 === server.image?.sha512 ? image : null;
  if (usable === null && server.image !== null && server.observedLaunchedAt === null) {
    return fail(app, server, { code: 404, message: `Image ${server.imageId} could not be found.` });
  }
  const password = wrapped === null ? null : await openPassword(app, app.db, server, wrapped);
  const spec = toGuestSpec(server, interfaces, usable?.path ?? null, toMetadataFiles(server, interfaces, password));
  try {
    await receiveGuest(app, host, await app.agents.client(host).putGuest(spec));
  } catch (error) {
    // the agent has a newer word than ours: what we loaded was stale
    if (error instanceof CloudError && error.kind === "conflict") return pollAfter(50, messageOf(error));
    if (error instanceof CloudError && error.kind === "invalid") {
      return fail(app, server, { code: 500, message: `The host refused the server: ${error.message}` });
    }
    throw error;
  }
  return afterCall(app, server);
}

async function openPassword(app: App, sql: Queryable, server: Server, wrapped: Buffer): Promise<string> {
  const opened = await app.keys.unwrapForProject(sql, server.projectId, wrapped, `server-password/${server.id}`);
  return opened.toString("utf8");
}

async function reboot(app: App, server: Server, step: { kind: "soft" | "hard"; nonce: string }): Promise<Outcome> {
  await app.agents.client(hostOf(server)).rebootGuest(server.id, step.kind, step.nonce);
  return pollAfter(5_000, `host ${server.host ?? ""} is rebooting the guest`);
}

/** The agent's answer may already be the end of it. */
async function afterCall(app: App, server: Server): Promise<Outcome> {
  const now = await findServer(app.db, server.id);
  if (now === null) return done;
  const step = planServer(now, { portsWaitFor: null, hostLostAtMs: null, nowMs: app.clock.now() });
  if (step.step === "rest") return rest(app, now);
  if (step.step === "await") return pollAfter(step.checkAfterMs, step.why);
  // something changed while we called: one remote action a turn
  return pollAfter(0, "the wanted state changed meanwhile");
}

async function deleteGuest(app: App, server: Server): Promise<Outcome> {
  const there = await app.agents.client(hostOf(server)).deleteGuest(server.id, server.generation);
  if (!there) return forget(app, server);
  const step = awaitGone(server);
  return step.step === "await" ? pollAfter(step.checkAfterMs, step.why) : done;
}

/** The guest is gone: room, quota, ports and row go with it, in one transaction. Locks in the order of 0005-compute.sql. */
async function forget(app: App, server: Server): Promise<Outcome> {
  const at = new Date(app.clock.now());
  const { id, host, projectId, flavor } = server;
  await transact(app, origin, async (tx) => {
    // sent together, done in this order: the second looks when the project's row is held
    const [, current] = await Promise.all([lockUsage(tx.sql, projectId), findServer(tx.sql, id)]);
    // another worker may have been here; the row, which both hold in turn, makes this safe
    if (current === null || !current.deleting || current.host !== host) return;
    await Promise.all([
      host === null ? undefined : releaseHost(tx.sql, host, roomOf(flavor)),
      releaseUsage(tx.sql, projectId, { servers: 1, cores: flavor.vcpus, ramMib: flavor.ramMib }),
      deleteServerRow(tx.sql, id),
      finishActions(tx.sql, id, { result: "Success", message: null, host }, at),
      releaseServerPorts(tx, id),
    ]);
    tx.event({ action: "compute.server.gone", target: { type: "server", id, projectId } });
  });
  return done;
}

function hostOf(server: Server): string {
  if (server.host === null) throw new Error(`server ${server.id} has no host`);
  return server.host;
}
