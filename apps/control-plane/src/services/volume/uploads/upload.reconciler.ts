/** A volume's bytes to the image service: the agent makes one file of it, the image service takes the file in. */
import { CloudError, messageOf } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../../reconcile/worker.ts";
import { discardImage, imageStatus, receiveImageFrom } from "../../image/public.ts";
import { hostOfPool, isUp } from "../hosts/host.model.ts";
import { listVolumeHosts } from "../hosts/host.queries.ts";
import { tellCustomer } from "../messages/tell-customer.ts";
import { volumeTarget } from "../volumes/volume-access.ts";
import { openVolumeKey } from "../volumes/volume-spec.ts";
import { type Volume, hostOf, restingStatus } from "../volumes/volume.model.ts";
import { findVolume, lockVolume, setStatus } from "../volumes/volume.queries.ts";
import {
  type VolumeUpload,
  deleteUploadRow,
  findUpload,
  listUploadIds,
  listUploadsOf,
  setUploadHost,
  storeUploadReports,
} from "./upload.queries.ts";

const origin = systemOrigin("volume_upload.reconciler");
const POLL_MS = 1_000;
/** A large volume takes its time twice: to be read, and to be taken in. */
const DEADLINE_MS = 2 * 60 * 60_000;

export const uploadReconciler: Reconciler = {
  kind: "volume_upload",
  reconcile: (app, id) => reconcileUpload(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUploadIds(app.db, null) },
};

async function reconcileUpload(app: App, id: string): Promise<Outcome> {
  const upload = await findUpload(app.db, id);
  if (upload === null) return done;
  const [volume, status] = await Promise.all([
    findVolume(app.db, upload.volumeId, null),
    imageStatus(app.db, upload.imageId),
  ]);
  // taken in, or nobody wants it any more
  if (volume === null || status === null || status === "active") return finish(app, upload, null);
  if (upload.observedState === "failed")
    return finish(app, upload, upload.observedFault ?? "The volume could not be read.");
  if (app.clock.now() >= upload.createdAt.getTime() + DEADLINE_MS) {
    return finish(app, upload, "The upload did not end within the time allowed.");
  }
  try {
    return upload.observedState === "ready" ? await send(app, upload) : await make(app, upload, volume);
  } catch (error) {
    return afterFailure(app, upload, error);
  }
}

/** Asks the agent for the file, or how far it is. */
async function make(app: App, upload: VolumeUpload, volume: Volume): Promise<Outcome> {
  const hosts = await listVolumeHosts(app.db);
  const opener = hostOf(volume);
  const kept = upload.host !== null && hosts.some((one) => one.name === upload.host && isUp(one)) ? upload.host : null;
  const host = kept ?? opener ?? (volume.pool === null ? null : hostOfPool(hosts, volume.pool));
  if (host === null) return pollAfter(POLL_MS, "no host that keeps the volume answers");
  await setUploadHost(app.db, upload.id, host);
  const report = await app.agents.client(host).putExport({
    id: upload.id,
    source: { kind: "volume", volumeId: volume.id, snapshotId: null, key: await openVolumeKey(app, volume.id) },
    format: upload.format,
  });
  await storeUploadReports(app.db, [report]);
  if (report.state === "working") return pollAfter(POLL_MS, `host ${host} is reading the volume`);
  return reconcileUpload(app, upload.id);
}

/** The image service counts, inspects and keeps what the agent made. */
async function send(app: App, upload: VolumeUpload): Promise<Outcome> {
  const client = app.agents.client(upload.host ?? "");
  const { sizeBytes, data } = await client.openExport(upload.id);
  try {
    await receiveImageFrom(app, { imageId: upload.imageId, stream: data, expectedBytes: sizeBytes });
  } finally {
    data.destroy();
  }
  return finish(app, upload, null);
}

async function afterFailure(app: App, upload: VolumeUpload, error: unknown): Promise<Outcome> {
  if (!(error instanceof CloudError)) throw error;
  const { kind } = error;
  // an upload of ours that died is still being waited for
  if (kind === "conflict" || kind === "unavailable") return pollAfter(POLL_MS, messageOf(error));
  if (kind === "notFound") {
    // the agent no longer has the file: it is made anew
    await storeUploadReports(app.db, [{ id: upload.id, state: "working", sizeBytes: 0, quiesced: false }]);
    return pollAfter(POLL_MS, messageOf(error));
  }
  if (kind === "tooLarge" || kind === "overQuota" || kind === "invalid") return finish(app, upload, error.message);
  throw error;
}

/** `failure` null: it is there, or no longer wanted. The volume is free again; the agent's file goes. */
async function finish(app: App, upload: VolumeUpload, failure: string | null): Promise<Outcome> {
  if (upload.host !== null) {
    await app.agents
      .client(upload.host)
      .deleteExport(upload.id)
      // an export nobody fetches goes by itself after a day
      .catch((error: unknown) => app.log.info({ error, id: upload.id }, "an export was left to the host"));
  }
  await transact(app, origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await lockVolume(tx.sql, upload.volumeId, null);
    await deleteUploadRow(tx.sql, upload.id);
    if (failure !== null) await discardImage(tx, upload.imageId);
    if (volume === null) return;
    const rest = await listUploadsOf(tx.sql, volume.id);
    if (volume.status === "uploading" && rest.length === 0) {
      await setStatus(tx.sql, volume.id, restingStatus(volume), at, { previousStatus: null });
    }
    if (failure === null) return;
    const { projectId, id: resourceId } = volume;
    await tellCustomer(tx, { projectId, resourceType: "VOLUME", resourceId, action: "uploadImage", text: failure }, at);
    tx.event({ action: "volume.volume.fail", outcome: "failure", reason: failure, target: volumeTarget(volume) });
  });
  return done;
}
