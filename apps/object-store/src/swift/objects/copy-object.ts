/** COPY, and PUT with X-Copy-From. */
import { Readable } from "node:stream";

import { invalid } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import type { ObjectDetails, StoredObject } from "../../namespace/object.model.ts";
import { bodyOf, readManifest } from "../large-objects/manifest.ts";
import { storeSlo } from "../large-objects/put-slo.ts";
import { toRawManifest } from "../large-objects/slo.model.ts";
import { LIMITS } from "../limits.ts";
import { type ObjectName, type SwiftRequest, enterContainer, logRequest, objectNameOf } from "../swift-request.ts";
import { conditionalStatus } from "../wire/conditional.ts";
import { lastModifiedMs, toHttpDate } from "../wire/http-date.ts";
import { showMetadata } from "../wire/metadata.ts";
import { rangesOf } from "../wire/ranges.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply, ReplyHeaders } from "../wire/reply.ts";
import { accountOf, parseObjectName, projectOf } from "../wire/swift-path.ts";
import { isTrue, quote, unquote } from "../wire/text.ts";
import {
  type GivenObject,
  assertObjectName,
  detailsOf,
  one,
  readContentType,
  readGiven,
  readOnlyNew,
} from "./object-headers.ts";
import { type OpenObject, openObject } from "./open-object.ts";
import { createdReply, writeObject } from "./write-object.ts";

/** COPY /v1/{account}/{container}/{object} with Destination. */
export function copyObject(request: SwiftRequest): Promise<Reply> {
  const { headers } = request;
  const destination = one(headers["destination"]);
  if (!destination) throw refusal(412, "Destination header required");
  const name = parseObjectName(destination);
  if (name === null) throw refusal(412, "Destination header must be of the form <container name>/<object name>");
  const account = one(headers["destination-account"]);
  const projectId = account === undefined ? request.projectId : projectInHeader(account);
  return copy(request, objectNameOf(request), { projectId, ...name });
}

/** PUT with X-Copy-From. */
export function copyInto(request: SwiftRequest): Promise<Reply> {
  const { headers } = request;
  if (Number(headers["content-length"] ?? 0) !== 0) throw invalid("Copy requests require a zero byte body");
  const name = parseObjectName(one(headers["x-copy-from"]) ?? "");
  if (name === null) throw refusal(412, "X-Copy-From header must be of the form <container name>/<object name>");
  const account = one(headers["x-copy-from-account"]);
  const projectId = account === undefined ? request.projectId : projectInHeader(account);
  return copy(request, { projectId, ...name }, objectNameOf(request));
}

function projectInHeader(header: string): string {
  const account = unquote(header) ?? "";
  if (account === "") throw refusal(412, "Account name cannot be empty");
  if (account.includes("/")) throw refusal(412, "Account name cannot contain slashes");
  return projectOf(account) ?? "";
}

async function copy(request: SwiftRequest, from: ObjectName, to: ObjectName): Promise<Reply> {
  const { headers, query, store } = request;
  const asManifest = query["multipart-manifest"] === "get";
  const source = await openObject(request, from, {
    asManifest,
    followsLinks: query["symlink"] !== "get",
    versionId: query["version-id"] || undefined,
  });
  const status = conditionalStatus(withoutPut(request), {
    etag: source.etag,
    modifiedMs: lastModifiedMs(source.object.modifiedAt),
  });
  if (status !== null) return { status, headers: { Etag: source.etag } };
  if (source.size === null || source.size > LIMITS.maxFileSize) throw refusal(413);
  const { container } = await enterContainer(request, to, { level: "object", method: "PUT" });
  logOther(request, from, to);
  assertObjectName(to.object);
  const given = mergeGiven(request, source.object, readGiven(headers, store.clock.now()));
  const contentType = headers["content-type"] ? readContentType(headers, to.object) : source.object.contentType;
  const written =
    asManifest && source.object.details.slo !== undefined
      ? await copyManifest(request, source, { container, name: to, contentType, given })
      : await copyBytes(request, source, { container, name: to, contentType, given });
  return createdReply(container, written, copiedHeaders(source, from, written));
}

