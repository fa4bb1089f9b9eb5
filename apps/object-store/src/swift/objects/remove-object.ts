import type { Container } from "../../namespace/container.model.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { popVersion, pushDeletion } from "../versions/previous-versions.ts";
import { refusal } from "../wire/refusal.ts";
import type { ReplyHeaders } from "../wire/reply.ts";
import { assertVersioned, findCurrent } from "./find-object.ts";

/** What a DELETE does where it is in the container. Throws 404 for what is not there. */
export async function removeObject(
  request: SwiftRequest,
  container: Container,
  key: string,
  versionId?: string,
): Promise<ReplyHeaders> {
  const { store } = request;
  const { settings } = container;
  if (versionId === undefined && settings.versionsLocation !== undefined) {
    if (await popVersion(request, container, key)) return {};
  } else if (versionId === undefined && settings.historyLocation !== undefined) {
    await pushDeletion(request, container, key);
  }
  if (versionId !== undefined) assertVersioned(container, versionId);
  const options = versionId === undefined ? {} : { versionId };
  const deleted = await store.namespace.deleteObject(request.origin, container, key, options);
  if (!deleted.existed) throw refusal(404);
  if (settings.versioning === undefined || deleted.versionId === null) return {};
  if (versionId === undefined) return { "X-Object-Version-Id": deleted.versionId };
  const current = await findCurrent(request, container, key);
  return {
    "X-Object-Version-Id": versionId,
    "X-Object-Current-Version-Id": current === null ? "null" : current.versionId,
  };
}
