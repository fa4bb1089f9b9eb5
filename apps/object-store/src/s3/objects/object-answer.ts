/** Headers that say what an object is: of a write's answer, and of a read's. */
import type { OutgoingHttpHeaders } from "node:http";

import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { checksumHeader } from "../body/checksums.ts";
import { isVersioned } from "../call.ts";
import { encryptionHeaders } from "../settings/encryption.ts";
import { lockHeaders } from "../settings/object-lock.ts";
import { objectHeaders } from "./object-headers.ts";

export const quoted = (etag: string): string => `"${etag}"`;

export function checksumHeaders(headers: OutgoingHttpHeaders, { checksums }: StoredObject["details"]): void {
  if (checksums === undefined) return;
  headers[checksumHeader(checksums.algorithm)] = checksums.value;
  headers["x-amz-checksum-type"] = checksums.type;
}

/** Of a write. */
export function writtenHeaders(container: Container, object: StoredObject): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { etag: quoted(object.etag) };
  if (isVersioned(container)) headers["x-amz-version-id"] = object.versionId;
  encryptionHeaders(headers, object.details.encryption);
  checksumHeaders(headers, object.details);
  return headers;
}

/** Of a read, but for its length. */
export function readHeaders(container: Container, object: StoredObject): OutgoingHttpHeaders {
  const { details } = object;
  const headers: OutgoingHttpHeaders = {
    "last-modified": object.modifiedAt.toUTCString(),
    etag: quoted(details.slo?.etag ?? object.etag),
    "accept-ranges": "bytes",
  };
  objectHeaders(headers, object);
  encryptionHeaders(headers, details.encryption);
  lockHeaders(headers, details);
  if (isVersioned(container)) headers["x-amz-version-id"] = object.versionId;
  if (details.tags !== undefined) {
    const count = Object.keys(details.tags).length;
    if (count > 0) headers["x-amz-tagging-count"] = count;
  }
  if (details.parts !== undefined) headers["x-amz-mp-parts-count"] = details.parts.length;
  return headers;
}
