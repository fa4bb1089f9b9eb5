/** `/v1/{account}/{container}`. */
import type { Container } from "../../namespace/container.model.ts";
import type { ContainerChange, ListRange, ListedObject, Page } from "../../namespace/namespace.ts";
import { authorize } from "../acl/caller.ts";
import { assertProject } from "../acl/project-exists.ts";
import { LIMITS } from "../limits.ts";
import { listingFormat, listingRange } from "../listings/listing.params.ts";
import { objectsListing, versionsListing } from "../listings/listing.view.ts";
import { type SwiftRequest, containerNameOf, enterContainer, findContainer } from "../swift-request.ts";
import { openKeys, sealKeys } from "../temp-url/keys.ts";
import { bestMatch } from "../wire/accept.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { checkStoragePolicy, isEmptyChange, readContainerChange } from "./container-change.ts";
import { containerHeaders } from "./container.view.ts";

/** GET and HEAD. */
export async function readContainer(request: SwiftRequest): Promise<Reply> {
  const { store, query, method } = request;
  const wanted = { level: "container", method } as const;
  const { container, access } = await enterContainer(request, containerNameOf(request), wanted);
  const format = listingFormat(query, request.headers);
  const shown = access === "owner" ? await opened(request, container) : container;
  const headers = containerHeaders(shown, await store.namespace.containerUsage(container), access);
  headers["Content-Type"] = `${format}; charset=utf-8`;
  if (query["format"] === undefined) headers["Vary"] = "Accept";
  if (method === "HEAD") return { status: 204, headers };
  const range = listingRange(query);
  if (query["versions"] !== undefined) {
    headers["Content-Type"] = "application/json; charset=utf-8";
    return { status: 200, headers, body: await listVersions(request, container, range) };
  }
  const { entries } = await listObjects(request, container, range);
  const where = { account: `/v1/${request.account}`, container: container.name };
  const body = objectsListing(entries, format, where);
  return body === "" ? { status: 204, headers } : { status: 200, headers, body };
}

/** A page as Swift understands one. */
export async function listObjects(
  { store }: SwiftRequest,
  container: Container,
  { path, ...range }: ListRange & { path?: string },
): Promise<Page<ListedObject>> {
  if (range.limit === 0) return { entries: [], truncated: false };
  const page = await store.namespace.listObjects(container, range);
  if (path === undefined) return page;
  // one level: no prefixes, but objects that are called as one; and not the directory itself
  const entries: Page<ListedObject>["entries"] = [];
  for (const entry of page.entries) {
    if (!("prefix" in entry)) {
      if (entry.key !== path) entries.push(entry);
      continue;
    }
    const { prefix } = entry;
    const below = await store.namespace.listObjects(container, { prefix, limit: 1 });
    const [first] = below.entries;
    if (first !== undefined && "key" in first && first.key === prefix) entries.push(first);
  }
  return { entries, truncated: page.truncated };
}

async function listVersions(request: SwiftRequest, container: Container, range: ListRange): Promise<string> {
  const { store, query } = request;
  if (bestMatch(request.headers.accept, ["application/json"]) === null && query["format"] === undefined)
    throw refusal(406);
  const { version_marker: versionMarker, marker } = query;
  if (versionMarker !== undefined && !marker) throw refusal(400, "version_marker param requires marker");
  if (range.limit === 0) return "[]";
  const at =
    versionMarker === undefined ? null : await store.namespace.findObject(container, marker ?? "", versionMarker);
  const page = await store.namespace.listVersions(container, {
    ...range,
    ...(at === null ? {} : { sequenceMarker: at.sequence }),
  });
  return versionsListing(page.entries);
}

export async function putContainer(request: SwiftRequest): Promise<Reply> {
  const { store, projectId, headers } = request;
  const where = containerNameOf(request);
  const before = await findContainer(request, projectId, where.container);
  await authorize(request, { projectId, container: before, level: "container", method: "PUT" });
  await assertProject(request);
  const bytes = Buffer.byteLength(where.container);
  if (bytes > LIMITS.containerName)
    throw refusal(400, `Container name length of ${bytes} longer than ${LIMITS.containerName}`);
  checkStoragePolicy(headers);
  const change = await readChange(request, before);
  const { created } = await store.namespace.createContainer(request.origin, projectId, where.container, {
    globalName: "try",
    change,
  });
  return { status: created ? 201 : 202, headers: {} };
}

/** Its keys for signed URLs as they were given. */
async function opened({ store }: SwiftRequest, container: Container): Promise<Container> {
  return { ...container, metadata: await openKeys(store, container.projectId, container.metadata) };
}

async function readChange(request: SwiftRequest, before: Container | null): Promise<ContainerChange> {
  const { store, projectId, headers } = request;
  const change = readContainerChange(headers, before === null ? null : await opened(request, before));
  const { metadata } = change;
  return metadata === undefined ? change : { ...change, metadata: await sealKeys(store, projectId, metadata) };
}

export async function postContainer(request: SwiftRequest): Promise<Reply> {
  const wanted = { level: "container", method: "POST" } as const;
  const { container } = await enterContainer(request, containerNameOf(request), wanted);
  const change = await readChange(request, container);
  if (!isEmptyChange(change)) await request.store.namespace.updateContainer(request.origin, container, change);
  return { status: 204, headers: {} };
}

export async function deleteContainer(request: SwiftRequest): Promise<Reply> {
  const wanted = { level: "container", method: "DELETE" } as const;
  const { container } = await enterContainer(request, containerNameOf(request), wanted);
  await request.store.namespace.deleteContainer(request.origin, container);
  return { status: 204, headers: {} };
}
