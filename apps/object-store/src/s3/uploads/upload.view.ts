/** Uploads in parts, as XML. */
import type { Part, Upload } from "../../namespace/namespace.ts";
import { ALGORITHMS, checksumElement } from "../body/checksums.ts";
import { ownerXml } from "../settings/acl.view.ts";
import { uriEncodePath } from "../signature/canonical.ts";
import { isoTime, tag, wrap, xmlDocument } from "../xml/write.ts";

/** `encoding-type=url`: names as in a query, for those that XML cannot carry. */
export const encodeName = (name: string, isEncoded: boolean): string =>
  !isEncoded || PLAIN.test(name) ? name : uriEncodePath(name);

const PLAIN = /^[A-Za-z0-9\-._~/]*$/;

export function partChecksumXml(checksums: Part["checksums"]): string {
  if (checksums === null) return "";
  return ALGORITHMS.map((algorithm) => tag(checksumElement(algorithm), checksums[algorithm])).join("");
}

const partXml = (part: Part): string =>
  wrap(
    "Part",
    tag("PartNumber", part.number) +
      tag("LastModified", isoTime(part.modifiedAt)) +
      tag("ETag", `"${part.etag}"`) +
      tag("Size", part.size) +
      partChecksumXml(part.checksums),
  );

export type PartsPage = {
  bucket: string;
  owner: string;
  upload: Upload;
  after: number;
  limit: number;
  parts: readonly Part[];
  truncated: boolean;
  isEncoded: boolean;
};

export function partsDocument({ bucket, owner, upload, after, limit, parts, truncated, isEncoded }: PartsPage): string {
  const { checksums } = upload.details;
  return xmlDocument(
    "ListPartsResult",
    tag("Bucket", bucket) +
      tag("EncodingType", isEncoded ? "url" : undefined) +
      tag("Key", encodeName(upload.key, isEncoded)) +
      tag("UploadId", upload.id) +
      ownerXml(upload.initiatedBy, "Initiator") +
      ownerXml(owner) +
      tag("StorageClass", "STANDARD") +
      tag("PartNumberMarker", after) +
      tag("NextPartNumberMarker", parts.at(-1)?.number ?? 0) +
      tag("MaxParts", limit) +
      tag("IsTruncated", truncated) +
      tag("ChecksumAlgorithm", checksums?.algorithm) +
      tag("ChecksumType", checksums?.type) +
      parts.map(partXml).join(""),
  );
}

export type UploadsPage = {
  bucket: string;
  owner: string;
  prefix: string;
  delimiter: string;
  keyMarker: string;
  uploadIdMarker: string;
  limit: number;
  entries: readonly (Upload | { prefix: string })[];
  truncated: boolean;
  isEncoded: boolean;
};

export function uploadsDocument(page: UploadsPage): string {
  const name = (text: string): string => encodeName(text, page.isEncoded);
  const last = page.truncated ? page.entries.at(-1) : undefined;
  const nextKey = last === undefined ? undefined : "prefix" in last ? last.prefix : last.key;
  const nextId = last === undefined || "prefix" in last ? undefined : last.id;
  let uploads = "";
  let prefixes = "";
  for (const entry of page.entries) {
    if ("prefix" in entry) prefixes += wrap("CommonPrefixes", tag("Prefix", name(entry.prefix)));
    else uploads += uploadXml(entry, page.owner, name);
  }
  return xmlDocument(
    "ListMultipartUploadsResult",
    tag("Bucket", page.bucket) +
      tag("KeyMarker", name(page.keyMarker)) +
      tag("UploadIdMarker", page.uploadIdMarker) +
      (nextKey === undefined ? "" : tag("NextKeyMarker", name(nextKey)) + tag("NextUploadIdMarker", nextId)) +
      tag("Prefix", name(page.prefix)) +
      (page.delimiter === "" ? "" : tag("Delimiter", name(page.delimiter))) +
      tag("EncodingType", page.isEncoded ? "url" : undefined) +
      tag("MaxUploads", page.limit) +
      tag("IsTruncated", page.truncated) +
      uploads +
      prefixes,
  );
}

function uploadXml(upload: Upload, owner: string, name: (text: string) => string): string {
  const { checksums } = upload.details;
  return wrap(
    "Upload",
    tag("Key", name(upload.key)) +
      tag("UploadId", upload.id) +
      ownerXml(upload.initiatedBy, "Initiator") +
      ownerXml(upload.details.owner ?? owner) +
      tag("StorageClass", "STANDARD") +
      tag("Initiated", isoTime(upload.initiatedAt)) +
      tag("ChecksumAlgorithm", checksums?.algorithm) +
      tag("ChecksumType", checksums?.type),
  );
}
