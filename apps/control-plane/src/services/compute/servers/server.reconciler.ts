/** Loads a server, asks the plan for the next step, does that one step. Everything about WHAT to do is in server.plan.ts. */
import { CloudError, messageOf } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done, pollAfter, waitFor } from "../../../reconcile/worker.ts";
import { bootImageById, discardImage, imageFile, imageFileHere } from "../../image/public.ts";
import { bindPorts, releaseServerPorts, serverInterfaces, serverPortsReady } from "../../network/public.ts";
import { volumeReadiness } from "../../volume/public.ts";
import { finishActions } from "../actions/action.queries.ts";
import { findHost, listCapacities, releaseHost, storeHostLost } from "../hosts/host.queries.ts";
import { receiveGuest } from "../hosts/receive-report.ts";
import { toMetadataFiles } from "../metadata/metadata-files.ts";
import { NO_VALID_HOST, mayComeBack } from "../placement/choose-host.ts";
import { claimBestHost, toDemand } from "../placement/place-server.ts";
import { lockUsage, releaseUsage } from "../quotas/project.queries.ts";
import { insertServerUsage } from "../usage/usage.queries.ts";
import { listServerDisks, lockServerDisks } from "../volumes/server-disk.queries.ts";
import { rootVolumeOf } from "../volumes/server-disk.model.ts";
import { prepareDisks, releaseDisks, settleDisks } from "../volumes/settle-disks.ts";
import { expire } from "./expire.ts";
import { toGuestSpec } from "./guest-spec.ts";
import { failTask, goOn, leftOtherHost } from "./run-task.ts";
import { heldOf, heldOnHost, nextOf, showsRescue } from "./server-tasks.ts";
import { staysOf } from "./stays.ts";
import { setTask } from "./task.queries.ts";
import { type Server, diskImageOf, faultOf } from "./server.model.ts";
import { LOCAL_DELETE_MS, type ServerStep, awaitGone, planServer } from "./server.plan.ts";
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

const DISK_CHECK_MS = 2_000;
/** Its image is being brought here: whoever asked waits a moment for it already. */
const IMAGE_POLL_MS = 250;
const origin = systemOrigin("server.reconciler");

export const serverReconciler: Reconciler = {
  kind: "server",
  reconcile: (app, id) => reconcileServer(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUnsettledIds(app.db) },
};

async function reconcileServer(app: App, id: string): Promise<Outcome> {
  const [server, portsWaitFor, disks] = await Promise.all([
    loadServer(app.db, id),
    serverPortsReady(app.db, id),
    listServerDisks(app.db, id),
  ]);
  if (server === null) return done;
  const settled = await settleDisks(app, server, disks);
  if (settled === "changed") return reconcileServer(app, id);
  const rootId = server.taskStep === "reimage" ? (rootVolumeOf(disks)?.volumeId ?? null) : null;
  const rootVolume = rootId === null ? {} : { rootVolume: await volumeReadiness(app.db, rootId) };
  const nowMs = app.clock.now();
  const hostLostAtMs = server.hostLostAt?.getTime() ?? null;
  const around = { portsWaitFor, hostLostAtMs, nowMs, stays: staysOf(app.config), ...rootVolume };
  const step = planServer(server, around);
  // a disk that is on its way keeps what was asked for open
  if (step.step === "rest" && settled === "pending") return pollAfter(DISK_CHECK_MS, "the guest's disks are changing");
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
  if ("key" in step) return waitFor(step.key);
  switch (step.step) {
    case "rest":
      return rest(app, server);
    case "place":
      return place(app, server);
    case "fail":
      return fail(app, server, { code: 500, message: step.message });
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
    case "goOn":
    case "failTask":
    case "leaveHost":
    case "leaveOtherHost":
    case "expire":
      return takeTaskStep(app, server, step);
  }
}

type TaskStep = Extract<ServerStep, { step: "goOn" | "failTask" | "leaveHost" | "leaveOtherHost" | "expire" }>;

/** Each ends with the row changed or the world asked: then it is looked at anew. */
async function takeTaskStep(app: App, server: Server, step: TaskStep): Promise<Outcome> {
  switch (step.step) {
    case "goOn":
      await goOn(app, server, step.next);
      break;
    case "failTask":
      await failTask(app, server, step.message);
      break;
    case "expire":
      await expire(app, server, step.mode);
      break;
    case "leaveHost":
      if (await app.agents.client(hostOf(server)).deleteGuest(server.id, server.generation))
        return pollAfter(1_000, `host ${hostOf(server)} is removing the guest`);
      await goOn(app, server, nextOf(server) ?? { end: server.mode });
      break;
    case "leaveOtherHost":
      return leaveOtherHost(app, server);
  }
  return pollAfter(0, "what follows is looked at anew");
}

async function leaveOtherHost(app: App, server: Server): Promise<Outcome> {
  const { otherHost } = server;
  if (otherHost !== null && !(await isLost(app, otherHost))) {
    const there = await app.agents.client(otherHost).deleteGuest(server.id, server.generation);
    if (there) return pollAfter(1_000, `host ${otherHost} is removing the guest`);
  }
  await leftOtherHost(app, server);
  return pollAfter(0, "what follows is looked at anew");
}

