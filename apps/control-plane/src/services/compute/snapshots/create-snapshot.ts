/** Images that customers have made of their servers. The guest goes on meanwhile. */
import { forbidden, invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import { findUsage } from "../quotas/project.queries.ts";
import { withServer } from "../servers/begin-task.ts";
import { record } from "../servers/change-power.ts";
import { type TaskName, type VmState, stateOf } from "../servers/server.model.ts";
import { setTask } from "../servers/task.queries.ts";
import { createSnapshotImage } from "./describe-image.ts";
import { insertSnapshot } from "./snapshot.queries.ts";

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

function makeImage(request: ApiRequest, id: string, name: string, making: Making): Promise<string> {
  const { word, task, kind } = making;
  return withServer(request, id, { word, vmStates: VM_STATES }, async ({ tx, server, at }) => {
    // until 2.39 the properties of an image were compute's to count
    const limit = quotaOf((await findUsage(tx.sql, server.projectId)).quota).metadata_items;
    if (request.version < 39 && limit >= 0 && Object.keys(making.properties).length > limit)
      throw forbidden("Image property quota exceeded.");
    if (server.image === null || server.host === null)
      throw invalid(
        kind === "backup"
          ? "Backup is not supported for volume-backed instances."
          : "An image of a server whose root disk is a volume is made of the volume.",
      );
    const { userId } = request.actor;
    const image = { name, type: kind, userId, properties: making.properties };
    const imageId = await createSnapshotImage(tx, server, image);
    await insertSnapshot(tx.sql, { imageId, serverId: server.id, host: server.host, kind, ...making.backup }, at);
    const begun = { task, taskStep: "image", taskVmState: stateOf(server).vmState } as const;
    await setTask(tx.sql, server.id, begun, { bump: false, at });
    await record(request, tx, server, word);
    tx.enqueue(`snapshot/${imageId}`);
    return imageId;
  });
}