/** The one of the two that the path does not name. */
function logOther(request: SwiftRequest, from: ObjectName, to: ObjectName): void {
  const isFrom = request.method === "PUT";
  const { projectId, container: name, object: key } = isFrom ? from : to;
  const container = request.known.get(`${projectId}/${name}`) ?? null;
  if (container !== null)
    logRequest(request, container, { operation: `SWIFT.COPY.OBJECT_${isFrom ? "GET" : "PUT"}`, key });
}

/** Of a PUT, `If-None-Match: *` speaks of where it goes, not of where it comes from. */
function withoutPut({ method, headers }: SwiftRequest): SwiftRequest["headers"] {
  if (method !== "PUT") return headers;
  const { "if-none-match": _destination, ...rest } = headers;
  return rest;
}

type Sink = { container: Container; name: ObjectName; contentType: string; given: GivenObject };

/** What the request says is laid over what the source has; with X-Fresh-Metadata it stands alone. */
function mergeGiven({ headers }: SwiftRequest, source: StoredObject, given: GivenObject): GivenObject {
  if (isTrue(one(headers["x-fresh-metadata"]))) return given;
  return {
    ...given,
    metadata: { ...source.metadata, ...given.metadata },
    headers: { ...source.details.headers, ...given.headers },
    deleteAt: given.deleteAt ?? source.deleteAt,
  };
}

async function copyBytes(request: SwiftRequest, source: OpenObject, sink: Sink): Promise<StoredObject> {
  const { headers, query } = request;
  const size = source.size ?? 0;
  const ranges = rangesOf(headers.range, size);
  if (ranges !== null && ranges.length === 0 && size > 0) throw refusal(416);
  const { start, end } = ranges?.[0] ?? { start: 0, end: size };
  const body = end === start ? bodyOf(Buffer.alloc(0)) : await source.read(start, end);
  return writeObject(request, sink.container, {
    key: sink.name.object,
    body: body instanceof Readable ? body : bodyOf(body),
    size: end - start,
    contentType: sink.contentType,
    metadata: sink.given.metadata,
    details: { ...detailsOf(sink.given), ...manifestDetails(source, query) },
    deleteAt: sink.given.deleteAt,
    onlyNew: request.method === "PUT" && readOnlyNew(headers),
  });
}

/** A link or a dynamic manifest that was asked for as such is copied as such. */
function manifestDetails({ object }: OpenObject, query: SwiftRequest["query"]): ObjectDetails {
  const { dlo, symlink } = object.details;
  return {
    ...(dlo !== undefined && query["multipart-manifest"] === "get" ? { dlo } : {}),
    ...(symlink !== undefined && query["symlink"] === "get" ? { symlink } : {}),
  };
}

/** Its segments are looked at anew: they may be in another account. */
async function copyManifest(request: SwiftRequest, source: OpenObject, sink: Sink): Promise<StoredObject> {
  const manifest = toRawManifest(await readManifest(request, source.container, source.object));
  return storeSlo(request, sink.container, {
    name: sink.name,
    manifest,
    contentType: sink.contentType,
    given: sink.given,
  });
}

function copiedHeaders({ container, object }: OpenObject, from: ObjectName, written: StoredObject): ReplyHeaders {
  const headers: ReplyHeaders = {
    "X-Copied-From": quote(`${from.container}/${from.object}`),
    "X-Copied-From-Account": quote(accountOf(from.projectId)),
    "X-Copied-From-Last-Modified": toHttpDate(lastModifiedMs(object.modifiedAt)),
  };
  if (container.settings.versioning !== undefined) headers["X-Copied-From-Version-Id"] = object.versionId;
  showMetadata(headers, written.metadata, "object");
  return headers;
}
