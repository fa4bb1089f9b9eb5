/** DELETE of an object or a version, and of many at once. */
import type { OutgoingHttpHeaders } from "node:http";

import type { DeleteOptions } from "../../namespace/namespace.ts";
import { checkKey } from "../address.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { isPermitted, versioned, assertPermitted } from "../authorize/access.ts";
import { readDocument } from "../body/request-body.ts";
import { type BucketCall, type ObjectCall, headerIn, isVersioned, originOf, versionIdOf } from "../call.ts";
import { s3Error, toAnswer } from "../errors.ts";
import { type XmlElement, childText, childrenOf, parseDocument, requiredText } from "../xml/parse.ts";
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

export async function deleteObject(call: ObjectCall): Promise<void> {
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

type Wanted = { key: string; versionId?: string };

function parseWanted(element: XmlElement): Wanted {
  const key = requiredText(element, "Key");
  if (key === "") throw s3Error("MalformedXML");
  checkKey(key);
  const versionId = childText(element, "VersionId");
  return versionId === undefined || versionId === "" ? { key } : { key, versionId };
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
  const results =
    targets.length === 0
      ? []
      : await call.store.namespace.deleteObjects(originOf(call), call.container, targets, options);
  const parts = wanted.map((each, at) => {
    if (mayDelete[at] !== true) return errorXml(each, s3Error("AccessDenied"));
    const result = results[targets.indexOf(each)];
    if (result === undefined) return errorXml(each, s3Error("InternalError"));
    if ("error" in result) return errorXml(each, result.error);
    return isQuiet ? "" : deletedXml(each, result);
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
