/** `PUT ?multipart-manifest=put`: the segments are looked at, and what they are is written down. */
import { hash } from "node:crypto";

import { CloudError } from "@andromede/base/errors";

import { type BulkError, type BulkFormat, bulkBody, bulkFormat } from "../bulk/bulk.view.ts";
import { beating } from "../bulk/heartbeat.ts";
import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { LIMITS } from "../limits.ts";
import {
  type GivenObject,
  assertObjectName,
  one,
  readContentType,
  readGiven,
  readOnlyNew,
} from "../objects/object-headers.ts";
import { openObject } from "../objects/open-object.ts";
import { createdReply, writeObject } from "../objects/write-object.ts";
import { type ObjectName, type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import { bareEtag } from "../wire/conditional.ts";
import { lastModifiedMs, toHttpDate, toIsoTime } from "../wire/http-date.ts";
import { errorReply, type Reply } from "../wire/reply.ts";
import { refusal, statusLine, statusOf } from "../wire/refusal.ts";
import { isTrue, quote } from "../wire/text.ts";
import { bodyOf, collectBody } from "./manifest.ts";
import {
  type AskedSegment,
  type KeptSegment,
  etagSource,
  inlineBytes,
  parseManifest,
  segmentRange,
} from "./slo.model.ts";

/** Segments that are looked at side by side. */
const AT_ONCE = 8;

export async function putSlo(request: SwiftRequest): Promise<Reply> {
  const { headers, query, store } = request;
  if (headers["x-copy-from"]) throw refusal(405, "Multipart Manifest PUTs cannot be COPY requests");
  const name = objectNameOf(request);
  const { container } = await enterContainer(request, name, { level: "object", method: "PUT" });
  if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) throw refusal(411);
  assertObjectName(name.object);
  const given = readGiven(headers, store.clock.now());
  const contentType = readContentType(headers, name.object);
  const tooLong = `Manifest File > ${LIMITS.sloManifestBytes} bytes`;
  const manifest = (await collectBody(request, LIMITS.sloManifestBytes, tooLong)).toString();
  const slo = { name, manifest, contentType, given };
  if (!isTrue(query["heartbeat"])) return createdReply(container, await storeSlo(request, container, slo));
  const format = bulkFormat(headers.accept) ?? "text/plain";
  parseManifest(manifest, `${name.container}/${name.object}`);
  return {
    status: 202,
    headers: { "Content-Type": format },
    body: beating(" ", storeToldLater(request, container, slo, format)),
  };
}

export type SloWrite = { name: ObjectName; manifest: string; contentType: string; given: GivenObject };

/** Throws with all that is wrong with the segments, in the client's format. */
export async function storeSlo(request: SwiftRequest, container: Container, slo: SloWrite): Promise<StoredObject> {
  const { headers } = request;
  const { name, given } = slo;
  const asked = parseManifest(slo.manifest, `${name.container}/${name.object}`);
  if (asked.filter(({ kind }) => kind === "path").length > LIMITS.sloSegments)
    throw refusal(413, `Number of object-backed segments must be <= ${LIMITS.sloSegments}`);
  const { segments, size, problems } = await examine(request, name.projectId, asked);
  if (problems.length > 0) {
    const format = bulkFormat(headers.accept) ?? "text/plain";
    throw refusal(400, bulkBody(format, {}, problems, "upload"), { headers: { "Content-Type": format } });
  }
  const etag = hash(
    "md5",
    etagSource(segments, (bytes) => hash("md5", bytes)),
  );
  const promised = bareEtag(one(headers["etag"]) ?? "");
  if (promised !== "" && promised !== etag) throw refusal(422);
  const body = Buffer.from(JSON.stringify(segments));
  return writeObject(request, container, {
    key: name.object,
    body: bodyOf(body),
    size: body.length,
    contentType: slo.contentType,
    metadata: given.metadata,
    details: {
      ...(Object.keys(given.headers).length === 0 ? {} : { headers: given.headers }),
      slo: { size, etag },
    },
    deleteAt: given.deleteAt,
    onlyNew: request.method === "PUT" && readOnlyNew(headers),
  });
}

async function storeToldLater(
  request: SwiftRequest,
  container: Container,
  slo: SloWrite,
  format: BulkFormat,
): Promise<string> {
  try {
    const object = await storeSlo(request, container, slo);
    const result = {
      "Response Status": statusLine(201),
      "Response Body": "",
      Etag: `"${object.details.slo?.etag ?? ""}"`,
      "Last Modified": toHttpDate(lastModifiedMs(object.modifiedAt)),
    };
    return bulkBody(format, result, [], "upload");
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const { body } = errorReply(error, request.account);
    const result = {
      "Response Status": statusLine(statusOf(error)),
      "Response Body": typeof body === "string" ? body : "",
    };
    return bulkBody(format, result, [], "upload");
  }
}

type Examined = { segments: KeptSegment[]; size: number; problems: BulkError[] };

async function examine(request: SwiftRequest, projectId: string, asked: AskedSegment[]): Promise<Examined> {
  const result: Examined = { segments: [], size: 0, problems: [] };
  const seen: Looked[] = [];
  for (let from = 0; from < asked.length; from += AT_ONCE) {
    const few = asked.slice(from, from + AT_ONCE);
    seen.push(...(await Promise.all(few.map((segment) => look(request, projectId, segment)))));
  }
  for (const [index, segment] of asked.entries()) {
    if (segment.kind === "data") {
      result.size += inlineBytes(segment.data).length;
      result.segments.push({ data: segment.data });
      continue;
    }
    const found = seen[index];
    if (found !== undefined) keep(result, segment, found, index === asked.length - 1);
  }
  return result;
}

type Looked = Exclude<KeptSegment, { data: string }> | string | undefined;
type PathSegment = Extract<AskedSegment, { kind: "path" }>;

/** What a segment is, or the status that it answered with. */
async function look(request: SwiftRequest, projectId: string, segment: AskedSegment): Promise<Looked> {
  if (segment.kind === "data") return undefined;
  const path = segment.path.replace(/^\/+/, "");
  const slash = path.indexOf("/");
  const name = { projectId, container: path.slice(0, slash), object: path.slice(slash + 1) };
  try {
    const opened = await openObject(request, name, { followsLinks: true, asManifest: false });
    if (opened.size === null) return statusLine(413);
    return {
      name: `/${path}`,
      bytes: opened.size,
      hash: opened.etag,
      content_type: opened.object.contentType,
      last_modified: toIsoTime(opened.object.modifiedAt),
      ...(opened.kind === "large" ? { sub_slo: true as const } : {}),
    };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return statusLine(statusOf(error));
  }
}

function keep(result: Examined, asked: PathSegment, found: Exclude<Looked, undefined>, isLast: boolean): void {
  const quoted = quote(asked.path);
  const problem = (what: string): unknown => result.problems.push([quoted, what]);
  if (typeof found === "string") {
    problem(found);
    return;
  }
  const range = segmentRange(asked.range, found.bytes);
  if (range === null) problem("Unsatisfiable Range");
  const length = range === null ? 0 : range.end - range.start;
  if (range !== null && length < 1 && !isLast) problem("Too small; each segment must be at least 1 byte.");
  if (asked.sizeBytes !== null && asked.sizeBytes !== found.bytes) problem("Size Mismatch");
  if (asked.etag !== null && bareEtag(asked.etag) !== found.hash) problem("Etag Mismatch");
  result.size += length;
  const isWhole = range === null || length === found.bytes;
  result.segments.push(isWhole ? found : { ...found, range: `${range.start}-${range.end - 1}` });
}
