/** What a listing was asked for. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import type { ListRange } from "../../namespace/namespace.ts";
import { LIMITS } from "../limits.ts";
import { bestMatch } from "../wire/accept.ts";
import { refusal } from "../wire/refusal.ts";
import { type Query, isTrue } from "../wire/text.ts";

export type ListingFormat = "text/plain" | "application/json" | "application/xml" | "text/xml";
const FORMATS: ListingFormat[] = ["text/plain", "application/json", "application/xml", "text/xml"];
const BY_NAME: { [name: string]: ListingFormat } = { json: "application/json", xml: "application/xml" };

export function listingFormat(query: Query, headers: IncomingHttpHeaders): ListingFormat {
  const name = query["format"];
  if (name !== undefined && name !== "") return BY_NAME[name.toLowerCase()] ?? "text/plain";
  const found = bestMatch(headers.accept, FORMATS);
  if (found === null) throw refusal(406);
  return found as ListingFormat;
}

export function listingLimit(query: Query): number {
  const given = query["limit"];
  if (given === undefined || !/^\d+$/.test(given)) return LIMITS.listing;
  if (Number(given) > LIMITS.listing) throw refusal(412, `Maximum limit is ${LIMITS.listing}`);
  return Number(given);
}

/** `path` is the older way to ask for one level: what is directly below it, without what only begins so. */
export function listingRange(query: Query): ListRange & { path?: string } {
  const range: ListRange & { path?: string } = { limit: listingLimit(query) };
  const { prefix, delimiter, marker, end_marker: endMarker, path } = query;
  if (prefix) range.prefix = prefix;
  if (delimiter) range.delimiter = delimiter;
  if (marker) range.marker = marker;
  if (endMarker) range.endMarker = endMarker;
  if (isTrue(query["reverse"])) range.reverse = true;
  if (path !== undefined) {
    const below = path === "" ? "" : `${path.replace(/\/+$/, "")}/`;
    range.path = below;
    range.delimiter = "/";
    if (below === "") delete range.prefix;
    else range.prefix = below;
  }
  return range;
}
