/** What a write says in headers of the object to be: type, metadata, headers to answer with, storage class, redirect. Pure. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

import type { ObjectDetails, StoredObject } from "../../namespace/object.model.ts";
import { headerOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { decodeWords, encodeWord, fromWire } from "./mail-words.ts";

const META = "x-amz-meta-";
/** Amazon's limit: names and values of all user metadata together. */
const MAX_METADATA_BYTES = 2048;
const KEPT = ["cache-control", "content-disposition", "content-language", "expires"] as const;
const DEFAULT_TYPE = "binary/octet-stream";

/** By lower-case name without the prefix. */
export function readMetadata(headers: IncomingHttpHeaders): { [name: string]: string } {
  const metadata: { [name: string]: string } = {};
  let bytes = 0;
  for (const name in headers) {
    if (!name.startsWith(META)) continue;
    const value = decodeWords(fromWire(headerOf(headers, name) ?? ""));
    // PostgreSQL keeps no NUL, HTTP allows none
    if (value.includes("\0")) throw s3Error("InvalidArgument", "Metadata may not contain the character NUL");
    metadata[name.slice(META.length)] = value;
    bytes += name.length - META.length + Buffer.byteLength(value);
  }
  if (bytes > MAX_METADATA_BYTES) throw s3Error("MetadataTooLarge");
  return metadata;
}

/** Content-Type, made fit to be sent again. */
export const readContentType = (headers: IncomingHttpHeaders): string => {
  const type = fromWire(headers["content-type"] ?? "").trim();
  return type === "" ? DEFAULT_TYPE : type;
};

/** `aws-chunked` is how the body came, not what it is. */
function contentEncoding(text: string): string {
  if (!/aws-chunked/i.test(text)) return text;
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each.toLowerCase() !== "aws-chunked")
    .join(", ");
}

/** Headers to answer with later. */
export function readKeptHeaders(headers: IncomingHttpHeaders): { [name: string]: string } | undefined {
  let kept: { [name: string]: string } | undefined;
  const keep = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") (kept ??= {})[name] = fromWire(value);
  };
  for (const name of KEPT) keep(name, headerOf(headers, name));
  keep("content-encoding", contentEncoding(headerOf(headers, "content-encoding") ?? ""));
  return kept;
}

const KEPT_AS_STANDARD = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
]);

/** There is one class: those that promise less are kept as it, those that must be thawed are refused. */
export function checkStorageClass(text: string | undefined): void {
  if (text !== undefined && !KEPT_AS_STANDARD.has(text)) throw s3Error("InvalidStorageClass");
}

export function readRedirect(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!/^(\/|https?:\/\/)/.test(text) || text.length > 2048)
    throw s3Error(
      "InvalidArgument",
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
    );
  return fromWire(text);
}

/** Everything of the above at once. */
export function readObjectHeaders(headers: IncomingHttpHeaders): {
  contentType: string;
  metadata: { [name: string]: string };
  details: ObjectDetails;
} {
  checkStorageClass(headerOf(headers, "x-amz-storage-class"));
  const details: ObjectDetails = {};
  const kept = readKeptHeaders(headers);
  if (kept !== undefined) details.headers = kept;
  const redirect = readRedirect(headerOf(headers, "x-amz-website-redirect-location"));
  if (redirect !== undefined) details.redirect = redirect;
  return { contentType: readContentType(headers), metadata: readMetadata(headers), details };
}

/** What ends a header, or may not be in one: fields of forms and of queries can hold it. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** Header values are latin-1 to Node and UTF-8 to everybody: sent as the bytes that were given. */
const toWire = (text: string): string =>
  /^[\t\x20-\x7e]*$/.test(text) ? text : Buffer.from(text.replaceAll(CONTROL, " ")).toString("latin1");

/** Names that an answer can carry. Swift's metadata may have others, which are left out as Amazon does (x-amz-missing-meta). */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** The object's own headers in an answer. */
export function objectHeaders(headers: OutgoingHttpHeaders, object: StoredObject): void {
  headers["content-type"] = toWire(object.contentType);
  let missing = 0;
  for (const name in object.metadata) {
    if (FIELD_NAME.test(name)) headers[META + name] = encodeWord(object.metadata[name] ?? "");
    else missing += 1;
  }
  if (missing > 0) headers["x-amz-missing-meta"] = missing;
  const { headers: kept, redirect } = object.details;
  for (const name in kept) headers[name] = toWire(kept[name] ?? "");
  if (redirect !== undefined) headers["x-amz-website-redirect-location"] = toWire(redirect);
}

const OVERRIDES = [
  ["response-content-type", "content-type"],
  ["response-content-language", "content-language"],
  ["response-expires", "expires"],
  ["response-cache-control", "cache-control"],
  ["response-content-disposition", "content-disposition"],
  ["response-content-encoding", "content-encoding"],
] as const;

/** `response-*` of the query; only for those who signed. */
export function overrideHeaders(
  headers: OutgoingHttpHeaders,
  query: ReadonlyMap<string, string>,
  isAnonymous: boolean,
): void {
  if (query.size === 0) return;
  for (const [name, header] of OVERRIDES) {
    const value = query.get(name);
    if (value === undefined || value === "") continue;
    if (isAnonymous)
      throw s3Error("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.");
    headers[header] = toWire(value);
  }
}
