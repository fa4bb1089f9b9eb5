/** Volumes of a server that exists: given to it, taken from it. One transaction over both services; the host hears of it later. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  type VolumeSummary,
  attachVolume,
  beginDetach,
  findVolume,
  finishDetach,
  markAttached,
} from "../../volume/public.ts";
import { readWindow, refuseUnknownParameters } from "../common/query.ts";
import { checkLock, record } from "../servers/change-power.ts";
import { getServer, getServerLocked } from "../servers/read-servers.ts";
import { type Server, type VmState, checkNoTask, stateOf } from "../servers/server.model.ts";
import { bumpGeneration } from "../servers/server.queries.ts";
import { tooManyDisks } from "./block-device.model.ts";
import { type ServerDisk, nextName, reservedNames, toVirtioName } from "./server-disk.model.ts";
import {
  deleteServerDisk,
  insertServerDisk,
  listServerDisks,
  lockServerDisks,
  setDeleteOnTermination,
  setDiskDetaching,
} from "./server-disk.queries.ts";

export type Attach = { volumeId: string; device: string | null; tag: string | null; deleteOnTermination: boolean };

const IN_STATES: readonly VmState[] = [
  "active",
  "paused",
  "stopped",
  "resized",
  "soft-delete",
  "shelved",
  "shelved_offloaded",
];

const notAttached = (serverId: string, volumeId: string): CloudError =>
  notFound(`Instance ${serverId} is not attached to volume ${volumeId}`);
const noMapping = (volumeId: string): CloudError => notFound(`No volume Block Device Mapping with id ${volumeId}.`);

export async function readAttachments(request: ApiRequest, serverId: string): Promise<ServerDisk[]> {
  refuseUnknownParameters(request, ["limit", "offset"]);
  const { limit, offset } = readWindow(request.query);
  const server = await getServer(request, serverId);
  const disks = await listServerDisks(request.app.db, server.id);
  return disks.filter((disk) => disk.volumeId !== null).slice(offset, offset + limit);
}

export async function readAttachment(request: ApiRequest, serverId: string, volumeId: string): Promise<ServerDisk> {
  const server = await getServer(request, serverId);
  const disk = (await listServerDisks(request.app.db, server.id)).find((one) => one.volumeId === volumeId);
  if (disk === undefined) throw notAttached(serverId, volumeId);
  return disk;
}

/** A shelved server's volumes are a later microversion's business. */
function checkState(request: ApiRequest, server: Server, word: string): void {
  checkLock(request, server);
  const { vmState } = stateOf(server);
  if (request.version < 20 && (vmState === "shelved" || vmState === "shelved_offloaded")) {
    throw conflict(`Cannot '${word}' instance ${server.id} while it is in vm_state ${vmState}`);
  }
  checkNoTask(server.id, server, word, IN_STATES);
}

export async function attachToServer(request: ApiRequest, serverId: string, wanted: Attach): Promise<ServerDisk> {
  const at = new Date(request.app.clock.now());
  return transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, serverId);
    checkState(request, server, "attach_volume");
    const [volume, disks] = [
      await findVolume(tx.sql, { projectId: server.projectId, volumeId: wanted.volumeId }),
      await lockServerDisks(tx.sql, server.id),
    ];
    if (volume === undefined) throw notFound(`Volume ${wanted.volumeId} could not be found.`);
    const offloaded = stateOf(server).vmState === "shelved_offloaded";
    checkVolume(request, volume, disks, { tag: wanted.tag, offloaded });
    const deviceName = deviceFor(server, disks, wanted.device);
    const { attachmentId } = await attachVolume(tx, {
      volumeId: volume.id,
      projectId: server.projectId,
      serverId: server.id,
      serverName: server.name,
      host: server.host,
      device: deviceName,
      mode: "rw",
    });
    const disk = {
      id: newUuid(),
      serverId: server.id,
      projectId: server.projectId,
      sourceType: "volume" as const,
      destinationType: "volume" as const,
      volumeId: volume.id,
      attachmentId,
      sizeGib: volume.sizeGib,
      deviceName,
      bootIndex: null,
      guestFormat: null,
      tag: wanted.tag,
      deleteOnTermination: wanted.deleteOnTermination,
      // nobody is there who could take it: it is the server's from now on
      attachedAt: offloaded ? at : null,
    };
    await insertServerDisk(tx.sql, disk, at);
    if (offloaded) await markAttached(tx, attachmentId, { host: "", device: deviceName });
    await tell(request, tx, server, "attach_volume", offloaded);
    return { ...disk, number: 0, detaching: false, changedAt: at, createdAt: at };
  });
}

