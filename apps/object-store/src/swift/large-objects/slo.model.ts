/** Static large objects: a manifest as clients write it, as it is kept, and what it adds up to. Pure. */
import { invalid } from "@andromede/base/errors";
import { isObject } from "@andromede/base/json";

import { type ByteRange, parseRanges, resolve } from "../wire/ranges.ts";

/** As clients write it. */
export type AskedSegment =
  | { kind: "path"; path: string; etag: string | null; sizeBytes: number | null; range: string | null }
  | { kind: "data"; data: string };

/** As it is kept, and shown to `multipart-manifest=get`: Swift's own form. */
export type KeptSegment =
  | {
      name: string;
      bytes: number;
      hash: string;
      content_type: string;
      last_modified: string;
      range?: string;
      sub_slo?: true;
    }
  | { data: string };

const KEYS = new Set(["path", "range", "etag", "size_bytes"]);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Every mistake at once, each on a line with its index, as Swift does it. `own`: `container/object` of the manifest. */
export function parseManifest(text: string, own: string): AskedSegment[] {
  const given = parse(text);
  const errors: string[] = [];
  const segments: AskedSegment[] = [];
  for (const [index, item] of given.entries()) {
    const segment = parseSegment(item, { isLast: index === given.length - 1, own });
    if (typeof segment === "string") errors.push(`Index ${index}: ${segment}`);
    else segments.push(segment);
  }
  if (errors.length === 0 && segments.length > 0 && segments.every(({ kind }) => kind === "data"))
    errors.push("Inline data segments require at least one object-backed segment.");
  if (errors.length > 0) throw invalid(`${errors.join("\n")}\n`);
  return segments;
}

function parse(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid("Manifest must be valid JSON.\n", { cause });
  }
  if (!Array.isArray(value)) throw invalid("Manifest must be a list.\n");
  return value;
}

function parseSegment(item: unknown, where: { isLast: boolean; own: string }): AskedSegment | string {
  if (!isObject(item)) return "not a JSON object";
  if ("data" in item) return parseData(item);
  if ("path" in item) return parsePathSegment(item, where);
  return "expected keys to include one of 'data' or 'path'";
}

function extraneous(item: { [name: string]: unknown }, allowed: ReadonlySet<string>): string | null {
  const names = Object.keys(item).filter((name) => !allowed.has(name));
  return names.length === 0
    ? null
    : `extraneous keys ${names
        .toSorted()
        .map((name) => JSON.stringify(name))
        .join(", ")}`;
}

function parseData(item: { [name: string]: unknown }): AskedSegment | string {
  const extra = extraneous(item, new Set(["data"]));
  if (extra !== null) return extra;
  const { data } = item;
  if (typeof data !== "string" || !BASE64.test(data)) return "data must be valid base64";
  return data === "" ? "too small; each segment must be at least 1 byte." : { kind: "data", data };
}

function parsePathSegment(
  item: { [name: string]: unknown },
  where: { isLast: boolean; own: string },
): AskedSegment | string {
  const extra = extraneous(item, KEYS);
  if (extra !== null) return extra;
  const { path, etag = null } = item;
  if (typeof path !== "string") return '"path" must be a string';
  if (etag !== null && typeof etag !== "string") return '"etag" must be a string or null (if provided)';
  const wrong = checkSegmentPath(path, where.own);
  if (wrong !== null) return wrong;
  const sizeBytes = parseSize(item["size_bytes"]);
  if (sizeBytes === undefined) return "invalid size_bytes";
  if (sizeBytes === 0 && !where.isLast) return "too small; each segment must be at least 1 byte.";
  const range = parseSegmentRange(item["range"], sizeBytes);
  if (range !== null && "wrong" in range) return range.wrong;
  return { kind: "path", path, etag, sizeBytes, range: range?.text ?? null };
}

function checkSegmentPath(path: string, own: string): string | null {
  const name = path.replace(/^\/+/, "");
  if (!name.replace(/\/+$/, "").includes("/"))
    return "path does not refer to an object. Path must be of the form /container/object.";
  if (name.includes("\0") || !name.isWellFormed()) return "path does not refer to an object.";
  return name === own ? "manifest must not include itself as a segment" : null;
}

/** undefined: no number. */
function parseSize(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return null;
  const size = typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  return typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

function parseSegmentRange(value: unknown, size: number | null): { text: string } | { wrong: string } | null {
  if (value === undefined || value === null || value === "") return null;
  const specs = typeof value === "string" ? parseRanges(`bytes=${value}`) : null;
  if (typeof value !== "string" || specs === null) return { wrong: "invalid range" };
  if (specs.length > 1) return { wrong: "multiple ranges (only one allowed)" };
  if (size !== null && resolve(specs, size).length !== 1) return { wrong: "unsatisfiable range" };
  return { text: value };
}

/** What a segment's `range` means once its size is known; null: nothing of it is there. */
export function segmentRange(range: string | null, size: number): ByteRange | null {
  if (range === null) return { start: 0, end: size };
  return resolve(parseRanges(`bytes=${range}`) ?? [], size)[0] ?? null;
}

/** Which bytes of what it names a kept segment stands for. */
export function keptRange(segment: Exclude<KeptSegment, { data: string }>): ByteRange {
  const [first, last] = (segment.range ?? "").split("-");
  return segment.range === undefined
    ? { start: 0, end: segment.bytes }
    : { start: Number(first), end: Number(last) + 1 };
}

export const inlineBytes = (data: string): Buffer => Buffer.from(data, "base64");

export function keptLength(segment: KeptSegment): number {
  if ("data" in segment) return inlineBytes(segment.data).length;
  const { start, end } = keptRange(segment);
  return end - start;
}

/** What the large object's ETag is the MD5 of. `md5` is of inline data's bytes. */
export function etagSource(segments: KeptSegment[], md5: (bytes: Buffer) => string): string {
  let source = "";
  for (const segment of segments) {
    if ("data" in segment) source += md5(inlineBytes(segment.data));
    else source += segment.range === undefined ? segment.hash : `${segment.hash}:${segment.range};`;
  }
  return source;
}

/** `format=raw`: as a client would write it. Keys in order, as Swift sorts them. */
export function toRawManifest(segments: KeptSegment[]): string {
  return JSON.stringify(
    segments.map((segment) => {
      if ("data" in segment) return { data: segment.data };
      const { hash, name, range, bytes } = segment;
      return { etag: hash, path: name, ...(range === undefined ? {} : { range }), size_bytes: bytes };
    }),
  );
}

/** The pieces of a large object that hold its bytes from `start` to before `end`, with what is meant of each. */
export function* piecesOf(
  segments: KeptSegment[],
  { start, end }: ByteRange,
): Generator<{ segment: KeptSegment; start: number; end: number }> {
  let at = 0;
  for (const segment of segments) {
    const length = keptLength(segment);
    const from = Math.max(start, at) - at;
    const to = Math.min(end, at + length) - at;
    const offset = "data" in segment ? 0 : keptRange(segment).start;
    if (to > from) yield { segment, start: offset + from, end: offset + to };
    at += length;
    if (at >= end) return;
  }
}
