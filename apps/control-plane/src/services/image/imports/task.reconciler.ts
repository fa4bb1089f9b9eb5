/**
 * `image-task/<id>`: takes staged bytes, or fetches them, and makes them the image's. Killed at any instant it is run
 * again from the start: until its last transaction commits the image is `importing`, and bytes belong to the attempt
 * whose name is in the image's row, or to nobody.
 */
import { randomBytes } from "node:crypto";

import { CloudError, invalid, messageOf } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done } from "../../../reconcile/worker.ts";
import { imageLimits } from "../images/image.limits.ts";
import { MD5_AT_ONCE_BYTES, exceedsQuota } from "../images/upload-image.ts";
import { type UploadedFile, activateImage, lockRemainingBytes } from "../images/upload.queries.ts";
import { inspectImage } from "../inspection/inspect-image.ts";
import { hashFile } from "../store/hasher.ts";
import type { Received } from "../store/receive-upload.ts";
import { type ImageTask, isFinished } from "./task.model.ts";
import {
  type ImportState,
  claimAttempt,
  deleteForgottenTasks,
  endTask,
  findImporting,
  findTask,
  listUnfinishedTasks,
  releaseImport,
  startTask,
} from "./task.queries.ts";
import { openUrl } from "./web-download.ts";

export const imageTaskReconciler: Reconciler = {
  kind: "image-task",
  reconcile: reconcileTask,
  resync: {
    everyMs: 60_000,
    async ids(app) {
      await deleteForgottenTasks(app.db);
      return listUnfinishedTasks(app.db);
    },
  },
};

async function reconcileTask(app: App, id: string): Promise<Outcome> {
  const task = await findTask(app.db, id);
  if (task === null || isFinished(task)) return done;
  const image = await findImporting(app.db, task.imageId);
  if (image === null) {
    await finish(app, task, null, "The image is not to be imported any more.");
    return done;
  }
  await startTask(app.db, id);
  try {
    if (task.expiresAt.getTime() <= app.clock.now()) throw invalid("The import was given up.");
    await importImage(app, task, image);
  } catch (error) {
    // what a client could have done better ends the task; anything else is tried again until its time is over
    if (!(error instanceof CloudError) || error.kind === "internal" || error.kind === "unavailable") throw error;
    await finish(app, task, image, messageOf(error));
  }
  return done;
}

/** A task that failed; the image is as it was before anything was uploaded. */
async function finish(app: App, task: ImageTask, image: ImportState | null, message: string): Promise<void> {
  const now = image === null ? null : await findImporting(app.db, image.id);
  await transact(app, systemOrigin("image-import"), async (tx) => {
    await releaseImport(tx.sql, task.imageId);
    await endTask(tx.sql, task.id, { status: "failure", message });
    tx.event({
      action: "image.image.import",
      outcome: "failure",
      reason: message,
      target: { type: "image", id: task.imageId, projectId: task.projectId },
      detail: { task: task.id, method: task.input.method },
    });
  });
  const uploadId = now?.uploadId ?? null;
  if (uploadId !== null) await app.imageStore.remove({ imageId: task.imageId, uploadId });
}

async function importImage(app: App, task: ImageTask, image: ImportState): Promise<void> {
  const { config, imageStore } = app;
  await imageStore.prepare();
  const limits = imageLimits(config);
  const got =
    task.input.method === "web-download" ? await fetchFile(app, task.input.uri, image) : await stagedFile(app, image);
  if (got === null) return;
  const { path, uploadId, received } = got;
  const inspected = await inspectImage(
    config,
    { path, sizeBytes: received.sizeBytes, diskFormat: image.diskFormat },
    { maxVirtualBytes: limits.maxVirtualBytes },
  );
  const checksum = received.sizeBytes <= MD5_AT_ONCE_BYTES ? await hashFile(path, "md5") : null;
  if (!got.isPublished) await imageStore.publish({ imageId: image.id, uploadId });
  await activate(app, task, image, uploadId, { ...received, checksum, ...inspected });
}

/** `isPublished`: staged bytes are where an image's are since they were staged. */
type Got = { path: string; uploadId: string; received: Received; isPublished: boolean };

async function stagedFile({ imageStore }: App, image: ImportState): Promise<Got> {
  const { id, uploadId, stagedBytes, stagedSha512 } = image;
  if (uploadId === null || stagedBytes === null || stagedSha512 === null) throw invalid("Nothing was staged.");
  const received = { sizeBytes: stagedBytes, sha512: stagedSha512 };
  const path = await imageStore.file({ imageId: id, uploadId }).catch((cause: unknown) => {
    if (cause instanceof CloudError && cause.kind === "notFound") throw invalid("The staged data is gone.", { cause });
    throw cause;
  });
  return { path, uploadId, received, isPublished: true };
}

/** null: nobody wants it any more. */
async function fetchFile(app: App, uri: string, image: ImportState): Promise<Got | null> {
  const { config, db, imageStore } = app;
  if (image.uploadId !== null) await imageStore.remove({ imageId: image.id, uploadId: image.uploadId });
  const uploadId = randomBytes(8).toString("hex");
  if (!(await claimAttempt(db, image.id, uploadId))) return null;
  const limits = imageLimits(config);
  const maxBytes = Math.min(limits.maxBytes, await roomFor(app, image));
  const { body, expectedBytes } = await openUrl(uri, config.image?.webDownloadHosts ?? []);
  try {
    if ((expectedBytes ?? 0) > maxBytes) throw exceedsQuota(maxBytes);
    await imageStore.ensureRoom(expectedBytes ?? 0);
    const { path, ...received } = await imageStore.receive({ imageId: image.id, uploadId }, body, {
      maxBytes,
      expectedBytes,
    });
    return { path, uploadId, received, isPublished: false };
  } finally {
    body.destroy();
  }
}

async function roomFor(app: App, image: ImportState): Promise<number> {
  const { projectId } = image;
  if (projectId === null) return Infinity;
  return transact(app, systemOrigin("image-import"), (tx) =>
    lockRemainingBytes(tx.sql, projectId, imageLimits(app.config).projectBytes, { except: image.id }),
  );
}

async function activate(
  app: App,
  task: ImageTask,
  image: ImportState,
  uploadId: string,
  file: UploadedFile,
): Promise<void> {
  const { id, projectId } = image;
  const isOurs = await transact(app, systemOrigin("image-import"), async (tx) => {
    if (projectId !== null) {
      const limit = imageLimits(app.config).projectBytes;
      const quota = await lockRemainingBytes(tx.sql, projectId, limit, { except: id });
      if (file.sizeBytes > quota) throw exceedsQuota(quota);
    }
    if (!(await activateImage(tx.sql, id, uploadId, file))) return false;
    await endTask(tx.sql, task.id, { status: "success", message: "" });
    tx.event({
      action: "image.image.upload",
      target: { type: "image", id, projectId },
      detail: { sizeBytes: file.sizeBytes, sha512: file.sha512, task: task.id },
    });
    tx.enqueue(`image/${id}`);
    return true;
  });
  // deleted, or another attempt's, meanwhile
  if (!isOurs) await app.imageStore.remove({ imageId: id, uploadId });
}
