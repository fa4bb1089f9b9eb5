/** PUT of an object, in its many forms. */
import { putSlo } from "../large-objects/put-slo.ts";
import { type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import { putSymlink } from "../symlinks/put-symlink.ts";
import { restoreVersion } from "../versions/version-id.ts";
import type { Reply } from "../wire/reply.ts";
import { copyInto } from "./copy-object.ts";
import {
  assertObjectName,
  detailsOf,
  one,
  readContentType,
  readGiven,
  readOnlyNew,
  readSize,
} from "./object-headers.ts";
import { createdReply, writeObject } from "./write-object.ts";

export function putObject(request: SwiftRequest): Promise<Reply> {
  const { headers, query } = request;
  if (query["multipart-manifest"] === "put") return putSlo(request);
  if (headers["x-copy-from"]) return copyInto(request);
  if (query["version-id"]) return restoreVersion(request, query["version-id"]);
  if (headers["x-symlink-target"] !== undefined) return putSymlink(request);
  return putBody(request);
}

async function putBody(request: SwiftRequest): Promise<Reply> {
  const { headers, store } = request;
  const name = objectNameOf(request);
  const { container } = await enterContainer(request, name, { level: "object", method: "PUT" });
  const onlyNew = readOnlyNew(headers);
  const size = readSize(headers);
  assertObjectName(name.object);
  const given = readGiven(headers, store.clock.now());
  const contentType = readContentType(headers, name.object);
  const object = await writeObject(request, container, {
    key: name.object,
    body: request.exchange.body(),
    size,
    contentType,
    metadata: given.metadata,
    details: detailsOf(given),
    deleteAt: given.deleteAt,
    etag: one(headers["etag"]),
    onlyNew,
  });
  return createdReply(container, object);
}
