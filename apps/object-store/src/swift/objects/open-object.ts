/**
 * An object to be read, whatever it is: links are followed, large objects put together from their segments. Everything that
 * reads goes through here: GET and HEAD, copies, segments of large objects, pages of web sites.
 */
import type { Readable } from "node:stream";

import { CloudError } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { dloShown, readDlo } from "../large-objects/dlo.ts";
import { readManifest } from "../large-objects/manifest.ts";
import { type KeptSegment, inlineBytes, piecesOf } from "../large-objects/slo.model.ts";
import { LIMITS } from "../limits.ts";
import { type ObjectName, type SwiftRequest, enterContainer } from "../swift-request.ts";
import { type Body, joined } from "../wire/joined.ts";
import { refusal, statusOf } from "../wire/refusal.ts";
import { accountOf, projectOf } from "../wire/swift-path.ts";
import { quote } from "../wire/text.ts";
import { findCurrent, getVersion } from "./find-object.ts";
import type { ObjectShown } from "./object.view.ts";

export type OpenObject = ObjectShown & {
  /** From `start` to before `end`. */
  read(start: number, end: number): Promise<Readable | Buffer>;
};

export type Opening = {
  /** false: the link itself. */
  followsLinks: boolean;
  /** true: manifests as they are kept. */
  asManifest: boolean;
  versionId?: string | undefined;
  /** How many large objects this is inside of. */
  depth?: number;
};

/** Throws 401, 403, 404 as Swift does, 409 for what leads nowhere. */
export async function openObject(request: SwiftRequest, name: ObjectName, opening: Opening): Promise<OpenObject> {
  const wanted = { level: "object", method: "GET", versionId: opening.versionId } as const;
  const { container } = await enterContainer(request, name, wanted);
  const object =
    opening.versionId === undefined
      ? await findCurrent(request, container, name.object)
      : await getVersion(request, container, name.object, opening.versionId);
  if (object === null) throw refusal(404);
  if (object.details.symlink === undefined || !opening.followsLinks) return shown(request, container, object, opening);
  return followLinks(request, name, object, opening);
}

async function followLinks(
  request: SwiftRequest,
  name: ObjectName,
  first: StoredObject,
  opening: Opening,
): Promise<OpenObject> {
  let link = first.details.symlink;
  let target = name;
  let location = "";
  for (let hops = 0; link !== undefined; hops += 1) {
    if (hops >= LIMITS.symlinks)
      throw refusal(409, `Too many levels of symbolic links, maximum allowed is ${LIMITS.symlinks}`);
    const projectId = link.account === "" ? target.projectId : (projectOf(link.account) ?? "");
    target = { projectId, container: link.container, object: link.object };
    location = `/v1/${quote(accountOf(projectId))}/${quote(link.container)}/${quote(link.object)}`;
    const opened = await openObject(request, target, { ...opening, versionId: undefined, followsLinks: false });
    const next = opened.object.details.symlink;
    const found = next?.etag ?? opened.etag;
    if (link.etag !== undefined && link.etag !== found) throw brokenLink(found, link.etag, location);
    if (next === undefined) return { ...opened, contentLocation: location };
    link = next;
  }
  throw refusal(404);
}

const brokenLink = (found: string, wanted: string, location: string): CloudError =>
  refusal(409, `Object Etag '${found}' does not match X-Symlink-Target-Etag header '${wanted}'`, {
    headers: { "Content-Location": location },
  });

async function shown(
  request: SwiftRequest,
  container: Container,
  object: StoredObject,
  opening: Opening,
): Promise<OpenObject> {
  const { slo, dlo } = object.details;
  if (slo !== undefined && !opening.asManifest) return openSlo(request, container, object, { slo, opening });
  if (dlo !== undefined && !opening.asManifest) {
    const large = await dloShown(request, container, dlo);
    const shownDlo = { size: large.size, etag: large.etag ?? object.etag };
    return {
      ...plain(request, container, object),
      ...shownDlo,
      kind: large.etag === null ? "plain" : "large",
      read: (start, end) =>
        begin(readDlo(request, large, { start, end }, (segment) => openSegment(request, segment, opening))),
    };
  }
  return plain(request, container, object);
}

function plain(request: SwiftRequest, container: Container, object: StoredObject): OpenObject {
  return {
    container,
    object,
    size: object.size,
    etag: object.etag,
    kind: object.details.slo === undefined ? "plain" : "manifest",
    contentLocation: null,
    read: (start, end) => readOwn(request, container, object, { start, end }),
  };
}

/** An object's own bytes. Those that a customer's own key seals are given to who brings the key, which only S3 has a way to. */
export async function readOwn(
  { store }: SwiftRequest,
  container: Container,
  object: StoredObject,
  range: { start: number; end: number },
): Promise<Readable | Buffer> {
  if (object.details.encryption?.kind === "customer")
    throw refusal(403, "The object is sealed with a key of the customer's own (SSE-C): read it through S3");
  return store.namespace.readObject(container, object, range);
}

function openSlo(
  request: SwiftRequest,
  container: Container,
  object: StoredObject,
  { slo, opening }: { slo: { size: number; etag: string }; opening: Opening },
): OpenObject {
  return {
    ...plain(request, container, object),
    size: slo.size,
    etag: slo.etag,
    kind: "large",
    async read(start, end) {
      const segments = await readManifest(request, container, object);
      return begin(readSlo(request, { projectId: container.projectId, segments }, { start, end }, opening));
    },
  };
}

async function* readSlo(
  request: SwiftRequest,
  { projectId, segments }: { projectId: string; segments: KeptSegment[] },
  range: { start: number; end: number },
  opening: Opening,
): AsyncGenerator<Body> {
  for (const { segment, start, end } of piecesOf(segments, range)) {
    if ("data" in segment) {
      yield inlineBytes(segment.data).subarray(start, end);
      continue;
    }
    const slash = segment.name.indexOf("/", 1);
    const name = { projectId, container: segment.name.slice(1, slash), object: segment.name.slice(slash + 1) };
    const opened = await openSegment(request, name, opening);
    // somebody wrote over a segment since: better no object than a wrong one
    if (opened.etag !== segment.hash || opened.size !== segment.bytes)
      throw refusal(409, `The segment ${segment.name} is not what the manifest says`);
    yield await opened.read(start, end);
  }
}

function openSegment(request: SwiftRequest, name: ObjectName, opening: Opening): Promise<OpenObject> {
  const depth = (opening.depth ?? 0) + 1;
  if (depth > LIMITS.sloDepth) throw refusal(409, "Large objects lie too deep in each other");
  return openObject(request, name, { followsLinks: true, asManifest: false, depth });
}

/** What fails before the first byte can still be said with a status: segments that are not there or not theirs are a 409. */
async function begin(bodies: AsyncGenerator<Body>): Promise<Readable> {
  try {
    return joined(await bodies.next(), bodies);
  } catch (error) {
    if (error instanceof CloudError && [401, 403, 404, 416].includes(statusOf(error)))
      throw refusal(409, "", { cause: error });
    throw error;
  }
}
