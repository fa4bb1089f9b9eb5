/** DELETE of an object. */
import { deleteSlo } from "../large-objects/delete-slo.ts";
import { type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import type { Reply } from "../wire/reply.ts";
import { removeObject } from "./remove-object.ts";

export async function deleteObject(request: SwiftRequest): Promise<Reply> {
  const name = objectNameOf(request);
  if (request.query["multipart-manifest"] === "delete") return deleteSlo(request, name);
  const versionId = request.query["version-id"] || undefined;
  const { container } = await enterContainer(request, name, { level: "object", method: "DELETE", versionId });
  const headers = await removeObject(request, container, name.object, versionId);
  return { status: 204, headers };
}
