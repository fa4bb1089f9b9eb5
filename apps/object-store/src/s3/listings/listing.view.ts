/** Listings as XML. A page of 1,000 is one string, made in one go. */
import type { ListedObject } from "../../namespace/namespace.ts";
import { ownerXml } from "../settings/acl.view.ts";
import { encodeName } from "../uploads/upload.view.ts";
import { escapeXml, isoTime, tag, xmlDocument } from "../xml/write.ts";

type Entries = readonly (ListedObject | { prefix: string })[];

export type ListingHead = {
  bucket: string;
  owner: string;
  prefix: string;
  delimiter: string;
  limit: number;
  truncated: boolean;
  isEncoded: boolean;
  entries: Entries;
};

const objectXml = (entry: ListedObject, name: string, owner: string): string =>
  `<Contents><Key>${name}</Key><LastModified>${isoTime(entry.modifiedAt)}</LastModified><ETag>&quot;${
    entry.slo?.etag ?? entry.etag
  }&quot;</ETag><Size>${entry.slo?.size ?? entry.size}</Size>${owner}<StorageClass>STANDARD</StorageClass></Contents>`;

/** `fetchesOwner`: v1 always says whose an object is, v2 when it is asked. */
function entriesXml({ entries, owner, isEncoded }: ListingHead, fetchesOwner: boolean): string {
  const usual = fetchesOwner ? ownerXml(owner) : "";
  let objects = "";
  let prefixes = "";
  for (const entry of entries) {
    if ("prefix" in entry)
      prefixes += `<CommonPrefixes><Prefix>${escapeXml(encodeName(entry.prefix, isEncoded))}</Prefix></CommonPrefixes>`;
    else {
      const own = fetchesOwner && entry.owner !== undefined ? ownerXml(entry.owner) : usual;
      objects += objectXml(entry, escapeXml(encodeName(entry.key, isEncoded)), own);
    }
  }
  return objects + prefixes;
}

function headXml({ bucket, prefix, delimiter, limit, truncated, isEncoded }: ListingHead): string {
  return (
    tag("Name", bucket) +
    tag("Prefix", encodeName(prefix, isEncoded)) +
    (delimiter === "" ? "" : tag("Delimiter", encodeName(delimiter, isEncoded))) +
    tag("MaxKeys", limit) +
    (isEncoded ? tag("EncodingType", "url") : "") +
    tag("IsTruncated", truncated)
  );
}

export const lastName = (entries: Entries): string | undefined => {
  const last = entries.at(-1);
  return last === undefined ? undefined : "prefix" in last ? last.prefix : last.key;
};

export function listDocument(head: ListingHead, marker: string): string {
  const next = head.truncated && head.delimiter !== "" ? lastName(head.entries) : undefined;
  return xmlDocument(
    "ListBucketResult",
    headXml(head) +
      tag("Marker", encodeName(marker, head.isEncoded)) +
      (next === undefined ? "" : tag("NextMarker", encodeName(next, head.isEncoded))) +
      entriesXml(head, true),
  );
}

export function listV2Document(
  head: ListingHead,
  more: { startAfter: string; token: string | undefined; nextToken: string | undefined; fetchesOwner: boolean },
): string {
  return xmlDocument(
    "ListBucketResult",
    headXml(head) +
      tag("KeyCount", head.entries.length) +
      tag("ContinuationToken", more.token) +
      tag("NextContinuationToken", more.nextToken) +
      (more.startAfter === "" ? "" : tag("StartAfter", encodeName(more.startAfter, head.isEncoded))) +
      entriesXml(head, more.fetchesOwner),
  );
}

/** Where a list of versions goes on: inside a key, behind a version. */
export const versionMarker = (entry: ListedObject): string => `${entry.sequence}.${entry.versionId}`;

export function versionsDocument(head: ListingHead, markers: { key: string; version: string }): string {
  const { entries, truncated, isEncoded } = head;
  const last = truncated ? entries.at(-1) : undefined;
  const next =
    last === undefined
      ? ""
      : "prefix" in last
        ? tag("NextKeyMarker", encodeName(last.prefix, isEncoded))
        : tag("NextKeyMarker", encodeName(last.key, isEncoded)) + tag("NextVersionIdMarker", versionMarker(last));
  let versions = "";
  let prefixes = "";
  for (const entry of entries) {
    if ("prefix" in entry)
      prefixes += `<CommonPrefixes><Prefix>${escapeXml(encodeName(entry.prefix, isEncoded))}</Prefix></CommonPrefixes>`;
    else versions += versionXml(entry, escapeXml(encodeName(entry.key, isEncoded)), entry.owner ?? head.owner);
  }
  return xmlDocument(
    "ListVersionsResult",
    headXml(head) +
      tag("KeyMarker", encodeName(markers.key, isEncoded)) +
      tag("VersionIdMarker", markers.version) +
      next +
      versions +
      prefixes,
  );
}

function versionXml(entry: ListedObject, name: string, owner: string): string {
  const element = entry.isDeleteMarker ? "DeleteMarker" : "Version";
  const body = entry.isDeleteMarker
    ? ""
    : `<ETag>&quot;${entry.slo?.etag ?? entry.etag}&quot;</ETag><Size>${
        entry.slo?.size ?? entry.size
      }</Size><StorageClass>STANDARD</StorageClass>`;
  return `<${element}><Key>${name}</Key><VersionId>${escapeXml(entry.versionId)}</VersionId><IsLatest>${String(
    entry.isLatest,
  )}</IsLatest><LastModified>${isoTime(entry.modifiedAt)}</LastModified>${body}${ownerXml(owner)}</${element}>`;
}
