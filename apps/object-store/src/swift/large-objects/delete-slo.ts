/** `DELETE ?multipart-manifest=delete`: the segments, those of large objects among them, and then the manifest. */
import { CloudError } from "@andromede/base/errors";

import { bulkFormat } from "../bulk/bulk.view.ts";
import { type Doomed, deleteReply } from "../bulk/delete-many.ts";
import { LIMITS } from "../limits.ts";
import { findCurrent, getVersion } from "../objects/find-object.ts";
import { type ObjectName, type SwiftRequest, enterContainer } from "../swift-request.ts";
import { refusal, reasonOf, statusOf } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { readManifest } from "./manifest.ts";

export async function deleteSlo(request: SwiftRequest, name: ObjectName): Promise<Reply> {
  const versionId = request.query["version-id"] || undefined;
  await enterContainer(request, name, { level: "object", method: "DELETE", versionId });
  const format = bulkFormat(request.headers.accept);
  return deleteReply(request, format, await segmentsAndAll(request, name));
}

/** In the order in which they are deleted. What cannot be looked into is told, as Swift does, in the answer's list. */
async function segmentsAndAll(request: SwiftRequest, top: ObjectName): Promise<Doomed[]> {
  const versionId = request.query["version-id"] || undefined;
  const waiting: { name: string; isLarge: boolean; versionId?: string | undefined }[] = [
    { name: `${top.container}/${top.object}`, isLarge: true, versionId },
  ];
  const doomed: Doomed[] = [];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (waiting.length > LIMITS.sloSegments * 10) throw refusal(400, "Too many buffered slo segments to delete.");
    if (!next.isLarge) {
      doomed.push({ name: next.name, versionId: next.versionId });
      continue;
    }
    try {
      waiting.push(...(await segmentsOf(request, top.projectId, next.name, next.versionId)));
      waiting.push({ ...next, isLarge: false });
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      const status = statusOf(error);
      doomed.push({ name: next.name, error: { status, message: error.message || reasonOf(status) } });
    }
  }
  return doomed;
}

async function segmentsOf(
  request: SwiftRequest,
  projectId: string,
  path: string,
  versionId: string | undefined,
): Promise<{ name: string; isLarge: boolean }[]> {
  const slash = path.indexOf("/");
  const key = path.slice(slash + 1);
  const where = { projectId, container: path.slice(0, slash), object: key };
  const { container } = await enterContainer(request, where, { level: "object", method: "GET", versionId });
  const object =
    versionId === undefined
      ? await findCurrent(request, container, key)
      : await getVersion(request, container, key, versionId);
  if (object === null) throw refusal(404, "SLO manifest not found");
  // a dynamic one was a segment too: it has none of its own
  if (object.details.slo === undefined) {
    if (object.details.dlo !== undefined || object.details.symlink !== undefined) return [];
    throw refusal(400, "Not an SLO manifest");
  }
  const segments = await readManifest(request, container, object);
  return segments.flatMap((segment) =>
    "data" in segment ? [] : [{ name: segment.name.slice(1), isLarge: segment.sub_slo === true }],
  );
}
