/** DELETE of an object or a version, and of many at once. */
import type { OutgoingHttpHeaders } from "node:http";

import { CloudError } from "@andromede/base/errors";

import type { DeleteOptions, Deleted } from "../../namespace/namespace.ts";
import { checkKey } from "../address.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { isPermitted, versioned, assertPermitted } from "../authorize/access.ts";
import { readDocument } from "../body/request-body.ts";
import { type BucketCall, type ObjectCall, headerIn, isVersioned, originOf, versionIdOf } from "../call.ts";
import { s3Error, toAnswer } from "../errors.ts";
import { logDeletion } from "../log-call.ts";
import { type XmlElement, child, childText, childrenOf, parseDocument, requiredText } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";
import { readWritePrecondition } from "./conditional.ts";

const MAX_KEYS = 1000;
/** A thousand keys of 1,024 bytes, each character as a reference. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;

/** x-amz-bypass-governance-retention, by somebody who may. */
function bypasses(call: BucketCall, key: string): boolean {
  if (headerIn(call, "x-amz-bypass-governance-retention")?.toLowerCase() !== "true") return false;
  assertPermitted(call, "s3:BypassGovernanceRetention", { key });
  return true;
}

/** Conditions that Amazon has for other kinds of buckets: better no deletion than one without its condition. */
function assertNoOtherCondition(isAsked: boolean): void {
  if (isAsked)
    throw s3Error(
      "NotImplemented",
      "A deletion may depend on the ETag only, not on the size or the time of the object",
    );
}

export async function deleteObject(call: ObjectCall): Promise<void> {
  assertNoOtherCondition(
    headerIn(call, "x-amz-if-match-last-modified-time") !== undefined ||
      headerIn(call, "x-amz-if-match-size") !== undefined,
  );
  const versionId = versionIdOf(call);
  assertPermitted(call, versioned("s3:DeleteObject", versionId), { key: call.key });
  const options: DeleteOptions = {};
  if (versionId !== undefined) options.versionId = versionId;
  if (bypasses(call, call.key)) options.bypassGovernance = true;
  const precondition = readWritePrecondition(call.headers);
  if (precondition !== undefined) options.precondition = precondition;
  const deleted = await call.store.namespace.deleteObject(originOf(call), call.container, call.key, options);
  const headers: OutgoingHttpHeaders = {};
  if (isVersioned(call.container) && deleted.versionId !== null) headers["x-amz-version-id"] = deleted.versionId;
  if (deleted.isDeleteMarker) headers["x-amz-delete-marker"] = "true";
  sendEmpty(call, 204, headers);
}

type Wanted = { key: string; versionId?: string; etag?: string };

function parseWanted(element: XmlElement): Wanted {
  const key = requiredText(element, "Key");
  if (key === "") throw s3Error("MalformedXML");
  checkKey(key);
  const hasOther = child(element, "LastModifiedTime") !== undefined || child(element, "Size") !== undefined;
  assertNoOtherCondition(hasOther);
  const wanted: Wanted = { key };
  const versionId = childText(element, "VersionId");
  const etag = childText(element, "ETag")?.replaceAll('"', "");
  if (versionId !== undefined && versionId !== "") wanted.versionId = versionId;
  if (etag !== undefined && etag !== "") wanted.etag = etag;
  return wanted;
}

type Result = Deleted | { error: Error };

/** What is told of one object; what is our own failing fails the whole request. */
function refusalOf(error: unknown): { error: Error } {
  if (error instanceof CloudError && error.kind !== "internal") return { error };
  throw error;
}

/** Those with a condition one by one, all others together. */
async function deleteAll(
  call: BucketCall,
  targets: readonly Wanted[],
  options: { bypassGovernance?: boolean },
): Promise<Map<Wanted, Result>> {
  const { namespace } = call.store;
  const results = new Map<Wanted, Result>();
  const plain = targets.filter(({ etag }) => etag === undefined);
  const deleted =
    plain.length === 0 ? [] : await namespace.deleteObjects(originOf(call), call.container, plain, options);
  for (const [at, target] of plain.entries()) {
    const result = deleted[at];
    if (result !== undefined) results.set(target, result);
  }
  for (const target of targets) {
    const { key, versionId, etag } = target;
    if (etag === undefined) continue;
    const one: DeleteOptions = { ...options, precondition: { ifMatch: [etag] } };
    if (versionId !== undefined) one.versionId = versionId;
    const result = await namespace.deleteObject(originOf(call), call.container, key, one).catch(refusalOf);
    results.set(target, result);
  }
  return results;
}

export async function deleteObjects(call: BucketCall): Promise<void> {
  const root = parseDocument(await readDocument(call, MAX_DOCUMENT_BYTES), "Delete");
  const elements = childrenOf(root, "Object");
  if (elements.length === 0 || elements.length > MAX_KEYS) throw s3Error("MalformedXML");
  const isQuiet = childText(root, "Quiet")?.toLowerCase() === "true";
  const wanted = elements.map(parseWanted);
  const mayDelete = wanted.map(({ key, versionId }) =>
    isPermitted(call, versioned("s3:DeleteObject", versionId), { key }),
  );
  const targets = wanted.filter((_, at) => mayDelete[at] === true);
  const options = targets.some(({ key }) => bypasses(call, key)) ? { bypassGovernance: true } : {};
  const results = await deleteAll(call, targets, options);
  const parts = wanted.map((each, at) => {
    const result = mayDelete[at] === true ? results.get(each) : { error: s3Error("AccessDenied") };
    const error = result === undefined ? s3Error("InternalError") : "error" in result ? result.error : null;
    logDeletion(call, each, error);
    if (error !== null) return errorXml(each, error);
    return isQuiet || result === undefined || "error" in result ? "" : deletedXml(each, result);
  });
  sendXml(call, xmlDocument("DeleteResult", parts.join("")));
}

function errorXml({ key, versionId }: Wanted, error: Error): string {
  const { code, message } = toAnswer(error);
  return wrap("Error", tag("Key", key) + tag("VersionId", versionId) + tag("Code", code) + tag("Message", message));
}

function deletedXml(
  { key, versionId }: Wanted,
  deleted: { versionId: string | null; isDeleteMarker: boolean },
): string {
  const marker = deleted.isDeleteMarker
    ? tag("DeleteMarker", true) + tag("DeleteMarkerVersionId", deleted.versionId)
    : "";
  return wrap("Deleted", tag("Key", key) + tag("VersionId", versionId) + marker);
}
