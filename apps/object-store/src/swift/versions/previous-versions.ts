/** What DELETE means where earlier versions are kept in another container: Swift's older versioning, in both its modes. */
import { conflict } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import { bodyOf } from "../large-objects/manifest.ts";
import { DELETE_MARKER_TYPE } from "../limits.ts";
import { findCurrent } from "../objects/find-object.ts";
import { type SwiftRequest, findContainer } from "../swift-request.ts";
import { copyWhole } from "./copy-whole.ts";
import { keepPrevious, versionsContainer } from "./keep-previous.ts";
import { versionName, versionsPrefix } from "./names.model.ts";

/** Restores the newest of what was written over. false: there is none, so that the object itself is to be deleted. */
export async function popVersion(request: SwiftRequest, container: Container, key: string): Promise<boolean> {
  const { namespace } = request.store;
  const versions = await findContainer(request, container.projectId, container.settings.versionsLocation ?? "");
  if (versions === null) return false;
  const listed = await namespace.listObjects(versions, { prefix: versionsPrefix(key), reverse: true, limit: 2 });
  const names = listed.entries.flatMap((entry) => ("key" in entry ? [entry] : []));
  const [newest, before] = names;
  if (newest === undefined) return false;
  if (newest.contentType !== DELETE_MARKER_TYPE) {
    await restore(request, versions, newest.key, { container, key });
    return true;
  }
  // the container was in the other mode once: what its newest word says was deleted may have been written anew since
  if ((await findCurrent(request, container, key)) !== null) return false;
  if (before !== undefined && before.contentType !== DELETE_MARKER_TYPE)
    await restore(request, versions, before.key, { container, key });
  await namespace.deleteObject(request.origin, versions, newest.key);
  return true;
}

async function restore(
  request: SwiftRequest,
  versions: Container,
  name: string,
  to: { container: Container; key: string },
): Promise<void> {
  const object = await findCurrent(request, versions, name);
  if (object === null) throw conflict("A version went away while it was restored");
  await copyWhole(request, { container: versions, object }, to);
  await request.store.namespace.deleteObject(request.origin, versions, name);
}

/** X-History-Location: nothing is lost by deleting, and that it was deleted is written down too. */
export async function pushDeletion(request: SwiftRequest, container: Container, key: string): Promise<void> {
  const { store } = request;
  const versions = await versionsContainer(request, container);
  await keepPrevious(request, container, key);
  const now = new Date(store.clock.now());
  await store.namespace.putObject(request.origin, versions, {
    key: versionName(key, now, 99),
    body: bodyOf(Buffer.alloc(0)),
    size: 0,
    maxBytes: 0,
    contentType: DELETE_MARKER_TYPE,
    deleteAt: null,
    metadata: {},
    details: {},
    digests: ["md5"],
  });
}
