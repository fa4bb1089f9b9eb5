/** The end of an image's making, good or bad, and what follows from it for the server: one transaction. */
import type { App } from "../../../app.ts";
import type { Transaction } from "../../../db/transaction.ts";
import { backupsOfServer, bootImageById, discardImage } from "../../image/public.ts";
import { finishImageActions } from "../actions/action.queries.ts";
import { lockUsage } from "../quotas/project.queries.ts";
import { abandonTask, swap } from "../servers/run-task.ts";
import type { Server } from "../servers/server.model.ts";
import { shelvedStaysMs } from "../servers/stays.ts";
import { lockServer } from "../servers/server.queries.ts";
import { lockHosts, setTask } from "../servers/task.queries.ts";
import { type Snapshot, deleteSnapshot } from "./snapshot.queries.ts";

export type SnapshotEnd = { ok: true } | { ok: false; message: string };

export async function endSnapshot(
  app: App,
  tx: Transaction,
  snapshot: Snapshot,
  seen: Server | null,
  end: SnapshotEnd,
): Promise<void> {
  const at = new Date(app.clock.now());
  if (seen !== null) {
    await lockUsage(tx.sql, seen.projectId);
    await lockHosts(tx.sql, [seen.host, seen.otherHost]);
  }
  const server = seen === null ? null : await lockServer(tx.sql, seen.id, null);
  if (!(await deleteSnapshot(tx.sql, snapshot.imageId))) return;
  if (!end.ok) await discardImage(tx, snapshot.imageId);
  if (server === null || server.deleting) return;
  tx.enqueue(`server/${server.id}`);
  if (snapshot.kind === "snapshot" || snapshot.kind === "backup") await endImage(tx, snapshot, server, end, at);
  else if (server.taskStep === "copy" && server.shelvedImageId === snapshot.imageId)
    await endCopy(app, tx, snapshot, server, end, at);
}

async function endImage(
  tx: Transaction,
  snapshot: Snapshot,
  server: Server,
  end: SnapshotEnd,
  at: Date,
): Promise<void> {
  if (server.taskStep === "image")
    await setTask(tx.sql, server.id, { task: null, taskStep: null, taskVmState: null }, { bump: false, at });
  const message = end.ok ? null : end.message;
  const result = end.ok ? "Success" : "Error";
  await finishImageActions(tx.sql, server.id, { result, message, host: snapshot.host }, at);
  tx.event({
    action: "compute.server.snapshot",
    ...(end.ok ? {} : { outcome: "failure" as const, reason: end.message }),
    target: { type: "server", id: server.id, projectId: server.projectId },
    detail: { image: snapshot.imageId },
  });
  if (!end.ok || snapshot.rotation === null || snapshot.backupType === null) return;
  const wanted = { projectId: server.projectId, serverId: server.id, backupType: snapshot.backupType };
  const old = (await backupsOfServer(tx.sql, wanted)).slice(snapshot.rotation);
  for (const imageId of old) await discardImage(tx, imageId);
}

async function endCopy(
  app: App,
  tx: Transaction,
  snapshot: Snapshot,
  server: Server,
  end: SnapshotEnd,
  at: Date,
): Promise<void> {
  if (!end.ok) return abandonTask(tx, server, end.message, at);
  if (snapshot.kind === "migrate") {
    const image = await bootImageById(tx.sql, snapshot.imageId);
    if (image === null) return abandonTask(tx, server, "The copy of the disk is gone.", at);
    const { id, sha512, format, sizeBytes } = image;
    const moving = { ...server, otherDiskImage: { id, sha512, format, sizeBytes } };
    return swap(tx, moving, { task: "resize_finish", taskStep: "apply" }, at);
  }
  const staysMs = shelvedStaysMs(app.config);
  const shelved = { mode: "shelved", modeSince: at } as const;
  if (staysMs !== 0) {
    // whoever shelved it is done; it leaves its host when its time has come
    return setTask(
      tx.sql,
      server.id,
      { task: null, taskStep: null, taskVmState: null, ...shelved },
      { bump: false, at },
    );
  }
  const change = { ...shelved, task: "shelving_offloading", taskStep: "offload", taskVmState: "shelved" } as const;
  return setTask(tx.sql, server.id, change, { bump: true, at });
}
