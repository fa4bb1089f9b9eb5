/** Disks of a server that is being made: what the request names is looked up before, rows and volumes are made within its transaction. */
import { CloudError, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type BootImage, imageForBoot } from "../../image/public.ts";
import { type NewServerVolume, attachVolume, createVolumeForServer, findVolume } from "../../volume/public.ts";
import { type WantedDisk, badMapping } from "./block-device.model.ts";
import { insertServerDisk } from "./server-disk.queries.ts";

export type NewDisk = WantedDisk & { deviceName: string };

/** The images that volumes are to be made from, by id: the actor may use them. Refuses sources that are not there. */
export async function checkSources(
  request: ApiRequest,
  projectId: string,
  disks: readonly NewDisk[],
  count: number,
): Promise<BootImage[]> {
  const volumes = disks.filter((disk) => disk.sourceType === "volume");
  if (volumes.length > 0 && count > 1) throw invalid("Cannot attach one or more volumes to multiple instances");
  await Promise.all(volumes.map((disk) => checkVolume(request, projectId, disk)));
  return Promise.all(disks.filter((disk) => disk.sourceType === "image").map((disk) => findImage(request, disk)));
}

async function checkVolume(request: ApiRequest, projectId: string, disk: NewDisk): Promise<void> {
  const id = disk.sourceId ?? "";
  const volume = await findVolume(request.app.db, { projectId, volumeId: id });
  if (volume === undefined) throw badMapping(`failed to get volume ${id}.`);
  if (disk.bootIndex === 0 && !volume.bootable) throw invalid(`Block Device ${id} is not bootable.`);
  if (volume.multiattach && request.version < 60) {
    throw invalid("Multiattach volumes are only supported starting with compute API version 2.60.");
  }
}

async function findImage(request: ApiRequest, disk: NewDisk): Promise<BootImage> {
  const { app, actor, plane } = request;
  const id = disk.sourceId ?? "";
  try {
    return await imageForBoot(app.db, { actor, plane }, id);
  } catch (cause) {
    if (cause instanceof CloudError && cause.kind === "notFound") {
      throw invalid(`Block Device Mapping is Invalid: failed to get image ${id}.`, { cause });
    }
    throw cause;
  }
}

type Owner = { id: string; name: string; projectId: string; host: string | null; availabilityZone: string | null };

/** Rows, and volumes: those there are become the server's now, those that are made for it once they are there. */
export async function addDisks(
  request: ApiRequest,
  tx: Transaction,
  server: Owner,
  disks: readonly NewDisk[],
): Promise<void> {
  const at = new Date(request.app.clock.now());
  for (const disk of disks) {
    const { volumeId, attachmentId } = await volumeOf(request, tx, server, disk);
    const { volumeType: _type, sourceId: _source, ...row } = disk;
    await insertServerDisk(
      tx.sql,
      {
        ...row,
        id: newUuid(),
        serverId: server.id,
        projectId: server.projectId,
        volumeId,
        attachmentId,
        sizeGib: disk.sizeGib ?? 0,
        attachedAt: null,
      },
      at,
    );
  }
}

async function volumeOf(
  request: ApiRequest,
  tx: Transaction,
  server: Owner,
  disk: NewDisk,
): Promise<{ volumeId: string | null; attachmentId: string | null }> {
  if (disk.destinationType === "local") return { volumeId: null, attachmentId: null };
  if (disk.sourceType !== "volume") {
    return { volumeId: await makeVolume(request, tx, server, disk), attachmentId: null };
  }
  const volumeId = disk.sourceId ?? "";
  const { attachmentId } = await attachVolume(tx, {
    volumeId,
    projectId: server.projectId,
    serverId: server.id,
    serverName: server.name,
    host: server.host,
    device: disk.deviceName,
    mode: "rw",
  });
  return { volumeId, attachmentId };
}

async function makeVolume(request: ApiRequest, tx: Transaction, server: Owner, disk: NewDisk): Promise<string> {
  const id = disk.sourceId ?? "";
  try {
    return await createVolumeForServer(request.app, tx, {
      name: disk.sourceType === "blank" ? `${server.id}-blank-vol` : "",
      sizeGib: disk.sizeGib,
      source: sourceOf(disk),
      projectId: server.projectId,
      userId: request.actor.userId,
      type: disk.volumeType,
    });
  } catch (cause) {
    if (!(cause instanceof CloudError) || cause.kind !== "notFound") throw cause;
    if (disk.volumeType !== null && cause.message.includes("type")) {
      throw invalid(`Volume type ${disk.volumeType} could not be found.`, { cause });
    }
    throw invalid(`Block Device Mapping is Invalid: failed to get ${disk.sourceType} ${id}.`, { cause });
  }
}

function sourceOf(disk: NewDisk): NewServerVolume["source"] {
  const id = disk.sourceId ?? "";
  switch (disk.sourceType) {
    case "image":
      return { kind: "image", imageId: id };
    case "snapshot":
      return { kind: "snapshot", snapshotId: id };
    case "volume":
      return { kind: "volume", volumeId: id };
    case "blank":
      return { kind: "blank" };
  }
}