function checkVolume(
  request: ApiRequest,
  volume: VolumeSummary,
  disks: readonly ServerDisk[],
  how: { tag: string | null; offloaded: boolean },
): void {
  if (disks.some((disk) => disk.volumeId === volume.id)) {
    throw invalid(`Invalid volume: volume ${volume.id} already attached`);
  }
  if (volume.multiattach && request.version < 60) {
    throw invalid("Multiattach volumes are only supported starting with compute API version 2.60.");
  }
  if (!how.offloaded) return;
  if (how.tag !== null) throw invalid("Tagged volume attachment is not supported for shelved-offloaded instances.");
  if (volume.multiattach) {
    throw invalid("Attaching multiattach volumes is not supported for shelved-offloaded instances.");
  }
}

/** What the guest will call it. A name that virtio has and that is free is kept. */
function deviceFor(server: Server, disks: readonly ServerDisk[], wished: string | null): string {
  const reserved = reservedNames({ flavor: server.flavor, hasImageDisk: server.image !== null }, disks);
  const taken = new Set([...reserved, ...disks.map((disk) => disk.deviceName)]);
  const wanted = wished === null ? null : toVirtioName(wished);
  if (wanted !== null && taken.has(wanted)) throw conflict(`The supplied device path (${wanted}) is in use.`);
  const name = wanted ?? nextName(taken);
  if (name === null) throw tooManyDisks();
  return name;
}

/** The guest's spec is sent anew, and the action is noted. */
async function tell(
  request: ApiRequest,
  tx: Transaction,
  server: Server,
  action: "attach_volume" | "detach_volume",
  finished: boolean,
): Promise<void> {
  await bumpGeneration(tx.sql, server.id, new Date(request.app.clock.now()));
  await record(request, tx, server, action, finished);
  tx.enqueue(`server/${server.id}`);
}

export async function detachFromServer(request: ApiRequest, serverId: string, volumeId: string): Promise<void> {
  const at = new Date(request.app.clock.now());
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, serverId);
    checkState(request, server, "detach_volume");
    const disk = (await lockServerDisks(tx.sql, server.id)).find((one) => one.volumeId === volumeId);
    if (disk === undefined) throw notAttached(server.id, volumeId);
    if (disk.bootIndex === 0) throw invalid("Cannot detach a root device volume");
    if (disk.attachmentId === null || disk.detaching || disk.attachedAt === null) {
      throw invalid(
        "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
      );
    }
    await beginDetach(tx, disk.attachmentId);
    const offloaded = stateOf(server).vmState === "shelved_offloaded";
    if (offloaded) {
      await finishDetach(tx, disk.attachmentId);
      await deleteServerDisk(tx.sql, disk.id);
    } else {
      await setDiskDetaching(tx.sql, disk.id, true, at);
    }
    await tell(request, tx, server, "detach_volume", offloaded);
  });
}

export type AttachmentChanges = {
  /** What the body repeats of the attachment must be what it is. */
  same: { id?: string; serverId?: string; device?: string | null; tag?: string };
  deleteOnTermination?: boolean;
};

/** Microversion 2.85. */
export async function updateAttachment(
  request: ApiRequest,
  serverId: string,
  volumeId: string,
  changes: AttachmentChanges,
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, serverId);
    const disk = (await lockServerDisks(tx.sql, server.id)).find((one) => one.volumeId === volumeId);
    if (disk === undefined) throw noMapping(volumeId);
    const { id, serverId: owner, device, tag } = changes.same;
    if (id !== undefined && id !== volumeId) throw invalid("The id property is not mutable");
    if (owner !== undefined && owner !== server.id) throw invalid("The serverId property is not mutable");
    if (device !== undefined && device !== disk.deviceName) throw invalid("The device property is not mutable");
    if (tag !== undefined && tag !== disk.tag) throw invalid("The tag property is not mutable");
    if (changes.deleteOnTermination === undefined) return;
    await setDeleteOnTermination(tx.sql, disk.id, changes.deleteOnTermination);
    tx.event({
      action: "compute.server.update",
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { volume_id: volumeId, delete_on_termination: changes.deleteOnTermination },
    });
  });
}

/**
 * Nova lets Cinder put another volume under a running server, for its own migrations between pools. Hosts here have no such
 * step; whoever wants other bytes under a server detaches and attaches.
 */
export async function refuseSwap(
  request: ApiRequest,
  serverId: string,
  volumeId: string,
  newVolumeId: string,
): Promise<never> {
  const server = await getServer(request, serverId);
  const { db } = request.app;
  const [old, other] = await Promise.all([
    findVolume(db, { projectId: server.projectId, volumeId }),
    findVolume(db, { projectId: server.projectId, volumeId: newVolumeId }),
  ]);
  if (old === undefined) throw notFound(`Volume ${volumeId} could not be found.`);
  if (other === undefined) throw invalid(`Volume ${newVolumeId} could not be found.`);
  const disk = (await listServerDisks(db, server.id)).find((one) => one.volumeId === volumeId);
  if (disk === undefined) throw noMapping(volumeId);
  throw conflict("A volume cannot be swapped under a server here: detach it, and attach the other one.");
}
