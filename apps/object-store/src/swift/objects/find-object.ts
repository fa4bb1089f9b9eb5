import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { DELETE_MARKER_TYPE } from "../limits.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";

/** The current one; null when there is none, or its time is up though nobody has removed it yet. */
export async function findCurrent(
  { store }: SwiftRequest,
  container: Container,
  key: string,
): Promise<StoredObject | null> {
  const found = await store.namespace.findObject(container, key);
  if (found === null || (found.deleteAt !== null && found.deleteAt.getTime() <= store.clock.now())) return null;
  return found;
}

/** That version of it. Throws Swift's 404 for one that says "deleted here". */
export async function getVersion(
  { store }: SwiftRequest,
  container: Container,
  key: string,
  versionId: string,
): Promise<StoredObject> {
  assertVersioned(container, versionId);
  const found = await store.namespace.findObject(container, key, versionId);
  if (found === null) throw refusal(404);
  if (!found.isDeleteMarker) return found;
  throw refusal(404, "", { headers: { "X-Object-Version-Id": versionId, "Content-Type": DELETE_MARKER_TYPE } });
}

/** `null` may be asked for anywhere: it names what was written without versioning. */
export function assertVersioned(container: Container, versionId: string): void {
  if (container.settings.versioning !== undefined || versionId === "null") return;
  throw refusal(400, "version-aware operations require that the container is versioned");
}
