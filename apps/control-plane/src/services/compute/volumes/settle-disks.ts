/** The reconciler's half of a server's volumes: waits for those to come, tells both services what became of the others. */
import { CloudError } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ResourceKey } from "../../../reconcile/queue.ts";
import {
  type ServerDisk as VolumeDisk,
  abandonAttach,
  attachVolume,
  deleteVolumeOfServer,
  disksOfServers,
  findVolume,
  finishDetach,
  markAttached,
  volumeReadiness,
} from "../../volume/public.ts";
import { finishActions } from "../actions/action.queries.ts";
import type { Server } from "../servers/server.model.ts";
import { lockServer, touchServerRow } from "../servers/server.queries.ts";
import { type DiskChange, type ServerDisk, planDisks } from "./server-disk.model.ts";
import {
  deleteServerDisk,
  listServerDisks,
  lockServerDisks,
  setDiskAttached,
  setDiskAttachment,
  setDiskDetaching,
} from "./server-disk.queries.ts";

const origin = systemOrigin("server.reconciler");

/** What is seen of the guest's disks becomes what both services say of them. `changed`: look at the server again. */
export async function settleDisks(
  app: App,
  server: Server,
  disks: readonly ServerDisk[],
): Promise<"changed" | "pending" | "still"> {
  if (server.deleting) return "still";
  const nowMs = app.clock.now();
  const { changes, pending } = planDisks(server, disks, nowMs);
  if (changes.length === 0) return pending ? "pending" : "still";
  await transact(app, origin, async (tx) => {
    const current = await lockServer(tx.sql, server.id, null);
    if (current === null || current.deleting) return;
    const now = planDisks(current, await lockServerDisks(tx.sql, server.id), nowMs);
    for (const change of now.changes) await applyChange(tx, current, change, new Date(nowMs));
  });
  return "changed";
}

async function applyChange(tx: Transaction, server: Server, { change, disk }: DiskChange, at: Date): Promise<void> {
  const attachmentId = disk.attachmentId ?? "";
  switch (change) {
    case "attached":
      await markAttached(tx, attachmentId, { host: server.host ?? "", device: disk.deviceName });
      await setDiskAttached(tx.sql, disk.id, at);
      return;
    case "detached":
      await finishDetach(tx, attachmentId);
      await deleteServerDisk(tx.sql, disk.id);
      return;
    case "notAttached":
      await abandonAttach(tx, attachmentId);
      await deleteServerDisk(tx.sql, disk.id);
      await giveUp(tx, server, disk, "The guest did not take the volume in time.", at);
      return;
    case "notDetached":
      await abandonAttach(tx, attachmentId);
      await setDiskDetaching(tx.sql, disk.id, false, at);
      await giveUp(tx, server, disk, "The guest did not let go of the volume in time.", at);
      return;
  }
}

async function giveUp(tx: Transaction, server: Server, disk: ServerDisk, message: string, at: Date): Promise<void> {
  // the host is told to go back to what was
  await touchServerRow(tx.sql, server.id);
  await finishActions(tx.sql, server.id, { result: "Error", message, host: server.host }, at);
  tx.event({
    action: "compute.server.fail",
    outcome: "failure",
    reason: message,
    target: { type: "server", id: server.id, projectId: server.projectId },
    detail: { volume_id: disk.volumeId },
  });
  tx.enqueue(`server/${server.id}`);
}

export type PreparedDisks =
  | { disks: ServerDisk[]; volumes: VolumeDisk[] }
  | { waitFor: ResourceKey }
  | { failed: string }
  /** Volumes were promised just now: look again. */
  | { again: true };

/** What a guest's spec says of volumes; volumes made for the server are waited for, and promised to it once they are there. */
export async function prepareDisks(app: App, server: Server): Promise<PreparedDisks> {
  const disks = await listServerDisks(app.db, server.id);
  const coming = disks.filter((disk) => disk.volumeId !== null && disk.attachmentId === null);
  for (const disk of coming) {
    const readiness = await volumeReadiness(app.db, disk.volumeId ?? "");
    if ("failed" in readiness) return readiness;
    if (!readiness.ready) return { waitFor: readiness.key };
  }
  if (coming.length > 0) return promiseVolumes(app, server);
  if (disks.every((disk) => disk.attachmentId === null)) return { disks, volumes: [] };
  const volumes = (await disksOfServers(app, app.db, [server.id])).get(server.id) ?? [];
  return { disks, volumes };
}

async function promiseVolumes(app: App, server: Server): Promise<PreparedDisks> {
  try {
    await transact(app, origin, async (tx) => {
      const current = await lockServer(tx.sql, server.id, null);
      if (current === null || current.deleting) return;
      for (const disk of await lockServerDisks(tx.sql, server.id)) {
        if (disk.volumeId === null || disk.attachmentId !== null) continue;
        await promiseVolume(tx, current, { ...disk, volumeId: disk.volumeId }, new Date(app.clock.now()));
      }
    });
    return { again: true };
  } catch (error) {
    // somebody else took it, or it went
    if (error instanceof CloudError && ["invalid", "notFound", "conflict"].includes(error.kind)) {
      return { failed: error.message };
    }
    throw error;
  }
}

async function promiseVolume(
  tx: Transaction,
  server: Server,
  disk: ServerDisk & { volumeId: string },
  at: Date,
): Promise<void> {
  const { volumeId } = disk;
  const { attachmentId } = await attachVolume(tx, {
    volumeId,
    projectId: server.projectId,
    serverId: server.id,
    serverName: server.name,
    host: server.host,
    device: disk.deviceName,
    mode: "rw",
  });
  const volume = await findVolume(tx.sql, { projectId: server.projectId, volumeId });
  await setDiskAttachment(tx.sql, disk.id, attachmentId, volume?.sizeGib ?? disk.sizeGib, at);
}

/** The server goes: its volumes are let go of, and those go with it that were to. The caller deletes the rows. */
export async function releaseDisks(app: App, tx: Transaction, disks: readonly ServerDisk[]): Promise<void> {
  for (const disk of disks) {
    if (disk.attachmentId !== null) await finishDetach(tx, disk.attachmentId);
    if (disk.volumeId !== null && disk.deleteOnTermination) await deleteVolumeOfServer(app, tx, disk.volumeId);
  }
}
