/** What reaches a volume's bytes, or its place among types: extend, retype, revert, re-image. */
import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { touchServer } from "../../compute/public.ts";
import { scopeOf } from "../common/actor.ts";
import { listVolumeHosts } from "../hosts/host.queries.ts";
import { giveBackQuota, takeQuota } from "../quotas/take-quota.ts";
import { listVolumeSnapshots, setSnapshotStatus } from "../snapshots/snapshot.queries.ts";
import { isMultiattach } from "../types/type.model.ts";
import { findType } from "../types/type.queries.ts";
import { getVolume, holdVolume, invalidVolume, volumeTarget } from "./volume-access.ts";
import { bumpGeneration, setRevert, setSize, setStatus, setType } from "./volume.queries.ts";

export async function extendVolume(request: ApiRequest, id: string, sizeGib: number): Promise<void> {
  const { app, version } = request;
  await transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    const allowed = version >= 42 ? ["available", "in-use"] : ["available"];
    if (volume.deleting || !allowed.includes(volume.status)) {
      throw invalidVolume(
        `Volume ${id} status must be ${allowed.map((one) => `'${one}'`).join(" or ")} to extend, currently ${volume.status}.`,
      );
    }
    if (sizeGib <= volume.sizeGib) {
      throw invalid(
        `Invalid input received: New size for extend must be greater than current size. (current: ${volume.sizeGib}, extended: ${sizeGib}).`,
      );
    }
    await takeQuota(
      tx,
      volume.projectId,
      { gigabytes: sizeGib - volume.sizeGib, typeId: volume.volumeTypeId },
      { sizeGib },
    );
    await setSize(tx.sql, id, sizeGib);
    await setStatus(tx.sql, id, "extending", new Date(app.clock.now()), { previousStatus: volume.status });
    await bumpGeneration(tx.sql, id);
    tx.event({ action: "volume.volume.extend", target: volumeTarget(volume), detail: { size: sizeGib } });
    tx.enqueue(`volume/${id}`);
  });
}

/** Within the one pool there is: what changes is what the type says, limits of attached disks at once. */
export async function retypeVolume(request: ApiRequest, id: string, wanted: string): Promise<void> {
  const { app } = request;
  await transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    if (volume.deleting || volume.groupId !== null || !["available", "in-use"].includes(volume.status)) {
      throw invalidVolume(
        "Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.",
      );
    }
    const [type, old] = await Promise.all([
      findType(tx.sql, wanted, scopeOf(request), true),
      findType(tx.sql, volume.volumeTypeId, null),
    ]);
    if (type === null) throw invalid(`Invalid input received: Invalid volume_type passed: ${wanted}.`.slice(0, 400));
    if (type.id === volume.volumeTypeId) {
      throw invalidVolume(
        "Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.",
      );
    }
    if (volume.status === "in-use" && old !== null && isMultiattach(old) !== isMultiattach(type)) {
      throw invalid(
        "Invalid input received: Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: in-use.",
      );
    }
    const amount = { volumes: 1, gigabytes: volume.sizeGib };
    await giveBackQuota(tx, volume.projectId, { ...amount, typeId: volume.volumeTypeId });
    await takeQuota(tx, volume.projectId, { ...amount, typeId: type.id });
    await setType(tx.sql, id, { id: type.id, multiattach: isMultiattach(type) }, new Date(app.clock.now()));
    tx.event({ action: "volume.volume.retype", target: volumeTarget(volume), detail: { type: type.name } });
    for (const { serverId } of volume.attachments) if (serverId !== null) await touchServer(tx, serverId);
  });
}

/** Microversion 3.40: back to the latest snapshot, which must be as large as the volume. */
export async function revertVolume(request: ApiRequest, id: string, snapshotId: string | null): Promise<void> {
  const { app } = request;
  await transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await holdVolume(tx.sql, request, id);
    const [latest] = await listVolumeSnapshots(tx.sql, id);
    if (latest === undefined) throw invalid(`Volume ${id} doesn't have any snapshots.`);
    if (snapshotId !== latest.id) {
      throw invalid(`Specified snapshot ${snapshotId ?? "None"} is None or not the latest one of volume ${id}.`);
    }
    if (latest.sizeGib !== volume.sizeGib) {
      throw invalid(
        `Can't revert volume ${id} to its latest snapshot ${snapshotId}. The volume size must be equal to the snapshot size.`,
      );
    }
    if (volume.deleting || volume.status !== "available") {
      throw conflict(
        `Can't revert volume ${id} to its latest snapshot ${snapshotId}. Volume's status must be 'available'.`,
      );
    }
    if (latest.status !== "available") {
      throw conflict(
        `Can't revert volume ${id} to its latest snapshot ${snapshotId}. Snapshot's status must be 'available'.`,
      );
    }
    await setSnapshotStatus(tx.sql, latest.id, "restoring", at);
    await setStatus(tx.sql, id, "reverting", at, { previousStatus: volume.status });
    await setRevert(tx.sql, id, { snapshotId: latest.id, nonce: newUuid() });
    await bumpGeneration(tx.sql, id);
    tx.event({ action: "volume.volume.revert", target: volumeTarget(volume), detail: { snapshot_id: latest.id } });
    tx.enqueue(`volume/${id}`);
  });
}

/** There is one pool, and every host reaches it: nowhere to migrate to. Cinder's words for a host that is none. */
export async function refuseMigration(request: ApiRequest, id: string, host: string | null): Promise<never> {
  await getVolume(request, id);
  if (host === null || host === "") throw invalid("Invalid input received: A host or a cluster must be named.");
  const known = await findHostName(request, host);
  if (!known) throw notFound(`Service ${host} could not be found.`.slice(0, 400));
  throw invalid("Invalid input received: Destination host must be different than the current host.");
}

async function findHostName(request: ApiRequest, host: string): Promise<boolean> {
  const name = host.split(/[@#]/, 1)[0];
  return (await listVolumeHosts(request.app.db)).some((one) => one.name === name);
}
