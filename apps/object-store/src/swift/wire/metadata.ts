/** `X-{Account,Container,Object}-Meta-*`: read, and held to Swift's limits. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import { invalid } from "@andromede/base/errors";

import { LIMITS } from "../limits.ts";
import { headerText, titleCase, toHeader } from "./text.ts";

export type Level = "account" | "container" | "object";
export type Metadata = { [name: string]: string };

const PREFIX: { readonly [level in Level]: string } = {
  account: "x-account-meta-",
  container: "x-container-meta-",
  object: "x-object-meta-",
};
const SHOWN: { readonly [level in Level]: string } = {
  account: "X-Account-Meta-",
  container: "X-Container-Meta-",
  object: "X-Object-Meta-",
};

/** By lower-case name without the prefix. Throws `invalid` in Swift's words for what is too much. */
export function readMetadata(headers: IncomingHttpHeaders, level: Level): Metadata {
  const prefix = PREFIX[level];
  const metadata: Metadata = {};
  let count = 0;
  let size = 0;
  for (const header in headers) {
    const raw = headers[header];
    if (typeof raw !== "string") continue;
    if (raw.length > LIMITS.header) throw invalid(`Header value too long: ${header.slice(0, LIMITS.metaName)}`);
    if (!header.startsWith(prefix)) continue;
    const name = header.slice(prefix.length);
    if (name === "") throw invalid("Metadata name cannot be empty");
    if (name.length > LIMITS.metaName) throw invalid(`Metadata name too long: ${prefix}${name}`);
    if (raw.length > LIMITS.metaValue)
      throw invalid(`Metadata value longer than ${LIMITS.metaValue}: ${prefix}${name}`);
    const value = headerText(raw);
    if (value === null) throw invalid("Metadata must be valid UTF-8");
    count += 1;
    size += name.length + raw.length;
    metadata[name] = value;
  }
  assertFits(count, size);
  return metadata;
}

/** A change of an account's or container's: empty values and `X-Remove-*` take away. */
export function readMetadataChange(
  headers: IncomingHttpHeaders,
  level: "account" | "container",
): { [name: string]: string | null } {
  const change: { [name: string]: string | null } = {};
  const given = readMetadata(headers, level);
  for (const name in given) change[name] = given[name] || null;
  const remove = `x-remove-${PREFIX[level].slice(2)}`;
  for (const header in headers) {
    // whatever its value, even none
    if (header.startsWith(remove) && header.length > remove.length) change[header.slice(remove.length)] = null;
  }
  return change;
}

/** After a change, all of it together must still fit. */
export function assertMetadataFits(before: Metadata, change: { [name: string]: string | null }): void {
  let count = 0;
  let size = 0;
  for (const [name, value] of Object.entries({ ...before, ...change })) {
    if (value === null) continue;
    count += 1;
    size += name.length + Buffer.byteLength(value);
  }
  assertFits(count, size);
}

function assertFits(count: number, size: number): void {
  if (count > LIMITS.metaCount) throw invalid(`Too many metadata items; max ${LIMITS.metaCount}`);
  if (size > LIMITS.metaOverall) throw invalid(`Total metadata too large; max ${LIMITS.metaOverall}`);
}

/** Adds them to an answer's headers. */
export function showMetadata(
  headers: { [name: string]: string | number },
  metadata: Metadata,
  level: Level,
  hidden?: ReadonlySet<string>,
): void {
  const prefix = SHOWN[level];
  for (const name in metadata)
    // S3 lets names hold what no header of ours may
    if (hidden?.has(name) !== true && /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name))
      headers[prefix + titleCase(name)] = toHeader(metadata[name] ?? "");
}
