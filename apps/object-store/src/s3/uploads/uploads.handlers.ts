/** Uploads in parts: begun, listed, aborted. Parts themselves are in `put-part.ts`, the end in `complete-upload.ts`. */
import type { OutgoingHttpHeaders } from "node:http";

import type { ListRange, Upload } from "../../namespace/namespace.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { assertPermitted } from "../authorize/access.ts";
import { checkType, defaultType, parseAlgorithm } from "../body/checksums.ts";
import { type BucketCall, type ObjectCall, headerIn, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { prepareWrite } from "../objects/prepare-write.ts";
import { queryInteger } from "../query.ts";
import { encryptionHeaders } from "../settings/encryption.ts";
import { tag, xmlDocument } from "../xml/write.ts";
import { partsDocument, uploadsDocument } from "./upload.view.ts";

export async function createUpload(call: ObjectCall): Promise<void> {
  const { contentType, metadata, details } = prepareWrite(call);
  const checksums = readChecksum(call);
  if (checksums !== undefined) details.checksums = checksums;
  const upload = await call.store.namespace.createUpload(originOf(call), call.container, {
    key: call.key,
    contentType,
    metadata,
    details,
  });
  const headers: OutgoingHttpHeaders = {};
  encryptionHeaders(headers, details.encryption);
  if (checksums !== undefined) {
    headers["x-amz-checksum-algorithm"] = checksums.algorithm;
    headers["x-amz-checksum-type"] = checksums.type;
  }
  const body = tag("Bucket", call.bucket) + tag("Key", call.key) + tag("UploadId", upload.id);
  sendXml(call, xmlDocument("InitiateMultipartUploadResult", body), 200, headers);
}

/** The value comes with the last part. */
function readChecksum(call: ObjectCall): Upload["details"]["checksums"] {
  const text = headerIn(call, "x-amz-checksum-algorithm");
  const type = headerIn(call, "x-amz-checksum-type");
  if (text === undefined) {
    if (type !== undefined)
      throw s3Error(
        "InvalidRequest",
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
      );
    return undefined;
  }
  const algorithm = parseAlgorithm(text);
  return { algorithm, type: type === undefined ? defaultType(algorithm) : checkType(algorithm, type), value: "" };
}

/** Throws NoSuchUpload. */
export async function getUpload(call: ObjectCall): Promise<Upload> {
  const id = call.query.get("uploadId") ?? "";
  // what no id can look like is not asked about
  const upload = /^[\w.-]{1,128}$/.test(id)
    ? await call.store.namespace.findUpload(call.container, call.key, id)
    : null;
  if (upload === null) throw s3Error("NoSuchUpload");
  return upload;
}

export async function abortUpload(call: ObjectCall): Promise<void> {
  assertPermitted(call, "s3:AbortMultipartUpload", { key: call.key });
  const upload = await getUpload(call);
  await call.store.namespace.abortUpload(originOf(call), call.container, upload);
  sendEmpty(call, 204);
}

export async function listParts(call: ObjectCall): Promise<void> {
  assertPermitted(call, "s3:ListMultipartUploadParts", { key: call.key });
  const upload = await getUpload(call);
  const limit = Math.min(queryInteger(call.query, "max-parts", { min: 0, max: 2 ** 31 - 1, otherwise: 1000 }), 1000);
  const after = queryInteger(call.query, "part-number-marker", { min: 0, max: 2 ** 31 - 1, otherwise: 0 });
  const { parts, truncated } =
    limit === 0 ? { parts: [], truncated: false } : await call.store.namespace.listParts(upload, after, limit);
  const { bucket, container } = call;
  const owner = upload.details.owner ?? container.projectId;
  const page = { bucket, owner, upload, after, limit, parts, truncated };
  sendXml(call, partsDocument({ ...page, isEncoded: isEncoded(call) }));
}

/** `encoding-type=url`; nothing else is known. */
export function isEncoded(call: BucketCall): boolean {
  const text = call.query.get("encoding-type");
  if (text === undefined || text === "") return false;
  if (text.toLowerCase() !== "url") throw s3Error("InvalidArgument", "Invalid Encoding Method specified in Request");
  return true;
}

export async function listUploads(call: BucketCall): Promise<void> {
  assertPermitted(call, "s3:ListBucketMultipartUploads");
  const { query } = call;
  const limit = Math.min(queryInteger(query, "max-uploads", { min: 0, max: 2 ** 31 - 1, otherwise: 1000 }), 1000);
  const keyMarker = query.get("key-marker") ?? "";
  const uploadIdMarker = keyMarker === "" ? "" : (query.get("upload-id-marker") ?? "");
  const range: ListRange & { uploadIdMarker?: string } = { limit };
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  if (prefix !== "") range.prefix = prefix;
  if (delimiter !== "") range.delimiter = delimiter;
  if (keyMarker !== "") range.marker = keyMarker;
  if (uploadIdMarker !== "") range.uploadIdMarker = uploadIdMarker;
  const { entries, truncated } =
    limit === 0 ? { entries: [], truncated: false } : await call.store.namespace.listUploads(call.container, range);
  const { bucket, container } = call;
  const page = { bucket, owner: container.projectId, prefix, delimiter, keyMarker, uploadIdMarker, limit };
  sendXml(call, uploadsDocument({ ...page, entries, truncated, isEncoded: isEncoded(call) }));
}
