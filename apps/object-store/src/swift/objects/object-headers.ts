/** What the headers of PUT, POST and COPY say of an object. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import { invalid } from "@andromede/base/errors";

import type { ObjectDetails } from "../../namespace/object.model.ts";
import { parseDlo } from "../large-objects/dlo.model.ts";
import { LIMITS } from "../limits.ts";
import { guessContentType } from "../wire/content-type.ts";
import { type Metadata, readMetadata } from "../wire/metadata.ts";
import { refusal } from "../wire/refusal.ts";
import { headerText, isTrue } from "../wire/text.ts";

/** Kept and given back as they are. */
const KEPT = [
  "content-disposition",
  "content-encoding",
  "content-language",
  "cache-control",
  "expires",
  "x-robots-tag",
] as const;
/** Ten digits: what Swift can write. */
const LAST_SECOND = 9_999_999_999;

export type GivenObject = {
  metadata: Metadata;
  /** Only what these headers say. */
  headers: { [name: string]: string };
  deleteAt: Date | null;
  dlo: string | undefined;
};

export function readGiven(headers: IncomingHttpHeaders, nowMs: number): GivenObject {
  if (headers["x-static-large-object"] !== undefined)
    throw invalid(
      "X-Static-Large-Object is a reserved header. To create a static large object add query param multipart-manifest=put.",
    );
  const manifest = headers["x-object-manifest"];
  return {
    metadata: readMetadata(headers, "object"),
    headers: readKept(headers),
    deleteAt: readDeleteAt(headers, nowMs),
    dlo: typeof manifest === "string" ? parseDlo(manifest) : undefined,
  };
}

function readKept(headers: IncomingHttpHeaders): { [name: string]: string } {
  const kept: { [name: string]: string } = {};
  for (const name of KEPT) {
    const value = headers[name];
    if (typeof value !== "string") continue;
    const text = headerText(value);
    if (text === null) throw invalid(`${name} must be valid UTF-8`);
    kept[name] = text;
  }
  return kept;
}

/** X-Delete-After wins, being turned into the other. */
export function readDeleteAt(headers: IncomingHttpHeaders, nowMs: number): Date | null {
  const after = headers["x-delete-after"];
  const at = headers["x-delete-at"];
  if (typeof after === "string") {
    const seconds = integer(after, "Non-integer X-Delete-After");
    if (seconds <= 0) throw invalid("X-Delete-After in past");
    return new Date(Math.min(Math.floor(nowMs / 1000) + seconds, LAST_SECOND) * 1000);
  }
  // an empty one takes it away
  if (typeof at !== "string" || at === "") return null;
  const seconds = Math.min(integer(at, "Non-integer X-Delete-At"), LAST_SECOND);
  if (seconds * 1000 <= nowMs) throw invalid("X-Delete-At in past");
  return new Date(seconds * 1000);
}

function integer(text: string, message: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw invalid(message);
  return Number(text);
}

/** What the client says it is; else what the name says. */
export function readContentType(headers: IncomingHttpHeaders, name: string): string {
  const given = headers["content-type"];
  if (!given || isTrue(one(headers["x-detect-content-type"]))) return guessContentType(name);
  const text = headerText(given);
  if (text === null) throw invalid("Invalid Content-Type");
  return text;
}

export const detailsOf = ({ headers, dlo }: Pick<GivenObject, "headers" | "dlo">): ObjectDetails => ({
  ...(Object.keys(headers).length === 0 ? {} : { headers }),
  ...(dlo === undefined ? {} : { dlo }),
});

/** null: in chunks, of a length that is not known before their end. */
export function readSize(headers: IncomingHttpHeaders): number | null {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked")
      throw refusal(501, `Unsupported Transfer-Coding header value specified in Transfer-Encoding header`);
    return null;
  }
  const length = headers["content-length"];
  if (length === undefined) throw refusal(411, "Missing Content-Length header.");
  const size = Number(length);
  if (size > LIMITS.maxFileSize) throw refusal(413, "Your request is too large.");
  return size;
}

export function assertObjectName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > LIMITS.objectName) throw invalid(`Object name length of ${bytes} longer than ${LIMITS.objectName}`);
}

/** Only `*` makes sense of a PUT, says Swift. */
export function readOnlyNew(headers: IncomingHttpHeaders): boolean {
  const condition = headers["if-none-match"];
  if (condition === undefined) return false;
  if (!condition.split(",").some((tag) => tag.trim() === "*")) throw invalid("If-None-Match only supports *");
  return true;
}

export const one = (value: string | string[] | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;
