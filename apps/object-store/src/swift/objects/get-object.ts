/** GET and HEAD of an object. */
import { randomBytes } from "node:crypto";

import { type SwiftRequest, objectNameOf } from "../swift-request.ts";
import { bareEtag, conditionalStatus } from "../wire/conditional.ts";
import { lastModifiedMs, parseHttpDate } from "../wire/http-date.ts";
import { type Body, joinAll } from "../wire/joined.ts";
import { type ByteRange, contentRange, rangesOf } from "../wire/ranges.ts";
import type { Reply, ReplyHeaders } from "../wire/reply.ts";
import { type OpenObject, openObject } from "./open-object.ts";
import { objectHeaders } from "./object.view.ts";
import { manifestReply } from "../large-objects/get-manifest.ts";

export async function getObject(request: SwiftRequest): Promise<Reply> {
  const { query } = request;
  const asManifest = query["multipart-manifest"] === "get";
  const opened = await openObject(request, objectNameOf(request), {
    asManifest,
    followsLinks: query["symlink"] !== "get",
    versionId: query["version-id"] || undefined,
  });
  if (asManifest && query["format"] === "raw" && opened.object.details.slo !== undefined)
    return manifestReply(request, opened);
  return replyWith(request, opened);
}

/** The body, or what conditions and ranges make of it. */
export async function replyWith(request: SwiftRequest, opened: OpenObject): Promise<Reply> {
  const { headers: asked, method } = request;
  const headers = objectHeaders(opened);
  const status = conditionalStatus(asked, {
    etag: opened.etag,
    modifiedMs: lastModifiedMs(opened.object.modifiedAt),
  });
  if (status !== null) {
    delete headers["Content-Length"];
    return { status, headers };
  }
  const { size } = opened;
  if (method === "HEAD") return { status: 200, headers };
  if (size === null) return { status: 200, headers, body: await opened.read(0, Number.POSITIVE_INFINITY) };
  const ranges = holdsRange(request, opened) ? rangesOf(asked.range, size) : null;
  if (ranges === null || (size === 0 && ranges.length > 0))
    return { status: 200, headers, body: size === 0 ? "" : await opened.read(0, size) };
  const [only] = ranges;
  if (only === undefined) {
    delete headers["Content-Length"];
    headers["Content-Range"] = `bytes */${size}`;
    return { status: 416, headers: { ...headers, "Content-Type": "text/html; charset=UTF-8" } };
  }
  if (ranges.length > 1) return multipart(opened, headers, ranges, size);
  headers["Content-Range"] = contentRange(only, size);
  headers["Content-Length"] = only.end - only.start;
  return { status: 206, headers, body: await opened.read(only.start, only.end) };
}

/** If-Range (RFC 9110, section 13.1.5): the range only of what the client knows already. */
function holdsRange({ headers }: SwiftRequest, { etag, object }: OpenObject): boolean {
  const condition = headers["if-range"];
  if (typeof condition !== "string") return true;
  return bareEtag(condition) === etag || parseHttpDate(condition) === lastModifiedMs(object.modifiedAt);
}

function multipart(opened: OpenObject, headers: ReplyHeaders, ranges: ByteRange[], size: number): Reply {
  const boundary = randomBytes(16).toString("hex");
  const heads = ranges.map(
    (range) =>
      `--${boundary}\r\nContent-Type: ${headers["Content-Type"]}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
  );
  const tail = `--${boundary}--`;
  let length = tail.length;
  for (const [index, { start, end }] of ranges.entries()) length += (heads[index]?.length ?? 0) + end - start + 2;
  async function* parts(): AsyncGenerator<Body> {
    for (const [index, { start, end }] of ranges.entries()) {
      yield Buffer.from(heads[index] ?? "", "latin1");
      yield await opened.read(start, end);
      yield Buffer.from("\r\n");
    }
    yield Buffer.from(tail);
  }
  headers["Content-Type"] = `multipart/byteranges;boundary=${boundary}`;
  headers["Content-Length"] = length;
  return { status: 206, headers, body: joinAll(parts()) };
}
