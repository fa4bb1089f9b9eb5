/**
 * PUT of an image's bytes. One short transaction before (the image is being saved, by this upload; the project's quota
 * is promised), the bytes to a place of this upload's own, one short transaction after (the image is active).
 *
 * Killed at any instant, nothing half-made stays: until the last transaction commits the image is `saving` under a
 * lease that somebody alive has to renew, and its bytes belong to nobody else. Once the lease has run out the
 * reconciler puts the image back to `queued` and removes them.
 */
import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";

import { CloudError, conflict, invalid, messageOf, notFound, tooLarge } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { inspectImage } from "../inspection/inspect-image.ts";
import type { ImageBytes } from "../store/bytes-name.ts";
import { hashFile } from "../store/hasher.ts";
import type { Received } from "../store/receive-upload.ts";
import type { ExpectedDigests } from "./expected-digests.ts";
import { lockOwnImage } from "./image-access.ts";
import { imageLimits } from "./image.limits.ts";
import type { Image } from "./image.model.ts";
import { lockImageById } from "./image.queries.ts";
import {
  type UploadedFile,
  activateImage,
  claimUpload,
  keepStaged,
  lockRemainingBytes,
  releaseUpload,
  renewUpload,
} from "./upload.queries.ts";

const RENEW_MS = 4_000;
/** Larger images get their md5, which only old clients look at, right after the answer: it would take as long again. */
export const MD5_AT_ONCE_BYTES = 64 * 1024 * 1024;

/** Somebody's bytes for an image: a customer's, or the cloud's own. */
type Upload = Pick<ApiRequest, "app" | "origin"> & {
  stream: Readable;
  /** The image, held, if whoever uploads may write it. */
  lockImage: (sql: Queryable) => Promise<Image>;
  /** Only kept, for an import to come: what the bytes are is nobody's concern yet. */
  stages?: boolean;
};
type Expected = { expectedBytes: number | null; digests: ExpectedDigests };
type Claim = { image: Image; uploadId: string; maxBytes: number };

const bytesOf = ({ image, uploadId }: Claim): ImageBytes => ({ imageId: image.id, uploadId });

export const uploadImage = (
  request: Pick<ApiRequest, "app" | "actor" | "plane" | "origin" | "stream">,
  id: string,
  expected: Expected,
): Promise<void> => {
  const { app, origin, stream } = request;
  const lockImage = (sql: Queryable) => lockOwnImage(sql, request, id, "upload_image");
  return upload({ app, origin, stream, lockImage }, id, expected);
};

/** `PUT /v2/images/{id}/stage`: the bytes wait for an import. */
export const stageImage = (
  request: Pick<ApiRequest, "app" | "actor" | "plane" | "origin" | "stream">,
  id: string,
  expectedBytes: number | null,
): Promise<void> => {
  const { app, origin, stream } = request;
  const lockImage = (sql: Queryable) => lockOwnImage(sql, request, id, "modify_image");
  return upload({ app, origin, stream, lockImage, stages: true }, id, { expectedBytes, digests: {} });
};

/** What the cloud itself has made (a server's disk, a volume's): whoever may write the image. */
export function uploadMade(app: App, id: string, stream: Readable, expectedBytes: number | null): Promise<void> {
  const lockImage = async (sql: Queryable) => {
    const image = await lockImageById(sql, id);
    if (image === null) throw notFound(`No image found with ID ${id}`);
    return image;
  };
  return upload({ app, origin: systemOrigin("image-upload"), stream, lockImage }, id, { expectedBytes, digests: {} });
}

async function upload(request: Upload, id: string, options: Expected): Promise<void> {
  const claim = await startUpload(request, id, options.expectedBytes);
  try {
    if (request.stages === true) {
      const received = await whileRenewing(request, claim, () => receiveStaged(request, claim, options));
      await finishStaging(request, claim, received);
      return;
    }
    const file = await whileRenewing(request, claim, () => receive(request, claim, options));
    await finishUpload(request, claim, file);
  } catch (error) {
    throw (await undoUpload(request, claim, error)) ? error : goneError(id, error);
  }
}

const goneError = (id: string, cause?: unknown) =>
  new CloudError(
    "conflict",
    `Image ${id} could not be found after upload. The image may have been deleted during the upload.`,
    { status: 410, cause },
  );

async function startUpload(request: Upload, id: string, expectedBytes: number | null): Promise<Claim> {
  const { app } = request;
  const limits = imageLimits(app.config);
  const uploadId = randomBytes(8).toString("hex");
  const status = request.stages === true ? "uploading" : "saving";
  return transact(app, request.origin, async (tx) => {
    const image = await request.lockImage(tx.sql);
    if (image.status !== "queued")
      throw conflict(`Image status transition from ${image.status} to ${status} is not allowed`);
    if (status === "saving") assertFormats(image);
    if ((expectedBytes ?? 0) > limits.maxBytes)
      throw tooLarge(`The incoming image is too large: it exceeds the limit of ${limits.maxBytes} bytes`);
    const quota =
      image.projectId === null
        ? limits.maxBytes
        : await lockRemainingBytes(tx.sql, image.projectId, limits.projectBytes, { except: id });
    if (quota <= 0 || (expectedBytes ?? 0) > quota) throw exceedsQuota(quota);
    await claimUpload(tx.sql, id, uploadId, {
      reservedBytes: expectedBytes ?? 0,
      status,
    });
    // should this process die, the reconciler finds out
    tx.enqueue(`image/${id}`);
    return { image, uploadId, maxBytes: Math.min(limits.maxBytes, quota) };
  });
}

