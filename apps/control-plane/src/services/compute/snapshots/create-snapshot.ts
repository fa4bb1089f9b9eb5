/** Images that customers have made of their servers. The guest goes on meanwhile. */
import { conflict, forbidden, invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import { findUsage } from "../quotas/project.queries.ts";
import { withServer } from "../servers/begin-task.ts";
import { record } from "../servers/change-power.ts";
import { type TaskName, type VmState, stateOf } from "../servers/server.model.ts";
import { setTask } from "../servers/task.queries.ts";
import { createSnapshotImage } from "./describe-image.ts";
import { insertSnapshot } from "./snapshot.queries.ts";
import { createVolumeImage, finishVolumeImage } from "./volume-image.ts";

const VM_STATES: readonly VmState[] = ["active", "stopped", "paused", "suspended"];

export type SnapshotWish = { name: string; metadata: { [name: string]: string } };
export type BackupWish = SnapshotWish & { backupType: string; rotation: number };

type Making = {
  word: "createImage" | "createBackup";
  task: TaskName;
  kind: "snapshot" | "backup";
  properties: { [name: string]: string };
  backup?: { backupType: string; rotation: number };
};

/** Returns the image's id: it is there at once, `queued`. */
export const createServerImage = (request: ApiRequest, id: string, { name, metadata }: SnapshotWish): Promise<string> =>
  makeImage(request, id, name, { word: "createImage", task: "image_snapshot", kind: "snapshot", properties: metadata });

/** One of a series: when it is there, the oldest ones beyond `rotation` go. */
export const createServerBackup = (request: ApiRequest, id: string, wanted: BackupWish): Promise<string> => {
  const { backupType, rotation } = wanted;
  return makeImage(request, id, wanted.name, {
    word: "createBackup",
    task: "image_backup",
    kind: "backup",
    properties: { ...wanted.metadata, backup_type: backupType },
    backup: { backupType, rotation },
  });
};

async function makeImage(request: ApiRequest, id: string, name: string, making: Making): Promise<string> {
  const { word, task, kind } = making;
  let ofVolumes = false;
  const made = await withServer(request, id, { word, vmStates: VM_STATES }, async ({ tx, server, at }) => {
    // until 2.39 the properties of an image were compute's to count
    const limit = quotaOf((await findUsage(tx.sql, server.projectId)).quota).metadata_items;
    if (request.version < 39 && limit >= 0 && Object.keys(making.properties).length > limit)
      throw forbidden("Image property quota exceeded.");
    const { userId } = request.actor;
    ofVolumes = server.image === null;
    if (ofVolumes && kind === "backup") throw invalid("Backup is not supported for volume-backed instances.");
    if (ofVolumes) {
      const wanted = { name, userId, properties: making.properties };
      const imageId = await createVolumeImage(request.app, tx, server, wanted);
      await record(request, tx, server, word, true);
      return imageId;
    }
    if (server.host === null) throw conflict(`Cannot '${word}' instance ${server.id}: it has no host.`);
    const image = { name, type: kind, userId, properties: making.properties };
    const imageId = await createSnapshotImage(tx, server, image);
    await insertSnapshot(tx.sql, { imageId, serverId: server.id, host: server.host, kind, ...making.backup }, at);
    const begun = { task, taskStep: "image", taskVmState: stateOf(server).vmState } as const;
    await setTask(tx.sql, server.id, begun, { bump: false, at });
    await record(request, tx, server, word);
    tx.enqueue(`snapshot/${imageId}`);
    return imageId;
  });
  if (ofVolumes) await finishVolumeImage(request.app, made);
  return made;
}
