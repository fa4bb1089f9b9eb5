/** Every object that Swift writes goes through here: what becomes of the one before, the ETag that was promised. */
import { amendAccess } from "../../access-logs/watch.ts";
import type { Container } from "../../namespace/container.model.ts";
import type { PutObject } from "../../namespace/namespace.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { LIMITS } from "../limits.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { keepPrevious } from "../versions/keep-previous.ts";
import { bareEtag } from "../wire/conditional.ts";
import { lastModifiedMs, toHttpDate } from "../wire/http-date.ts";
import { refusal } from "../wire/refusal.ts";
import { withDefaultEncryption } from "./default-encryption.ts";
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
  if (container.settings.versionsLocation !== undefined || container.settings.historyLocation !== undefined)
    await keepPrevious(request, container, write.key);
  const promised = write.etag === undefined ? "" : bareEtag(write.etag).toLowerCase();
  const { key, body, size, contentType, metadata, details, deleteAt } = write;
  const object = await store.namespace.putObject(request.origin, container, {
    key,
    body,
    size,
    maxBytes: write.maxBytes ?? LIMITS.maxFileSize,
    contentType,
    deleteAt,
    metadata,
    details: withDefaultEncryption(container, details),
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
  if (key === request.object) amendAccess(request.exchange, { objectSize: object.size });
  return object;
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