/** Nobody has answered there for so long that it is not waited for; what is left there is removed when it returns. */
async function isLost(app: App, name: string): Promise<boolean> {
  const lostAt = (await findHost(app.db, { name }))?.observedLostAt ?? null;
  return lostAt !== null && app.clock.now() - lostAt.getTime() >= LOCAL_DELETE_MS;
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
    const demand = await toDemand(tx.sql, server.flavor, wish);
    const needed = { ...demand, ...heldOnHost(server) };
    const claimed = await claimBestHost(tx.sql, needed);
    if (claimed === null) {
      const since = app.clock.now() - LOCAL_DELETE_MS;
      return mayComeBack(await listCapacities(tx.sql), needed, since) ? "wait" : null;
    }
    if (!(await setServerHost(tx.sql, server.id, claimed.host, claimed.zone))) {
      // deleted or placed meanwhile: the room is not ours to keep
      await releaseHost(tx.sql, claimed.host, heldOnHost(server));
      return claimed;
    }
    if (server.task !== null) {
      const at = new Date(app.clock.now());
      await setTask(
        tx.sql,
        server.id,
        { taskStep: "apply", powerNonce: newUuid() },
        { bump: true, elsewhere: true, at },
      );
    }
    await bindPorts(tx, server.id, claimed.host);
    return claimed;
  });
  if (placed === "wait") return pollAfter(1_000, "a host that has room does not answer at the moment");
  if (placed === null && server.task !== null) {
    await failTask(app, server, NO_VALID_HOST);
    return pollAfter(0, NO_VALID_HOST);
  }
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
  const prepared = await prepareDisks(app, server);
  if ("again" in prepared) return pollAfter(0, "volumes were promised to it");
  if ("waitFor" in prepared) return waitFor(prepared.waitFor);
  if ("failed" in prepared) return fail(app, server, { code: 500, message: prepared.failed });
  const [interfaces, images, password] = await Promise.all([
    serverInterfaces(app.db, server.id),
    imagesOf(app, server),
    adminPasswordOf(app, server),
  ]);
  const later = images.find(({ comesLater }) => comesLater !== null);
  if (later !== undefined) return pollAfter(IMAGE_POLL_MS, later.comesLater ?? "");
  const missing = images.find(({ path, needed }) => path === null && needed);
  if (missing !== undefined) {
    const message = `Image ${missing.imageId} could not be found.`;
    if (server.task === null) return fail(app, server, { code: 404, message });
    await failTask(app, server, message);
    return pollAfter(0, message);
  }
  const locations = images.flatMap(({ imageId, path }) => (path === null ? [] : [{ imageId, path }]));
  const spec = toGuestSpec(
    server,
    interfaces,
    { images: locations, ...prepared },
    toMetadataFiles(server, interfaces, password, prepared.disks),
  );
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

/** Tasks that make the root disk. */
const MAKES_DISK: readonly (string | null)[] = ["rebuilding", "unshelving", "resize_finish"];

/** `needed`: there is no disk yet that could do without. */
type DiskImage = { imageId: string; path: string | null; needed: boolean; comesLater: string | null };

/** What its disks are made from, and where it is. */
async function imagesOf(app: App, server: Server): Promise<DiskImage[]> {
  const root = diskImageOf(server);
  const isNew = server.observedLaunchedAt === null || MAKES_DISK.includes(server.task);
  const isCopied = server.task !== "resize_finish" || server.otherHost !== null;
  const wanted = [
    ...(root === null ? [] : [{ ...root, needed: isNew && isCopied }]),
    ...(server.rescue !== null && showsRescue(server)
      ? [{ ...server.rescue.image, needed: server.task === "rescuing" }]
      : []),
  ];
  return Promise.all(
    wanted.map(async ({ id, sha512, needed }) => {
      const image = await bootImageById(app.db, id);
      if (image?.sha512 !== sha512) return { imageId: id, path: null, needed, comesLater: null };
      if (!needed) return { imageId: id, path: await imageFileHere(app, image), needed, comesLater: null };
      const file = await imageFile(app, image);
      const path = "path" in file ? file.path : null;
      return { imageId: id, path, needed, comesLater: "later" in file ? file.later : null };
    }),
  );
}

/** In the clear, for the guest: the rescue's own while it is rescued. */
async function adminPasswordOf(app: App, server: Server): Promise<string | null> {
  if (showsRescue(server)) {
    const wrapped = server.rescue?.password ?? null;
    return wrapped === null ? null : openPassword(app, app.db, server, Buffer.from(wrapped, "base64"));
  }
  const wrapped = await findAdminPassword(app.db, server.id);
  return wrapped === null ? null : openPassword(app, app.db, server, wrapped);
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
  const { id, host, projectId } = server;
  const held = heldOf(server);
  await transact(app, origin, async (tx) => {
    // sent together, done in this order: the second looks when the project's row is held
    const [, current] = await Promise.all([lockUsage(tx.sql, projectId), findServer(tx.sql, id)]);
    // another worker may have been here; the row, which both hold in turn, makes this safe
    if (current === null || !current.deleting || current.host !== host) return;
    const [, , disks] = await Promise.all([
      host === null ? undefined : releaseHost(tx.sql, host, heldOnHost(server)),
      releaseUsage(tx.sql, projectId, { servers: 1, cores: held.vcpus, ramMib: held.memoryMib }),
      lockServerDisks(tx.sql, id),
    ]);
    await releaseDisks(app, tx, disks);
    await Promise.all([
      insertServerUsage(tx.sql, server, at),
      deleteServerRow(tx.sql, id),
      finishActions(tx.sql, id, { result: "Success", message: null, host }, at),
      releaseServerPorts(tx, id),
    ]);
    if (server.shelvedImageId !== null) await discardImage(tx, server.shelvedImageId);
    tx.event({ action: "compute.server.gone", target: { type: "server", id, projectId } });
  });
  return done;
}

function hostOf(server: Server): string {
  if (server.host === null) throw new Error(`server ${server.id} has no host`);
  return server.host;
}
