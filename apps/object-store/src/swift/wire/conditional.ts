/** If-Match and its relatives (RFC 9110, section 13), in the order in which Swift looks at them. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import { parseHttpDate } from "./http-date.ts";

/** What the answer is instead of the body, if anything. `etag` is without quotes. */
export function conditionalStatus(
  headers: IncomingHttpHeaders,
  what: { etag: string; modifiedMs: number },
): 304 | 412 | null {
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch !== undefined && names(ifNoneMatch, what.etag)) return 304;
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined && !names(ifMatch, what.etag)) return 412;
  const since = headers["if-modified-since"];
  if (since !== undefined && what.modifiedMs <= parseHttpDate(since)) return 304;
  const unmodified = headers["if-unmodified-since"];
  if (unmodified !== undefined && what.modifiedMs > parseHttpDate(unmodified)) return 412;
  return null;
}

const names = (header: string, etag: string): boolean => etagsOf(header).some((tag) => tag === "*" || tag === etag);

/** The tags of a list, without quotes and without the mark of weak ones. */
export const etagsOf = (header: string): string[] =>
  header
    .split(",")
    .map((tag) => bareEtag(tag.trim()))
    .filter((tag) => tag !== "");

export function bareEtag(tag: string): string {
  const strong = tag.startsWith("W/") ? tag.slice(2) : tag;
  return strong.length > 1 && strong.startsWith('"') && strong.endsWith('"') ? strong.slice(1, -1) : strong;
}
