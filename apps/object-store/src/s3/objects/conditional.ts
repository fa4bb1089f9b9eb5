/** Conditional requests: RFC 9110 section 13 for reads; what a write must hold is checked in its own transaction. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import type { Precondition } from "../../namespace/object.model.ts";
import { headerOf } from "../call.ts";
import { s3Error } from "../errors.ts";

/** Names without quotes; S3's clients send some without. */
function etags(text: string): string[] {
  return text.split(",").map((piece) => {
    const plain = piece.trim().replace(/^W\//, "");
    return plain.startsWith('"') && plain.endsWith('"') && plain.length > 1 ? plain.slice(1, -1) : plain;
  });
}

/** A date that cannot be read is as if it had not been sent. */
function dateOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** `prefix`: `x-amz-copy-source-` for the source of a copy. undefined: nothing was asked. */
export function readPrecondition(headers: IncomingHttpHeaders, prefix = ""): Precondition | undefined {
  const match = headerOf(headers, `${prefix}if-match`);
  const noneMatch = headerOf(headers, `${prefix}if-none-match`);
  const modified = dateOf(headerOf(headers, `${prefix}if-modified-since`));
  const unmodified = dateOf(headerOf(headers, `${prefix}if-unmodified-since`));
  if (match === undefined && noneMatch === undefined && modified === undefined && unmodified === undefined)
    return undefined;
  const precondition: Precondition = {};
  if (match !== undefined) precondition.ifMatch = etags(match);
  if (noneMatch !== undefined) precondition.ifNoneMatch = etags(noneMatch);
  if (modified !== undefined) precondition.ifModifiedSince = modified;
  if (unmodified !== undefined) precondition.ifUnmodifiedSince = unmodified;
  return precondition;
}

const names = (list: readonly string[], etag: string): boolean => list.includes("*") || list.includes(etag);

/** HTTP's times are to the second. */
const isAfter = (modifiedAt: Date, time: Date): boolean =>
  Math.floor(modifiedAt.getTime() / 1000) > Math.floor(time.getTime() / 1000);

/** What a read is to be answered with. If-Match outweighs If-Unmodified-Since, If-None-Match If-Modified-Since. */
export function judgeRead(
  precondition: Precondition | undefined,
  object: { etag: string; modifiedAt: Date },
): "ok" | "notModified" | "failed" {
  if (precondition === undefined) return "ok";
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = precondition;
  if (ifMatch !== undefined) {
    if (!names(ifMatch, object.etag)) return "failed";
  } else if (ifUnmodifiedSince !== undefined && isAfter(object.modifiedAt, ifUnmodifiedSince)) return "failed";
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, object.etag) ? "notModified" : "ok";
  return ifModifiedSince !== undefined && !isAfter(object.modifiedAt, ifModifiedSince) ? "notModified" : "ok";
}

/** A copy's source has no 304: what does not hold fails. */
export function assertSource(headers: IncomingHttpHeaders, object: { etag: string; modifiedAt: Date }): void {
  if (judgeRead(readPrecondition(headers, "x-amz-copy-source-"), object) !== "ok") throw s3Error("PreconditionFailed");
}

/** What a write asks for: only ETags count. */
export function readWritePrecondition(headers: IncomingHttpHeaders): Precondition | undefined {
  const asked = readPrecondition(headers);
  if (asked?.ifMatch === undefined && asked?.ifNoneMatch === undefined) return undefined;
  const precondition: Precondition = {};
  if (asked.ifMatch !== undefined) precondition.ifMatch = asked.ifMatch;
  if (asked.ifNoneMatch !== undefined) precondition.ifNoneMatch = asked.ifNoneMatch;
  return precondition;
}

/** If-Range: a range is of the very object that the client has the rest of, or it gets the whole (RFC 9110, 13.1.5). */
export function isRangeWanted(ifRange: string | undefined, object: { etag: string; modifiedAt: Date }): boolean {
  if (ifRange === undefined) return true;
  const date = /^[A-Z][a-z]{2}, /.test(ifRange) ? dateOf(ifRange) : undefined;
  return date === undefined ? names(etags(ifRange), object.etag) : !isAfter(object.modifiedAt, date);
}
