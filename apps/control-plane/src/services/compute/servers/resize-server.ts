/**
 * Another flavor for a server, or another host: the guest is shut down, becomes what it is to be, and waits for the
 * customer's word (VERIFY_RESIZE). Until then quota and hosts hold enough for both, so that it can go back.
 *
 * On its own host where that has room. Else the disk goes to the other host as an image, by the way that snapshots go.
 */
import { conflict, invalid, notFound, overQuota } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { ApiRequest } from "../../../http/service.ts";
import { imageTraits } from "../../image/public.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { findFlavor } from "../flavors/flavor.queries.ts";
import { claimMore, findHost } from "../hosts/host.queries.ts";
import { endMigration, insertMigration } from "../migrations/migration.queries.ts";
import { NO_VALID_HOST } from "../placement/choose-host.ts";
import { claimBestHost, toDemand } from "../placement/place-server.ts";
import { type ProjectUsage, takeUsage } from "../quotas/project.queries.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import { createMovingImage } from "../snapshots/describe-image.ts";
import { type Held, beginTask, withServerAndRoom } from "./begin-task.ts";
import { record } from "./change-power.ts";
import { confirmResize } from "./confirm-resize.ts";
import { toFlavorCopy } from "./create-server.ts";
import type { FlavorCopy, Server } from "./server.model.ts";
import { difference, heldOf, heldOnHost, heldOnOther } from "./server-tasks.ts";

import { getServer } from "./read-servers.ts";

const BUILT = ["active", "stopped"] as const;

type Target = { id: string; flavor: FlavorCopy };

export async function resizeServer(
  request: ApiRequest,
  id: string,
  wanted: { flavorId: string; diskConfig?: "AUTO" | "MANUAL" },
): Promise<void> {
  const scope = asksAsAdmin(request) ? null : (await getServer(request, id)).projectId;
  const found = await findFlavor(request.app.db, wanted.flavorId, scope);
  await withServerAndRoom(request, id, { word: "resize", vmStates: BUILT }, async (held) => {
    if (found === null || found.disabled) throw invalid(`Flavor ${wanted.flavorId} could not be found.`);
    const target = { id: found.id, flavor: toFlavorCopy(found) };
    await checkTarget(held, target);
    await takeQuota(held, target.flavor);
    const otherHost = await claimSomewhere(held, target.flavor);
    const more = wanted.diskConfig === undefined ? {} : { diskConfig: wanted.diskConfig };
    await begin(request, held, { target, otherHost, action: "resize", more });
  });
}

/** Operators: the same flavor on another host. */
export async function migrateServer(request: ApiRequest, id: string, host: string | null): Promise<void> {
  await withServerAndRoom(request, id, { word: "migrate", vmStates: BUILT }, async (held) => {
    const { tx, server } = held;
    if (host !== null) {
      if ((await findHost(tx.sql, { name: host })) === null) throw invalid(`Compute host ${host} could not be found.`);
      if (host === server.host)
        throw invalid(`Cannot migrate instance ${id} to the same host (${host}) on which it runs now.`);
    }
    const target = { id: server.flavorId, flavor: server.flavor };
    const otherHost = await claimElsewhere(held, server.flavor, host);
    await begin(request, held, { target, otherHost, action: "migrate", more: {} });
  });
}

async function begin(
  request: ApiRequest,
  held: Held,
  { target, otherHost, action, more }: { target: Target; otherHost: string | null; action: string; more: object },
): Promise<void> {
  const { tx, server, at } = held;
  const migration = {
    uuid: newUuid(),
    serverId: server.id,
    userId: request.actor.userId,
    kind: action === "resize" ? ("resize" as const) : ("migration" as const),
    status: "migrating",
    sourceHost: server.host ?? "",
    destHost: otherHost ?? server.host,
    oldFlavorId: server.flavorId,
    newFlavorId: target.id,
  };
  await insertMigration(tx.sql, migration, at);
  const shelvedImageId = otherHost === null || server.image === null ? null : await createMovingImage(tx, server);
  const change = { ...more, otherFlavorId: target.id, otherFlavor: target.flavor, otherHost, shelvedImageId };
  await beginTask(request, held, { task: "resize_prep", step: "stop", action, change });
}

async function checkTarget({ tx, server }: Held, target: Target): Promise<void> {
  const { flavor } = target;
  if (target.id === server.flavorId) throw invalid("When resizing, instances must change flavor!");
  const cannot = (reason: string) => invalid(`Server disk was unable to be resized because: ${reason}`);
  if (server.image !== null) {
    if (flavor.diskGib === 0 && server.flavor.diskGib !== 0) throw cannot("Resize to zero disk flavor is not allowed.");
    if (flavor.diskGib < server.flavor.diskGib) throw cannot("Unable to resize disk down.");
  }
  if (flavor.ephemeralGib < server.flavor.ephemeralGib) throw cannot("Unable to resize disk down.");
  const image = server.imageId === "" ? null : await imageTraits(tx.sql, server.imageId);
  if (flavor.ramMib < (image?.minRam ?? 0)) throw invalid("Flavor's memory is too small for requested image.");
}

