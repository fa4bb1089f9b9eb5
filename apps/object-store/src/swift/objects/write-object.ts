/** Every object that Swift writes goes through here: the room for it, what becomes of the one before, the ETag that was promised. */
import { overQuota } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import type { PutObject } from "../../namespace/namespace.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { LIMITS } from "../limits.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { keepPrevious } from "../versions/keep-previous.ts";
import { bareEtag } from "../wire/conditional.ts";
import { lastModifiedMs, toHttpDate } from "../wire/http-date.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply, ReplyHeaders } from "../wire/reply.ts";

export type ObjectWrite = Pick<
  PutObject,
  "key" | "body" | "size" | "contentType" | "metadata" | "details" | "deleteAt"
> & {
  /** As the client promised it. */
  etag?: string | undefined;
  /** If-None-Match: *. */
  onlyNew?: boolean;
  maxBytes?: number;
};

export async function writeObject(
  request: SwiftRequest,
  container: Container,
  write: ObjectWrite,
): Promise<StoredObject> {
  const { store } = request;
  await assertRoom(request, container, write.size ?? 0);
  if (container.settings.versionsLocation !== undefined || container.settings.historyLocation !== undefined)
    await keepPrevious(request, container, write.key);
  const promised = write.etag === undefined ? "" : bareEtag(write.etag).toLowerCase();
  const { key, body, size, contentType, metadata, details, deleteAt } = write;
  return store.namespace.putObject(request.origin, container, {
    key,
    body,
    size,
    maxBytes: write.maxBytes ?? LIMITS.maxFileSize,
    contentType,
    deleteAt,
    metadata,
    details,
    digests: ["md5"],
    ...(promised === ""
      ? {}
      : {
          check({ digests }) {
            if (digests.md5 !== promised) throw refusal(422);
          },
        }),
    ...(write.onlyNew === true ? { precondition: { ifNoneMatch: ["*"] } } : {}),
  });
}

/** Says so before a large body has come, where it can be known. What counts is the look in the transaction that stores it. */
async function assertRoom({ store }: SwiftRequest, container: Container, size: number): Promise<void> {
  const { quotaBytes, quotaObjects } = container;
  if (quotaBytes === null && quotaObjects === null) return;
  const usage = await store.namespace.containerUsage(container);
  if (
    (quotaBytes !== null && usage.bytes + size > quotaBytes) ||
    (quotaObjects !== null && usage.objects >= quotaObjects)
  )
    throw overQuota("Upload exceeds quota.");
}

export function createdReply(container: Container, object: StoredObject, more: ReplyHeaders = {}): Reply {
  const headers: ReplyHeaders = {
    ...more,
    Etag: object.details.slo === undefined ? object.etag : `"${object.details.slo.etag}"`,
    "Last-Modified": toHttpDate(lastModifiedMs(object.modifiedAt)),
  };
  if (container.settings.versioning !== undefined) headers["X-Object-Version-Id"] = object.versionId;
  return { status: 201, headers };
}
