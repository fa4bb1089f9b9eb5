/** `PUT ?version-id=`: an earlier version becomes the current one again. */
import { invalid } from "@andromede/base/errors";

import { assertVersioned, getVersion } from "../objects/find-object.ts";
import { readSize } from "../objects/object-headers.ts";
import { createdReply } from "../objects/write-object.ts";
import { type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { copyWhole } from "./copy-whole.ts";

/** It is written anew, as the newest: what S3 does with a copy of a version. */
export async function restoreVersion(request: SwiftRequest, versionId: string): Promise<Reply> {
  const name = objectNameOf(request);
  const { container } = await enterContainer(request, name, { level: "object", method: "PUT" });
  if (container.settings.versioning === undefined) assertVersioned(container, "");
  if (readSize(request.headers) !== 0) throw invalid("PUT version-id requests require a zero byte body");
  const version = await getVersion(request, container, name.object, versionId);
  if (version.isDeleteMarker) throw refusal(404, "The specified version does not exist");
  const object = await copyWhole(request, { container, object: version }, { container, key: name.object });
  return createdReply(container, object);
}
