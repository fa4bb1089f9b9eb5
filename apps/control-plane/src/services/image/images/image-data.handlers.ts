import { CloudError, invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent } from "../../../http/service.ts";
import { openDownload } from "./download-image.ts";
import { readExpectedDigests } from "./expected-digests.ts";
import { imageId } from "./image.handlers.ts";
import { assertStore } from "../store/stores.ts";
import { stageImage, uploadImage } from "./upload-image.ts";

function assertBytes(request: ApiRequest): void {
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/octet-stream") {
    throw new CloudError("invalid", `Invalid content type ${type ?? "(none)"}: application/octet-stream is expected`, {
      status: 415,
    });
  }
}

export async function upload(request: ApiRequest): Promise<Reply> {
  assertBytes(request);
  assertStore(request.headers["x-image-meta-store"]);
  await uploadImage(request, imageId(request), {
    expectedBytes: readLength(request.headers["content-length"]),
    digests: readExpectedDigests(request.headers),
  });
  return noContent();
}

export async function stage(request: ApiRequest): Promise<Reply> {
  assertBytes(request);
  await stageImage(request, imageId(request), readLength(request.headers["content-length"]));
  return noContent();
}

/** null: a chunked body, whose length nobody knows yet. */
function readLength(header: string | undefined): number | null {
  if (header === undefined) return null;
  if (!/^\d{1,15}$/.test(header)) throw invalid("The header Content-Length is malformed", { field: "content-length" });
  return Number(header);
}

export async function download(request: ApiRequest): Promise<Reply> {
  const found = await openDownload(request, imageId(request), request.headers.range);
  if (found === null) return noContent();
  const { write, sizeBytes, range, checksum } = found;
  const length = range === null ? sizeBytes : range.last - range.first + 1;
  return {
    status: range === null ? 200 : 206,
    write,
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(length),
      "accept-ranges": "bytes",
      ...(range === null ? {} : { "content-range": `bytes ${range.first}-${range.last}/${sizeBytes}` }),
      // in hex, as Glance sends it and its client checks it
      ...(checksum === null || range !== null ? {} : { "content-md5": checksum }),
    },
  };
}
