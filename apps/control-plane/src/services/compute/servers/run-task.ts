/** The steps of longer changes, as far as they are the control plane's own doing: what the plan says, in one transaction each. */
import { CloudError, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import { discardImage } from "../../image/public.ts";
import { bindPorts } from "../../network/public.ts";
import { reimageOfServer } from "../../volume/public.ts";
import { finishActions } from "../actions/action.queries.ts";
import { findHost, releaseHost, releaseSome } from "../hosts/host.queries.ts";
import { endMigration } from "../migrations/migration.queries.ts";
import { lockUsage, releaseUsage } from "../quotas/project.queries.ts";
import { insertSnapshot } from "../snapshots/snapshot.queries.ts";
import { rootVolumeOf } from "../volumes/server-disk.model.ts";
import { lockServerDisks } from "../volumes/server-disk.queries.ts";
import { type Server, type TaskName, rootGibOf } from "./server.model.ts";
import { type Next, difference, heldOf, heldOnHost, heldOnOther } from "./server-tasks.ts";
import { lockServer } from "./server.queries.ts";
import { type TaskChange, lockHosts, setTask } from "./task.queries.ts";

const origin = systemOrigin("server.task");

/** What ends every task. */
const OVER = { task: null, taskStep: null, taskVmState: null } as const;

/** A server is no longer between two flavors or hosts. */
const SETTLED = { otherFlavorId: null, otherFlavor: null, otherHost: null, otherDiskImage: null } as const;

/**
 * Runs `work` on the server as it is under its lock, unless it has moved on since the plan was made: then the next turn
 * plans anew. Holds what `work` may give back first, in the order of 0005-compute.sql.
 */
async function step(app: App, server: Server, work: (tx: Transaction, at: Date) => Promise<void>): Promise<void> {
  const at = new Date(app.clock.now());
  await transact(app, origin, async (tx) => {
    await lockUsage(tx.sql, server.projectId);
    await lockHosts(tx.sql, [server.host, server.otherHost]);
    const current = await lockServer(tx.sql, server.id, null);
    tx.enqueue(`server/${server.id}`);
    if (current === null || current.deleting !== server.deleting) return;
    if (current.generation !== server.generation || current.task !== server.task) return;
    if (current.taskStep !== server.taskStep || current.host !== server.host) return;
    await work(tx, at);
  });
}

/** A step is over: the next, or the end. */
export async function goOn(app: App, server: Server, next: Exclude<Next, null>): Promise<void> {
  try {
    await step(app, server, async (tx, at) => {
      if ("to" in next && next.to === "reimage") await beginReimage(app, tx, server);
      if ("end" in next) await end(tx, server, next.end, at);
      else await begin(tx, server, next, at);
    });
  } catch (error) {
    // what the next step needs is not as it was when the customer asked for it
    if (!(error instanceof CloudError) || !["invalid", "conflict", "notFound"].includes(error.kind)) throw error;
    await failTask(app, server, error.message);
  }
}

/** Nobody has the volume open: what is on it goes, and what the image says takes its place. */
async function beginReimage(app: App, tx: Transaction, server: Server): Promise<void> {
  const { volumeId } = rootVolumeOf(await lockServerDisks(tx.sql, server.id)) ?? {};
  if (volumeId === undefined) throw notFound("The server has no volume to boot from.");
  await reimageOfServer(app, tx, { volumeId, imageId: server.reimageId ?? "" });
}

async function begin(tx: Transaction, server: Server, next: Extract<Next, { to: unknown }>, at: Date): Promise<void> {
  const { to, task } = next;
  if (to === "copy") {
    const imageId = server.shelvedImageId ?? "";
    const kind = task === "resize_migrating" ? "migrate" : "shelve";
    await insertSnapshot(tx.sql, { imageId, serverId: server.id, host: server.host ?? "", kind }, at);
    tx.enqueue(`snapshot/${imageId}`);
  }
  const change: TaskChange = { task, taskStep: to, powerNonce: newUuid() };
  if (task === "shelving_offloading") Object.assign(change, { mode: "shelved", modeSince: at, taskVmState: "shelved" });
  if (next.swap === true) await swap(tx, server, change, at);
  else await setTask(tx.sql, server.id, change, { bump: to !== "copy", at });
}

/** The other flavor, host and disk become the server's own, and its own the other ones. */
export async function swap(tx: Transaction, server: Server, more: TaskChange, at: Date): Promise<void> {
  const flavor = server.otherFlavor ?? server.flavor;
  const change: TaskChange = {
    ...more,
    flavorId: server.otherFlavorId ?? server.flavorId,
    flavor,
    otherFlavorId: server.flavorId,
    otherFlavor: server.flavor,
    rootGib: rootGibOf({ flavor, rootGib: server.rootGib }),
  };
  if (server.otherHost === null) return setTask(tx.sql, server.id, change, { bump: true, at });
  const host = await findHost(tx.sql, { name: server.otherHost });
  const moved: TaskChange = {
    ...change,
    host: server.otherHost,
    availabilityZone: host?.availabilityZone ?? server.availabilityZone,
    otherHost: server.host,
    diskImage: server.otherDiskImage,
    otherDiskImage: server.diskImage,
  };
  await setTask(tx.sql, server.id, moved, { bump: true, elsewhere: true, at });
  await bindPorts(tx, server.id, server.otherHost);
}

async function end(tx: Transaction, server: Server, mode: Server["mode"], at: Date): Promise<void> {
  const change: TaskChange = { ...OVER, mode, modeSince: mode === "ordinary" ? null : at };
  const { host, task } = server;
  if (task === "resize_reverting" || task === "resize_confirming") {
    Object.assign(change, SETTLED);
    await giveBack(tx, server);
  }
  // the new disk was made of the copy, and needs it no more
  if (task === "resize_finish" || task === "unshelving") await discardCopy(tx, server, change);
  if (task === "unrescuing") change.rescue = null;
  if (task === "rebuilding") change.reimageId = null;
  if (task === "shelving_offloading") await leave(tx, server, change);
  await setTask(tx.sql, server.id, change, { bump: false, elsewhere: task === "shelving_offloading", at });
  if (task !== null) await endMigration(tx.sql, server.id, MIGRATION_ENDS[task], at);
  await finishActions(tx.sql, server.id, { result: "Success", message: null, host }, at);
  tx.event({
    action: "compute.server.settle",
    target: { type: "server", id: server.id, projectId: server.projectId },
    detail: { task, mode },
  });
}

const MIGRATION_ENDS: { readonly [task in TaskName]?: string } = {
  resize_finish: "finished",
  resize_reverting: "reverted",
  resize_confirming: "confirmed",
  rebuilding: "done",
};

async function discardCopy(tx: Transaction, server: Server, change: TaskChange): Promise<void> {
  if (server.shelvedImageId === null) return;
  await discardImage(tx, server.shelvedImageId);
  change.shelvedImageId = null;
}

/** What it held only to be able to go back. Of its own flavor it keeps what it has. */
export async function giveBack(tx: Transaction, server: Server): Promise<void> {
  const before = { ...server, otherHost: null };
  const after = { ...before, otherFlavor: null };
  const quota = difference(heldOf(before), heldOf(after));
  await releaseUsage(tx.sql, server.projectId, { servers: 0, cores: quota.vcpus, ramMib: quota.memoryMib });
  if (server.otherHost !== null) await releaseHost(tx.sql, server.otherHost, heldOnOther(server));
  else if (server.host !== null) await releaseSome(tx.sql, server.host, difference(heldOf(before), heldOf(after)));
}

/** Its guest is on no host any more. */
async function leave(tx: Transaction, server: Server, change: TaskChange): Promise<void> {
  if (server.host !== null) await releaseHost(tx.sql, server.host, heldOnHost(server));
  change.host = null;
  await bindPorts(tx, server.id, "");
}

/** The guest on the other host is gone: its room is free. */
export function leftOtherHost(app: App, server: Server): Promise<void> {
  return step(app, server, async (tx, at) => {
    if (server.task === "resize_confirming") return end(tx, server, "ordinary", at);
    if (server.otherHost === null) return;
    await releaseHost(tx.sql, server.otherHost, heldOnOther(server));
    // the quota still counts both flavors; that is given back with the rest
    await setTask(tx.sql, server.id, { otherHost: null, otherFlavor: null, otherFlavorId: null }, { bump: false, at });
    await giveBackQuota(tx, server);
  });
}

async function giveBackQuota(tx: Transaction, server: Server): Promise<void> {
  const more = difference(heldOf(server), heldOf({ ...server, otherFlavor: null }));
  await releaseUsage(tx.sql, server.projectId, { servers: 0, cores: more.vcpus, ramMib: more.memoryMib });
}

/** A task that cannot go on: what it began is undone where that is possible; else the server is in ERROR, and says why. */
export function failTask(app: App, server: Server, message: string): Promise<void> {
  return step(app, server, async (tx, at) => {
    await abandonTask(tx, server, message, at);
  });
}

export async function abandonTask(tx: Transaction, server: Server, message: string, at: Date): Promise<void> {
  const { task, host, id } = server;
  await finishActions(tx.sql, id, { result: "Error", message, host }, at);
  tx.event({
    action: "compute.server.fail",
    outcome: "failure",
    reason: message,
    target: { type: "server", id, projectId: server.projectId },
    detail: { task },
  });
  if (task === "unshelving") return backToShelf(tx, server, at);
  if (task === "resize_finish" && server.otherHost !== null) {
    return setTask(
      tx.sql,
      id,
      { task: "resize_reverting", taskStep: "offload", taskVmState: "resized" },
      { bump: true, at },
    );
  }
  const change: TaskChange = { ...OVER, mode: "ordinary", modeSince: null, powerNonce: newUuid() };
  if (task === "resize_prep" || task === "resize_migrating") return stayWhereItWas(tx, server, change, at);
  if (task === "shelving_image_uploading") {
    // the disk is whole and so is the server: it goes on as before
    change.shelvedImageId = null;
    return setTask(tx.sql, id, change, { bump: true, at });
  }
  Object.assign(change, { faultCode: 500, faultMessage: message, faultAt: at });
  if (task === "rescuing" || task === "unrescuing") change.rescue = null;
  if (task === "rebuilding") change.reimageId = null;
  if (task === "resize_finish") {
    await swap(tx, server, change, at);
    await giveBack(tx, { ...server, flavor: server.otherFlavor ?? server.flavor, otherFlavor: server.flavor });
    return setTask(tx.sql, id, SETTLED, { bump: false, at });
  }
  if (task === "resize_reverting") {
    await giveBack(tx, server);
    Object.assign(change, SETTLED);
  }
  await setTask(tx.sql, id, change, { bump: true, at });
  await endMigration(tx.sql, id, "error", at);
}

/** No host, or none that could: it is shelved as before. */
function backToShelf(tx: Transaction, server: Server, at: Date): Promise<void> {
  if (server.host === null) {
    return setTask(tx.sql, server.id, { ...OVER, mode: "shelved_offloaded", modeSince: at }, { bump: false, at });
  }
  const change: TaskChange = { task: "shelving_offloading", taskStep: "offload", taskVmState: "shelved" };
  return setTask(tx.sql, server.id, change, { bump: true, at });
}

async function stayWhereItWas(tx: Transaction, server: Server, change: TaskChange, at: Date): Promise<void> {
  await giveBack(tx, server);
  await discardCopy(tx, server, change);
  await setTask(tx.sql, server.id, { ...change, ...SETTLED }, { bump: true, at });
  await endMigration(tx.sql, server.id, "error", at);
}
