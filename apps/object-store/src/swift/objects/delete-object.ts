/** DELETE of an object. */
import { deleteSlo } from "../large-objects/delete-slo.ts";
import { type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import type { Reply } from "../wire/reply.ts";
import { removeObject } from "./remove-object.ts";

export async function deleteObject(request: SwiftRequest): Promise<Reply> {
  const name = objectNameOf(request);
  if (request.query["multipart-manifest"] === "delete") return deleteSlo(request, name);
  const { container } = await enterContainer(request, name, { level: "object", method: "DELETE" });
  const headers = await removeObject(request, container, name.object, request.query["version-id"] || undefined);
  return { status: 204, headers };
}