/** What it needs more than it has, now; what it needs less is given back when it is settled. */
async function takeQuota({ tx, server, usage }: Held & { usage: ProjectUsage }, flavor: FlavorCopy): Promise<void> {
  const more = difference(heldOf({ ...server, otherFlavor: flavor }), heldOf(server));
  const quota = quotaOf(usage.quota);
  const rows = [
    { name: "cores", asked: more.vcpus, used: usage.usedCores, limit: quota.cores },
    { name: "ram", asked: more.memoryMib, used: usage.usedRamMib, limit: quota.ram },
  ].filter((row) => row.asked > 0 && row.limit >= 0 && row.used + row.asked > row.limit);
  const list = (of: (row: (typeof rows)[number]) => string | number): string => rows.map(of).join(", ");
  if (rows.length > 0) {
    throw overQuota(
      `Quota exceeded for ${list((row) => row.name)}: Requested ${list((row) => row.asked)}, but already used ${list((row) => row.used)} of ${list((row) => row.limit)} ${list((row) => row.name)}`,
    );
  }
  await takeUsage(tx.sql, server.projectId, { servers: 0, cores: more.vcpus, ramMib: more.memoryMib });
}

/** Null: its own host has room for it. */
async function claimSomewhere(held: Held, flavor: FlavorCopy): Promise<string | null> {
  const { tx, server } = held;
  const here = difference(heldOnHost({ ...server, otherFlavor: flavor }), heldOnHost(server));
  const fits = await fitsHost(held, flavor);
  if (server.host !== null && fits && (await claimMore(tx.sql, server.host, here))) return null;
  return claimElsewhere(held, flavor, null);
}

/** One server may not have more CPUs than its host has. */
async function fitsHost({ tx, server }: Held, flavor: FlavorCopy): Promise<boolean> {
  const host = server.host === null ? null : await findHost(tx.sql, { name: server.host });
  return host !== null && flavor.vcpus <= host.observedVcpus;
}

async function claimElsewhere({ tx, server }: Held, flavor: FlavorCopy, host: string | null): Promise<string> {
  const wish = { zone: server.wantedZone, host, hints: server.schedulerHints, projectId: server.projectId };
  const demand = await toDemand(tx.sql, flavor, { ...wish, serverId: server.id });
  const room = heldOnOther({ ...server, otherFlavor: flavor, otherHost: "" });
  const notOn = [...demand.notOn, ...(server.host === null ? [] : [server.host])];
  const claimed = await claimBestHost(tx.sql, { ...demand, ...room, notOn });
  if (claimed === null) throw invalid(NO_VALID_HOST);
  return claimed.host;
}

/** 204 when this returns: on one host all that was held for the way back is free. */
export async function confirmResizeAction(request: ApiRequest, id: string): Promise<void> {
  const allowed = { word: "confirmResize", vmStates: ["resized"] } as const;
  await withServerAndRoom(request, id, allowed, async ({ tx, server, at }) => {
    await confirmResize(tx, server, at);
    await record(request, tx, server, "confirmResize", server.otherHost === null);
    tx.enqueue(`server/${server.id}`);
  });
}

export async function revertResize(request: ApiRequest, id: string): Promise<void> {
  const allowed = { word: "revertResize", vmStates: ["resized"] } as const;
  await withServerAndRoom(request, id, allowed, async (held) => {
    const { tx, server, at } = held;
    checkWayBack(server);
    const step = server.otherHost === null ? "stop" : "offload";
    // its power is what it was before the resize
    const change = { power: server.power };
    await beginTask(request, held, { task: "resize_reverting", step, action: "revertResize", change });
    await endMigration(tx.sql, server.id, "reverting", at);
  });
}

function checkWayBack(server: Server): void {
  if (server.otherFlavor === null) throw notFound(`Instance ${server.id} has not been resized.`);
}

/** A running guest's memory and disk would have to follow it: hosts here do not hand that over. */
export async function migrateLive(request: ApiRequest, id: string, host: string | null): Promise<never> {
  const allowed = { word: "os-migrateLive", vmStates: ["active", "paused"] } as const;
  return withServerAndRoom(request, id, allowed, async (held) => {
    const { server, tx } = held;
    if (host !== null && (await findHost(tx.sql, { name: host })) === null)
      throw invalid(`Compute host ${host} could not be found.`);
    if (host !== null && host === server.host)
      throw invalid(`Unable to migrate instance (${id}) to current host (${host}).`);
    // rolled back with the transaction
    await claimElsewhere(held, server.flavor, host);
    throw conflict(
      "Migration pre-check error: hosts of this cloud cannot take over a running server. Use a cold migration.",
      {
        status: 400,
      },
    );
  });
}
