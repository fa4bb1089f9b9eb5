/** `?multipart-manifest=get&format=raw`: a manifest that could be put again. */
import { hash } from "node:crypto";

import type { OpenObject } from "../objects/open-object.ts";
import { objectHeaders } from "../objects/object.view.ts";
import type { SwiftRequest } from "../swift-request.ts";
import type { Reply } from "../wire/reply.ts";
import { readManifest } from "./manifest.ts";
import { toRawManifest } from "./slo.model.ts";

export async function manifestReply(request: SwiftRequest, opened: OpenObject): Promise<Reply> {
  const body = toRawManifest(await readManifest(request, opened.container, opened.object));
  const headers = objectHeaders(opened);
  headers["Etag"] = hash("md5", body);
  headers["Content-Length"] = Buffer.byteLength(body);
  return { status: 200, headers, body };
}
