import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../../reconcile/worker.ts";
import { planImage } from "./image.plan.ts";
import { deleteImageRow, findImageState, listClaimedUploads, listUnsettledImages } from "./image.queries.ts";
import { makeChecksum } from "./late-checksum.ts";
import { releaseUpload } from "./upload.queries.ts";

/** `image/<id>`: ends uploads whose process died, computes what was put off, removes what was deleted. */
export const imageReconciler: Reconciler = {
  kind: "image",
  reconcile: reconcileImage,
  resync: { everyMs: 60_000, ids: (app) => listUnsettledImages(app.db) },
};

async function reconcileImage(app: App, id: string): Promise<Outcome> {
  const image = await findImageState(app.db, id);
  const plan = planImage(image);
  switch (plan.step) {
    case "nothing":
      return done;
    case "wait":
      return pollAfter(plan.ms, "an upload is under way");
    case "undo-upload":
      await transact(app, systemOrigin("image-upload-lapsed"), async (tx) => {
        if (!(await releaseUpload(tx.sql, id, plan.uploadId, { lapsed: true }))) return;
        const reason = "The upload was given up.";
        tx.event({
          action: "image.image.upload",
          outcome: "failure",
          reason,
          target: { type: "image", id, projectId: image?.projectId ?? null },
        });
      });
      await removeUnclaimed(app, id, plan.uploadId);
      return done;
    case "hash":
      await makeChecksum(app, id, plan.uploadId);
      return done;
    case "hash-later":
      return pollAfter(plan.ms, "its checksum is computed once nobody is busy with it");
    case "remove":
      if (plan.uploadId !== null) await app.imageStore.remove({ imageId: id, uploadId: plan.uploadId });
      await deleteImageRow(app.db, id);
      return done;
  }
}

/** Not when the upload turned out to be alive after all. */
async function removeUnclaimed(app: App, imageId: string, uploadId: string): Promise<void> {
  const claimed = await listClaimedUploads(app.db, [uploadId]);
  if (!claimed.has(uploadId)) await app.imageStore.remove({ imageId, uploadId });
}

/**
 * `image-store/sweep`: bytes that no image counts on, whatever left them there. An upload's row names it before
 * anything of it is made, so what is seen before the rows are read, and named by none of them, is nobody's.
 */
export const imageStoreReconciler: Reconciler = {
  kind: "image-store",
  async reconcile(app) {
    await app.imageStore.prepare();
    const uploads = await app.imageStore.list();
    const claimed = await listClaimedUploads(
      app.db,
      uploads.map(({ uploadId }) => uploadId),
    );
    const orphans = uploads.filter(({ uploadId }) => !claimed.has(uploadId));
    for (const orphan of orphans) await app.imageStore.remove(orphan);
    if (orphans.length > 0) app.log.info({ count: orphans.length }, "image bytes that nobody counted on were removed");
    await app.imageStore.tidy(uploads.filter(({ uploadId }) => claimed.has(uploadId)));
    return done;
  },
  resync: { everyMs: 60_000, ids: () => Promise.resolve(["sweep"]) },
};
