/** `PUT ?extract-archive=`: every file of an archive becomes an object. */
import { type Readable, Readable as Stream } from "node:stream";
import { createGunzip } from "node:zlib";

import { CloudError } from "@andromede/base/errors";

import { authorize } from "../acl/caller.ts";
import { assertProject } from "../acl/project-exists.ts";
import { LIMITS } from "../limits.ts";
import { assertObjectName, readDeleteAt } from "../objects/object-headers.ts";
import { writeObject } from "../objects/write-object.ts";
import { type SwiftRequest, enterContainer, findContainer, logRequest } from "../swift-request.ts";
import { guessContentType } from "../wire/content-type.ts";
import { assertMetadataFits, readMetadata } from "../wire/metadata.ts";
import { refusal, statusLine, statusOf } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { quote } from "../wire/text.ts";
import { type BulkError, type BulkFormat, bulkBody, bulkFormat, firstBeat } from "./bulk.view.ts";
import { bunzip2 } from "./bunzip2.ts";
import { beating } from "./heartbeat.ts";
import { paxMetadata } from "./tar.model.ts";
import { type TarEntry, brokenTar, entriesOf } from "./tar.ts";

const UNPACK: { readonly [type: string]: (body: Readable) => Readable } = {
  tar: (body) => body,
  "tar.gz": (body) => {
    const plain = createGunzip();
    body.on("error", (error) => plain.destroy(error));
    return body.pipe(plain);
  },
  "tar.bz2": (body) => Stream.from(bunzip2(body), { objectMode: false }),
};
const LONGEST_SHOWN = LIMITS.objectName + LIMITS.containerName + 2;

export function extractArchive(request: SwiftRequest): Promise<Reply> {
  const { headers, query, caller } = request;
  // nobody may write without a token, whatever an ACL says
  if (caller.actor === null) throw refusal(401);
  const type = (query["extract-archive"] ?? "").toLowerCase().replace(/^\.+|\.+$/g, "");
  const unpack = Object.hasOwn(UNPACK, type) ? UNPACK[type] : undefined;
  if (unpack === undefined) throw refusal(400, "Unsupported archive format");
  if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) throw refusal(411);
  const format = bulkFormat(headers.accept);
  const shown = format ?? "text/plain";
  const tally: Tally = { created: 0, containers: 0, errors: [], isOurFault: false };
  const work =
    format === null ? Promise.resolve(told("text/plain", 406, "", tally)) : extract(request, unpack, format, tally);
  return Promise.resolve({ status: 200, headers: { "Content-Type": shown }, body: beating(firstBeat(shown), work) });
}

type Tally = { created: number; containers: number; errors: BulkError[]; isOurFault: boolean };

async function extract(
  request: SwiftRequest,
  unpack: (body: Readable) => Readable,
  format: BulkFormat,
  tally: Tally,
): Promise<string> {
  try {
    // only those who may make containers everywhere learn by this whether there is such a project
    if (request.caller.isReseller) await assertProject(request);
    for await (const entry of entriesOf(unpack(request.exchange.body()))) {
      if (tally.errors.length >= LIMITS.bulkFailures) break;
      if (entry.isFile) await take(request, entry, tally);
    }
  } catch (error) {
    const known = error instanceof CloudError ? error : asBrokenTar(error);
    return told(format, statusOf(known), known.message, tally);
  }
  if (tally.errors.length > 0) return told(format, tally.isOurFault ? 502 : 400, "", tally);
  if (tally.created === 0) return told(format, 400, "Invalid Tar File: No Valid Files", tally);
  return told(format, 201, "", tally);
}

/** zlib's errors say that it was not what it was said to be. */
function asBrokenTar(error: unknown): CloudError {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code?.startsWith("Z_") !== true) throw error;
  return brokenTar("it cannot be unpacked", error) as CloudError;
}

function told(format: BulkFormat, status: number, message: string, tally: Tally): string {
  const result = {
    "Response Status": statusLine(status),
    "Response Body": message,
    "Number Files Created": tally.created,
  };
  return bulkBody(format, result, tally.errors, "extract");
}

async function take(request: SwiftRequest, entry: TarEntry, tally: Tally): Promise<void> {
  const path = pathOf(request, entry.name);
  if (path === null) return;
  const shown = quote(path.slice(0, LONGEST_SHOWN));
  try {
    await store(request, entry, path, tally);
    tally.created += 1;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const status = statusOf(error);
    tally.errors.push([shown, statusLine(status)]);
    if (status === 401) throw error;
    if (status >= 500) tally.isOurFault = true;
  }
}

/** `container/object` below where the archive goes; null for what is not below any container. */
function pathOf({ container, object }: SwiftRequest, name: string): string | null {
  const base = [container, object]
    .filter((part) => part !== null)
    .join("/")
    .replace(/\/+$/, "");
  const inside = name.replace(/^\.\//, "").replace(/^\/+/, "");
  const path = base === "" ? inside : `${base}/${inside}`;
  return path.includes("/") && inside !== "" ? path : null;
}

async function store(request: SwiftRequest, entry: TarEntry, path: string, tally: Tally): Promise<void> {
  const { headers, store: all } = request;
  const slash = path.indexOf("/");
  const where = { projectId: request.projectId, container: path.slice(0, slash) };
  const key = path.slice(slash + 1);
  // names are only names here, but whoever unpacks them again would leave their directory by these
  if (key === "" || path.includes("\0") || path.split("/").includes("..")) throw refusal(400);
  if (entry.size > LIMITS.maxFileSize) throw refusal(413);
  assertObjectName(key);
  const said = paxMetadata(entry.pax);
  const metadata = { ...readMetadata(headers, "object"), ...said.metadata };
  assertMetadataFits({}, metadata);
  const deleteAt = readDeleteAt(headers, all.clock.now());
  await ensureContainer(request, where, tally);
  const { container } = await enterContainer(request, { ...where, object: key }, { level: "object", method: "PUT" });
  await writeObject(request, container, {
    key,
    body: Stream.from(entry.body, { objectMode: false }),
    size: entry.size,
    contentType: said.contentType ?? guessContentType(key),
    metadata,
    details: {},
    deleteAt,
  });
  logRequest(request, container, {
    operation: "SWIFT.EXTRACT_ARCHIVE.OBJECT",
    key,
    objectSize: entry.size,
    outcome: { status: 201, errorCode: null },
  });
}

async function ensureContainer(
  request: SwiftRequest,
  where: { projectId: string; container: string },
  tally: Tally,
): Promise<void> {
  const { projectId, container: name } = where;
  if ((await findContainer(request, projectId, name)) !== null) return;
  await authorize(request, { projectId, container: null, level: "container", method: "PUT" });
  if (tally.containers >= LIMITS.bulkContainers)
    throw refusal(400, `More than ${LIMITS.bulkContainers} containers to create from tar.`);
  if (Buffer.byteLength(name) > LIMITS.containerName) throw refusal(400);
  const { container } = await request.store.namespace.createContainer(request.origin, projectId, name, {
    globalName: "try",
  });
  request.known.set(`${projectId}/${name}`, container);
  tally.containers += 1;
}
