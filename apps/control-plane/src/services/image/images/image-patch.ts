/**
 * PATCH of an image, in both dialects that clients speak (Image API v2, "Update image"): RFC 6902's `op`, `path`,
 * `value` (v2.1) and the older `{"replace": "/name", "value": ...}` (v2.0). Pure.
 */
import { CloudError, conflict, forbidden, invalid } from "@andromede/base/errors";

import type { Image } from "./image.model.ts";
import { type WritableImage, assign, checkCounts, checkName, checkValue, isWritable } from "./image-properties.ts";

export type PatchDialect = "v2.0" | "v2.1";

const DIALECTS: { [contentType: string]: PatchDialect } = {
  "application/openstack-images-v2.0-json-patch": "v2.0",
  "application/openstack-images-v2.1-json-patch": "v2.1",
};

const OPERATIONS = ["add", "remove", "replace"] as const;
type Operation = (typeof OPERATIONS)[number];

export type Change = { operation: Operation; name: string; value: unknown };

/** Which dialect a content type names; 415 for any other. */
export function readDialect(contentType: string | undefined): PatchDialect {
  const bare = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const dialect = Object.hasOwn(DIALECTS, bare) ? DIALECTS[bare] : undefined;
  if (dialect === undefined) {
    throw new CloudError("invalid", `Image PATCH expects Content-Type one of: ${Object.keys(DIALECTS).join(", ")}`, {
      status: 415,
    });
  }
  return dialect;
}

/** Reads the operations; throws for what is malformed or names what clients may not write. */
export function readPatch(dialect: PatchDialect, body: { [name: string]: unknown }[]): Change[] {
  return body.map((raw) => {
    const operation = dialect === "v2.1" ? readOperation(raw) : readOldOperation(raw);
    const name = readPointer(dialect === "v2.1" ? raw["path"] : raw[operation]);
    checkName(name);
    if (operation === "remove") return { operation, name, value: undefined };
    if (!("value" in raw)) throw invalid(`Operation "${operation}" requires a member named "value".`);
    checkValue(name, raw["value"]);
    return { operation, name, value: raw["value"] };
  });
}

function readOperation(raw: { [name: string]: unknown }): Operation {
  const found = OPERATIONS.find((operation) => operation === raw["op"]);
  if (found === undefined)
    throw invalid("Invalid operation. It must be one of the following: add, remove, replace.", { field: "op" });
  if (!("path" in raw)) throw invalid("Unable to find 'path' in JSON Schema change");
  return found;
}

function readOldOperation(raw: { [name: string]: unknown }): Operation {
  const found = OPERATIONS.filter((operation) => operation in raw);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw invalid('Operation objects must contain exactly one member named "add", "remove", or "replace".');
  }
  return only;
}

/** RFC 6901, one level deep: an image has no depth that clients may write to. */
function readPointer(pointer: unknown): string {
  if (typeof pointer !== "string" || !pointer.startsWith("/"))
    throw invalid('A pointer must be text that starts with "/".', { field: "path" });
  if (/~(?![01])/.test(pointer))
    throw invalid(`Pointer '${pointer}' contains "~" not part of a recognized escape sequence.`);
  const parts = pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~").trim());
  const [name = ""] = parts;
  if (name === "locations") return name;
  if (parts.length !== 1 || name === "") throw invalid(`Invalid JSON pointer for this resource: '${pointer}'`);
  return name;
}

/** The image after the changes, all of them or none. `image` is not touched. */
export function applyPatch(
  image: Image,
  dialect: PatchDialect,
  changes: Change[],
  may: { changeOwner: boolean },
): WritableImage {
  const result: WritableImage = { ...image, properties: { ...image.properties } };
  for (const { operation, name, value } of changes) {
    if (operation === "remove") removeProperty(result, name);
    else if (isWritable(name)) setMember(image, result, { operation, name, value }, dialect, may);
    else setProperty(result, { operation, name, value }, dialect);
  }
  checkCounts(result);
  return result;
}

function removeProperty(image: WritableImage, name: string): void {
  if (isWritable(name)) throw forbidden(`Property ${name} may not be removed.`);
  if (!Object.hasOwn(image.properties, name)) throw conflict(`Property ${name} does not exist.`);
  delete image.properties[name];
}

function setMember(
  before: Image,
  image: WritableImage,
  change: Change,
  dialect: PatchDialect,
  may: { changeOwner: boolean },
): void {
  const { name, value } = change;
  if (change.operation === "add" && dialect === "v2.0") throw conflict(`Property ${name} already present.`);
  if (name === "owner" && !may.changeOwner) throw forbidden("Owner can't be updated by non admin.");
  if ((name === "disk_format" || name === "container_format") && before.status !== "queued") {
    throw forbidden(`Attribute ${name} can be only replaced for a queued image.`);
  }
  if (isWritable(name)) assign(image, name, value);
}

function setProperty(image: WritableImage, change: Change, dialect: PatchDialect): void {
  const there = Object.hasOwn(image.properties, change.name);
  if (change.operation === "replace" && !there) throw conflict(`Property ${change.name} does not exist.`);
  if (change.operation === "add" && there && dialect === "v2.0")
    throw conflict(`Property ${change.name} already present.`);
  image.properties[change.name] = change.value as string;
}
