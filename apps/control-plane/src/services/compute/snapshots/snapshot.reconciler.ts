/**
 * `snapshot/<image id>`: brings the bytes of a server's disk to the image service. Its host makes an export of the disk as it
 * is at one instant; what it gives is taken in like a customer's upload. Killed anywhere, on either side, it begins
 * again where the other side still is, and ends with the image active, or gone.
 */
import { CloudError, messageOf } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../../reconcile/worker.ts";
import { imageStatus, receiveImageFrom } from "../../image/public.ts";
import { COPY_DEADLINE_MS, TASK_DEADLINE_MS } from "../servers/server.plan.ts";
import type { Server } from "../servers/server.model.ts";
import { loadServer } from "../servers/server.queries.ts";
import { type SnapshotEnd, endSnapshot } from "./end-snapshot.ts";
import { type Snapshot, findSnapshot, listSnapshots, setImageTask } from "./snapshot.queries.ts";

const CHECK_MS = 500;
const origin = systemOrigin("snapshot");

export const snapshotReconciler: Reconciler = {
  kind: "snapshot",
  reconcile: reconcileSnapshot,
  resync: { everyMs: 60_000, ids: (app) => listSnapshots(app.db) },
};

async function reconcileSnapshot(app: App, imageId: string): Promise<Outcome> {
  const snapshot = await findSnapshot(app.db, imageId);
  if (snapshot === null) return done;
  const [server, status] = await Promise.all([loadServer(app.db, snapshot.serverId), imageStatus(app.db, imageId)]);
  if (status === "active" || status === "deactivated") return finish(app, snapshot, server, { ok: true });
  if (server === null || server.deleting)
    return finish(app, snapshot, null, { ok: false, message: "The server is gone." });
  if (status === null)
    return finish(app, snapshot, server, { ok: false, message: `Image ${imageId} could not be found.` });
  const nowMs = app.clock.now();
  if (nowMs >= snapshot.createdAt.getTime() + COPY_DEADLINE_MS)
    return finish(app, snapshot, server, { ok: false, message: "The image was not made within the time allowed." });
  if (server.hostLostAt !== null && nowMs >= server.hostLostAt.getTime() + TASK_DEADLINE_MS)
    return finish(app, snapshot, server, { ok: false, message: "The host of the server does not answer." });
  if (status === "saving") return pollAfter(CHECK_MS, "its bytes are on their way");
  try {
    return await bringBytes(app, snapshot, server);
  } catch (error) {
    return whatFollows(app, snapshot, server, error);
  }
}

async function bringBytes(app: App, snapshot: Snapshot, server: Server): Promise<Outcome> {
  const agent = app.agents.client(snapshot.host);
  const { imageId } = snapshot;
  const report =
    (await agent.getExport(imageId)) ??
    (await agent.putExport({
      id: imageId,
      source: { kind: "guestDisk", guestId: server.id, diskId: "root", quiesce: true },
      format: "qcow2",
    }));
  if (report.state === "failed")
    return finish(app, snapshot, server, { ok: false, message: report.fault ?? "The disk could not be copied." });
  if (report.state === "working") return pollAfter(CHECK_MS, "the host is copying the disk");
  await setImageTask(app.db, server.id, "image_uploading");
  const { sizeBytes, data } = await agent.openExport(imageId);
  try {
    await receiveImageFrom(app, { imageId, stream: data, expectedBytes: sizeBytes });
  } finally {
    data.destroy();
  }
  return finish(app, snapshot, server, { ok: true });
}

/** What was cut is begun again; what was refused will be again. */
function whatFollows(app: App, snapshot: Snapshot, server: Server, error: unknown): Promise<Outcome> | Outcome {
  if (!(error instanceof CloudError)) throw error;
  // the host has restarted and knows nothing of it, or the image has just gone: the next turn sees which
  const isCut =
    error.kind === "unavailable" ||
    error.kind === "notFound" ||
    messageOf(error).startsWith("The upload is incomplete");
  // another turn of ours, whose process died, still has it for a moment
  if (isCut || error.kind === "conflict") return pollAfter(1_000, messageOf(error));
  return finish(app, snapshot, server, { ok: false, message: messageOf(error) });
}

async function finish(app: App, snapshot: Snapshot, server: Server | null, end: SnapshotEnd): Promise<Outcome> {
  await transact(app, origin, async (tx) => {
    await endSnapshot(app, tx, snapshot, server, end);
  });
  // the host forgets it by itself, should this get lost
  await app.agents
    .client(snapshot.host)
    .deleteExport(snapshot.imageId)
    .catch((error: unknown) => app.log.warn({ error, image: snapshot.imageId }, "an export stays on its host for now"));
  return done;
}