function assertFormats(image: Image): void {
  const missing = [
    ...(image.diskFormat === null ? ["disk_format"] : []),
    ...(image.containerFormat === null ? ["container_format"] : []),
  ];
  if (missing.length > 0)
    throw invalid(
      `Propert${missing.length === 1 ? "y" : "ies"} ${missing.join(", ")} must be set prior to saving data.`,
    );
}

export const exceedsQuota = (left: number) =>
  tooLarge(`Image exceeds the storage quota: ${Math.max(0, left)} bytes are left of it`);

async function receiveBytes(
  { app, stream }: Upload,
  claim: Claim,
  { expectedBytes }: Expected,
): Promise<Received & { path: string }> {
  await app.imageStore.prepare();
  if (expectedBytes !== null) await app.imageStore.ensureRoom(expectedBytes);
  return app.imageStore.receive(bytesOf(claim), stream, { maxBytes: claim.maxBytes, expectedBytes });
}

async function receiveStaged(request: Upload, claim: Claim, options: Expected): Promise<Received> {
  const received = await receiveBytes(request, claim, options);
  await request.app.imageStore.publish(bytesOf(claim));
  return received;
}

async function receive(request: Upload, claim: Claim, options: Expected): Promise<UploadedFile> {
  const { config, imageStore } = request.app;
  const { path, ...received } = await receiveBytes(request, claim, options);
  const md5 =
    received.sizeBytes <= MD5_AT_ONCE_BYTES || options.digests.md5 !== undefined ? await hashFile(path, "md5") : null;
  await checkDigests(options.digests, path, received, md5);
  const inspected = await inspectImage(
    config,
    { path, sizeBytes: received.sizeBytes, diskFormat: claim.image.diskFormat },
    { maxVirtualBytes: imageLimits(config).maxVirtualBytes },
  );
  await imageStore.publish(bytesOf(claim));
  return { ...received, checksum: md5, ...inspected };
}

async function checkDigests(
  expected: ExpectedDigests,
  path: string,
  received: Received,
  md5: string | null,
): Promise<void> {
  const actual = {
    md5,
    sha512: received.sha512,
    sha256: expected.sha256 === undefined ? null : await hashFile(path, "sha256"),
  };
  for (const name of ["md5", "sha256", "sha512"] as const) {
    const wanted = expected[name];
    if (wanted !== undefined && wanted !== actual[name]) {
      throw invalid(
        `The checksum of the data does not match: ${name} ${wanted} was promised, ${actual[name] ?? ""} arrived`,
      );
    }
  }
}

async function whileRenewing<T>(request: Upload, claim: Claim, work: () => Promise<T>): Promise<T> {
  const renew = (): void => {
    renewUpload(request.app.db, claim.image.id, claim.uploadId).catch((error: unknown) =>
      request.app.log.warn({ error, imageId: claim.image.id }, "the lease of an upload was not renewed"),
    );
  };
  const timer = setInterval(renew, RENEW_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

async function finishStaging(request: Upload, claim: Claim, received: Received): Promise<void> {
  const { id, projectId } = claim.image;
  await transact(request.app, request.origin, async (tx) => {
    await assertRoom(request, tx.sql, claim, received.sizeBytes);
    if (!(await keepStaged(tx.sql, id, claim.uploadId, received))) throw goneError(id);
    tx.event({
      action: "image.image.stage",
      target: { type: "image", id, projectId },
      detail: { sizeBytes: received.sizeBytes, sha512: received.sha512 },
    });
    tx.enqueue(`image/${id}`);
  });
}

/** A chunked body's size was not known when it was let in. */
async function assertRoom(request: Upload, sql: Queryable, { image }: Claim, sizeBytes: number): Promise<void> {
  if (image.projectId === null) return;
  const limit = imageLimits(request.app.config).projectBytes;
  const quota = await lockRemainingBytes(sql, image.projectId, limit, { except: image.id });
  if (sizeBytes > quota) throw exceedsQuota(quota);
}

async function finishUpload(request: Upload, claim: Claim, file: UploadedFile): Promise<void> {
  const { id, projectId } = claim.image;
  await transact(request.app, request.origin, async (tx) => {
    await assertRoom(request, tx.sql, claim, file.sizeBytes);
    if (!(await activateImage(tx.sql, id, claim.uploadId, file))) throw goneError(id);
    tx.event({
      action: "image.image.upload",
      target: { type: "image", id, projectId },
      detail: { sizeBytes: file.sizeBytes, sha512: file.sha512 },
    });
    tx.enqueue(`image/${id}`);
  });
}

/**
 * Back to where it was; false when the image was no longer this upload's, so that whatever failed is not the client's
 * doing. What cannot be undone now (the database is away, say) the reconciler undoes later.
 */
async function undoUpload(request: Upload, claim: Claim, error: unknown): Promise<boolean> {
  const { app } = request;
  const { id, projectId } = claim.image;
  try {
    const wasOurs = await transact(app, request.origin, async (tx) => {
      if (!(await releaseUpload(tx.sql, id, claim.uploadId, { lapsed: false }))) return false;
      const reason = error instanceof CloudError && error.kind !== "internal" ? messageOf(error) : "The upload failed.";
      tx.event({ action: "image.image.upload", outcome: "failure", reason, target: { type: "image", id, projectId } });
      tx.enqueue(`image/${id}`);
      return true;
    });
    await app.imageStore.remove(bytesOf(claim));
    return wasOurs;
  } catch (cause) {
    app.log.error({ error: cause, imageId: id }, "an upload could not be undone yet");
    return true;
  }
}
