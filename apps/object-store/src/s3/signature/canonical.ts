/**
 * AWS Signature Version 4 as S3 has it: the canonical request, the string to sign, the signature. Each function is on the
 * path of every request and allocates no more than its answer.
 */
import { createHmac, createSecretKey, hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import { queryPairs } from "../query.ts";

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const PATH_AS_SIGNED = /^[A-Za-z0-9\-._~/]*$/;
const TOO_LENIENT = /[!'()*]/g;

/** RFC 3986's unreserved characters stay, everything else is percent-encoded, byte by byte. */
export const uriEncode = (text: string): string =>
  UNRESERVED.test(text)
    ? text
    : encodeURIComponent(text).replaceAll(TOO_LENIENT, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The same of a path, whose slashes stay. */
export const uriEncodePath = (path: string): string => uriEncode(path).replaceAll("%2F", "/");

/** S3 encodes a path once and normalises nothing. */
export const canonicalPath = (rawPath: string): string =>
  PATH_AS_SIGNED.test(rawPath) ? rawPath : uriEncodePath(decodeURIComponent(rawPath));

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Sorted by encoded name, then value. `without`: the parameter that carries the signature itself. */
export function canonicalQuery(rawQuery: string, without?: string): string {
  if (rawQuery === "") return "";
  const pairs: string[] = [];
  for (const [name, value] of queryPairs(rawQuery)) {
    // `=` is above all that may follow a name but letters; comparing "name\0value" sorts by name first
    if (name !== without) pairs.push(`${uriEncode(name)}\0${uriEncode(value)}`);
  }
  if (pairs.length > 1) pairs.sort(byBytes);
  return pairs.join("&").replaceAll("\0", "=");
}

const SPACES = /\s\s+/g;

const headerValue = (value: string | string[] | undefined): string => {
  const text = typeof value === "string" ? value : value === undefined ? "" : value.join(",");
  const trimmed = text.trim();
  return trimmed.includes("  ") ? trimmed.replaceAll(SPACES, " ") : trimmed;
};

export type Signed = {
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  /** As the client lists them: sorted, `;` between. */
  signedHeaders: string;
  /** x-amz-content-sha256, or what stands for it. */
  payload: string;
};

/** Header values are the bytes that came, one a character: the text is latin-1. */
export function canonicalRequest({ method, path, query, headers, signedHeaders, payload }: Signed): string {
  let lines = "";
  for (const name of signedHeaders.split(";")) lines += `${name}:${headerValue(headers[name])}\n`;
  return `${method}\n${path}\n${query}\n${lines}\n${signedHeaders}\n${payload}`;
}

const latin1Hash = (text: string): string => hash("sha256", Buffer.from(text, "latin1"), "hex");

/** `timestamp` as in x-amz-date; `scope` is `date/region/service/aws4_request`. */
export const stringToSign = (timestamp: string, scope: string, canonical: string): string =>
  `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${latin1Hash(canonical)}`;

/** Hex. Node takes eight microseconds to find out what a key in bytes is, and less than one to make it a key first. */
export const signatureOf = (signingKey: Uint8Array, text: string): string =>
  createHmac("sha256", createSecretKey(signingKey)).update(text, "latin1").digest("hex");

/** In a time that does not depend on where they differ. */
export function isSameSignature(given: string, right: string): boolean {
  const a = Buffer.from(given, "latin1");
  const b = Buffer.from(right, "latin1");
  return a.length === b.length && timingSafeEqual(a, b);
}

/** `20130524T000000Z` as milliseconds since the epoch; null: not such a time. */
export function parseTimestamp(text: string): number | null {
  if (!/^\d{8}T\d{6}Z$/.test(text)) return null;
  const iso = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 11)}:${text.slice(11, 13)}:${text.slice(13, 15)}Z`;
  const time = Date.parse(iso);
  return Number.isNaN(time) ? null : time;
}
