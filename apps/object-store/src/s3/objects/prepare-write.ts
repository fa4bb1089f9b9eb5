/** All that a new object takes from its request but its bytes: shared by PUT, copies, uploads in parts and forms. */
import type { IncomingHttpHeaders } from "node:http";

import type { Container } from "../../namespace/container.model.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";
import { assertPermitted } from "../authorize/access.ts";
import { type Grant, headerGrants, isGranted, isPublicAcl, storedGrants } from "../authorize/acl.model.ts";
import { isOwnedByWriter } from "../authorize/decide.ts";
import { type ObjectCall, headerOf, writerOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { readEncryption } from "../settings/encryption.ts";
import { readLock } from "../settings/object-lock.ts";
import { parseTagHeader } from "../settings/tags.ts";
import { readObjectHeaders } from "./object-headers.ts";

export type PreparedWrite = {
  contentType: string;
  metadata: { [name: string]: string };
  details: ObjectDetails;
  customerKey: Buffer | undefined;
};

/** Amazon's limit for one PUT, one part and one copy. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;

/** Permission for everything that the request asks for is checked here. `headers`: of the request, or a form's fields. */
export function prepareWrite(call: ObjectCall, headers: IncomingHttpHeaders = call.headers): PreparedWrite {
  const header = (name: string): string | undefined => headerOf(headers, name);
  assertPermitted(call, "s3:PutObject", { key: call.key });
  const prepared = readObjectHeaders(headers);
  const { details } = prepared;
  const { settings } = call.container;
  const tagging = header("x-amz-tagging");
  if (tagging !== undefined) {
    if (!mayWriteByAcl(call)) assertPermitted(call, "s3:PutObjectTagging", { key: call.key });
    details.tags = parseTagHeader(tagging);
  }
  addLock(call, header, details);
  addOwnerAndAcl(call, header, details);
  const { encryption, customerKey } = readEncryption(header, settings.encryption);
  if (encryption !== undefined) details.encryption = encryption;
  return { ...prepared, customerKey };
}

type HeaderOf = (name: string) => string | undefined;

function addLock(call: ObjectCall, header: HeaderOf, details: ObjectDetails): void {
  const lock = readLock(header, call.container.settings.objectLock, call.store.clock.now());
  if (header("x-amz-object-lock-mode") !== undefined) assertPermitted(call, "s3:PutObjectRetention", { key: call.key });
  if (lock.legalHold !== undefined) assertPermitted(call, "s3:PutObjectLegalHold", { key: call.key });
  if (lock.retention !== undefined) details.retention = lock.retention;
  if (lock.legalHold !== undefined) details.legalHold = lock.legalHold;
}

function addOwnerAndAcl(call: ObjectCall, header: HeaderOf, details: ObjectDetails): void {
  const { container } = call;
  const owner = ownerOfNew(call, container, header("x-amz-acl"));
  if (owner !== container.projectId) details.owner = owner;
  const grants = headerGrants(header, { own: owner, bucket: container.projectId });
  if (grants === undefined) return;
  assertAclAllowed(container, grants, header("x-amz-acl"));
  if (!isAmongOwners(call, grants) && !mayWriteByAcl(call)) assertPermitted(call, "s3:PutObjectAcl", { key: call.key });
  if (grants !== null) details.acl = grants;
}

/** An ACL that only names the writer and the bucket's owner gives nothing away. */
const isAmongOwners = (call: ObjectCall, grants: Grant[] | null): boolean =>
  (grants ?? []).every(
    (grant) => "project" in grant && (grant.project === call.container.projectId || grant.project === writerOf(call)),
  );

/** Who may write because an ACL says so, anybody perhaps, says in ACLs who may read it. */
const mayWriteByAcl = (call: ObjectCall): boolean =>
  isGranted(storedGrants(call.container.settings.s3Acl), "WRITE", { projectId: writerOf(call) }, false);

/** Ownership controls: by default everything in a bucket is its owner's. */
function ownerOfNew(call: ObjectCall, container: Container, canned: string | undefined): string {
  const writer = writerOf(call);
  if (writer === null || !isOwnedByWriter(container)) return container.projectId;
  const isGivenUp = container.settings.ownership === "BucketOwnerPreferred" && canned === "bucket-owner-full-control";
  return isGivenUp ? container.projectId : writer;
}

/** Throws when ACLs are off, or this one is public where none may be. */
export function assertAclAllowed(container: Container, grants: Grant[] | null, canned: string | undefined): void {
  const { settings } = container;
  const isHarmless = canned === "bucket-owner-full-control" || canned === "private";
  if (settings.ownership === "BucketOwnerEnforced" && !isHarmless) {
    const isOwnersOnly = (grants ?? []).every((grant) => "project" in grant && grant.project === container.projectId);
    if (!isOwnersOnly) throw s3Error("AccessControlListNotSupported");
  }
  if (settings.publicAccessBlock?.blockPublicAcls === true && isPublicAcl(grants)) throw s3Error("AccessDenied");
}
