/** What is beside an object's bytes: attributes, tags, ACL, retention, legal hold. */
import type { OutgoingHttpHeaders } from "node:http";

import type { StoredObject } from "../../namespace/object.model.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { assertPermitted } from "../authorize/access.ts";
import { storedGrants } from "../authorize/acl.model.ts";
import { checksumElement } from "../body/checksums.ts";
import { readDocument } from "../body/request-body.ts";
import { readAcl } from "../buckets/bucket.handlers.ts";
import { type ObjectCall, headerIn, isVersioned, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { aclDocument } from "../settings/acl.view.ts";
import { keyFor, readCustomerKey } from "../settings/encryption.ts";
import {
  type Retention,
  legalHoldDocument,
  parseLegalHold,
  parseRetention,
  retentionDocument,
} from "../settings/object-lock.ts";
import { parseTagging, taggingDocument } from "../settings/tags.ts";
import { type XmlElement, parseDocument } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";
import { getNamedObject } from "./find-object.ts";
import { assertAclAllowed } from "./prepare-write.ts";
import { isPutTogether, openPutTogether } from "./swift-objects.ts";

const MAX_DOCUMENT_BYTES = 256 * 1024;

function versionHeaders({ container }: ObjectCall, object: StoredObject): OutgoingHttpHeaders {
  return isVersioned(container) ? { "x-amz-version-id": object.versionId } : {};
}

async function readXml(call: ObjectCall, root: string): Promise<XmlElement> {
  const body = await readDocument(call, MAX_DOCUMENT_BYTES);
  if (body.length === 0) throw s3Error("MissingRequestBodyError");
  return parseDocument(body, root);
}

type Change = Parameters<ObjectCall["store"]["namespace"]["updateObject"]>[3];

const update = (call: ObjectCall, object: StoredObject, change: Change): Promise<StoredObject> =>
  call.store.namespace.updateObject(originOf(call), call.container, object, change);

export async function getObjectTagging(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:GetObjectTagging");
  sendXml(call, taggingDocument(object.details.tags ?? {}), 200, versionHeaders(call, object));
}

export async function putObjectTagging(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:PutObjectTagging");
  const tags = parseTagging(await readXml(call, "Tagging"));
  sendEmpty(call, 200, versionHeaders(call, await update(call, object, { details: { tags } })));
}

export async function deleteObjectTagging(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:DeleteObjectTagging");
  sendEmpty(call, 204, versionHeaders(call, await update(call, object, { details: { tags: null } })));
}

const ownerOf = ({ container }: ObjectCall, object: StoredObject): string =>
  object.details.owner ?? container.projectId;

export async function getObjectAcl(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:GetObjectAcl");
  const isOff = call.container.settings.ownership === "BucketOwnerEnforced";
  const grants = isOff ? null : storedGrants(object.details.acl);
  sendXml(call, aclDocument(ownerOf(call, object), grants), 200, versionHeaders(call, object));
}

export async function putObjectAcl(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:PutObjectAcl");
  const acl = await readAcl(call, ownerOf(call, object));
  assertAclAllowed(call.container, acl, headerIn(call, "x-amz-acl"));
  sendEmpty(call, 200, versionHeaders(call, await update(call, object, { details: { acl } })));
}

function assertLocking({ container }: ObjectCall): void {
  if (container.settings.objectLock === undefined)
    throw s3Error("InvalidRequest", "Bucket is missing Object Lock Configuration");
}

export async function getRetention(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:GetObjectRetention");
  assertLocking(call);
  if (object.details.retention === undefined) throw s3Error("NoSuchObjectLockConfiguration");
  sendXml(call, retentionDocument(object.details.retention));
}

export async function putRetention(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:PutObjectRetention");
  assertLocking(call);
  const retention = parseRetention(await readXml(call, "Retention"), call.store.clock.now());
  const bypass = headerIn(call, "x-amz-bypass-governance-retention")?.toLowerCase() === "true";
  if (bypass) assertPermitted(call, "s3:BypassGovernanceRetention", { key: call.key, object });
  else assertSameMode(call, object.details.retention, retention);
  const changed = await update(call, object, { details: { retention }, ...(bypass ? { bypassGovernance: true } : {}) });
  sendEmpty(call, 200, versionHeaders(call, changed));
}

/** From governance to compliance there is no way back: it takes who may bypass the one. All else is the namespace's to refuse. */
function assertSameMode({ store }: ObjectCall, was: Retention | undefined, next: Retention | null): void {
  if (was === undefined || Date.parse(was.until) <= store.clock.now()) return;
  if (next !== null && next.mode !== was.mode) throw s3Error("AccessDenied");
}

export async function getLegalHold(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:GetObjectLegalHold");
  assertLocking(call);
  if (object.details.legalHold === undefined) throw s3Error("NoSuchObjectLockConfiguration");
  sendXml(call, legalHoldDocument(object.details.legalHold));
}

export async function putLegalHold(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:PutObjectLegalHold");
  assertLocking(call);
  const legalHold = parseLegalHold(await readXml(call, "LegalHold"));
  sendEmpty(call, 200, versionHeaders(call, await update(call, object, { details: { legalHold } })));
}

const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;

export async function getObjectAttributes(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:GetObjectAttributes");
  keyFor(
    object.details.encryption,
    readCustomerKey((name) => headerIn(call, name)),
  );
  const names = (headerIn(call, "x-amz-object-attributes") ?? "").split(",").map((name) => name.trim());
  const isKnown = (name: string): boolean => ATTRIBUTES.some((each) => each === name);
  if (!names.every(isKnown)) throw s3Error("InvalidArgument", "Invalid attribute name specified.");
  const readings = isPutTogether(object) ? await openPutTogether(call, call.container, object) : object;
  let body = "";
  if (names.includes("ETag")) body += tag("ETag", readings.etag);
  if (names.includes("Checksum")) body += checksumXml(object);
  if (names.includes("ObjectParts")) body += partsXml(call, object);
  if (names.includes("StorageClass")) body += tag("StorageClass", "STANDARD");
  if (names.includes("ObjectSize")) body += tag("ObjectSize", readings.size);
  const headers = { ...versionHeaders(call, object), "last-modified": object.modifiedAt.toUTCString() };
  sendXml(call, xmlDocument("GetObjectAttributesResponse", body), 200, headers);
}

function checksumXml({ details: { checksums } }: StoredObject): string {
  if (checksums === undefined) return "";
  const value = tag(checksumElement(checksums.algorithm), checksums.value);
  return wrap("Checksum", value + tag("ChecksumType", checksums.type));
}

function partsXml(call: ObjectCall, { details: { parts } }: StoredObject): string {
  if (parts === undefined) return "";
  const limit = Math.min(positive(headerIn(call, "x-amz-max-parts"), 1000), 1000);
  const after = positive(headerIn(call, "x-amz-part-number-marker"), 0);
  const page = parts.slice(after, after + limit);
  return wrap(
    "ObjectParts",
    tag("PartsCount", parts.length) +
      tag("PartNumberMarker", after) +
      tag("NextPartNumberMarker", after + page.length) +
      tag("MaxParts", limit) +
      tag("IsTruncated", after + page.length < parts.length) +
      page.map((size, at) => wrap("Part", tag("PartNumber", after + at + 1) + tag("Size", size))).join(""),
  );
}

function positive(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw s3Error("InvalidArgument");
  return Number(text);
}
