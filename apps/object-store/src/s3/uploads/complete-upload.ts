/** CompleteMultipartUpload: parts become an object, in one transaction and without their bytes being touched. */
import { amendAccess } from "../../access-logs/watch.ts";
import type { Part, Upload } from "../../namespace/namespace.ts";
import type { ObjectDetails, StoredObject } from "../../namespace/object.model.ts";
import { sendXml } from "../answer.ts";
import { assertPermitted } from "../authorize/access.ts";
import { type Checksum, checkType, checksumElement, checksumHeader } from "../body/checksums.ts";
import { readDocument } from "../body/request-body.ts";
import { type ObjectCall, headerIn, locationOf, originOf } from "../call.ts";
import { hasCode, s3Error } from "../errors.ts";
import { readWritePrecondition } from "../objects/conditional.ts";
import { quoted, writtenHeaders } from "../objects/object-answer.ts";
import { keyFor, readCustomerKey } from "../settings/encryption.ts";
import { parseDocument } from "../xml/parse.ts";
import { tag, xmlDocument } from "../xml/write.ts";
import { type NamedPart, checksumOfObject, chooseParts, etagOfParts, parseNamedParts } from "./assemble.ts";
import { getUpload } from "./uploads.handlers.ts";

/** 10,000 parts with an ETag and a checksum each. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

export async function completeUpload(call: ObjectCall): Promise<void> {
  assertPermitted(call, "s3:PutObject", { key: call.key });
  const root = parseDocument(await readDocument(withoutChecksums(call), MAX_DOCUMENT_BYTES), "CompleteMultipartUpload");
  const upload = await findOrDone(call);
  const named = parseNamedParts(root, upload?.details.checksums?.algorithm);
  if (upload === null) return answerAgain(call, named);
  // the key is not needed, but who lacks it should not put together what it protects
  const customer = readCustomerKey((name) => headerIn(call, name));
  if (customer !== null) keyFor(upload.details.encryption, customer);
  const parts = chooseParts(named, await partsOf(call, upload), upload.details.checksums);
  const etag = etagOfParts(parts);
  const details = detailsOf(call, upload, parts);
  assertSize(call, details.parts ?? []);
  const precondition = readWritePrecondition(call.headers);
  const object = await call.store.namespace.completeUpload(
    originOf(call),
    call.container,
    upload,
    parts.map((part) => ({ number: part.number, etag: part.etag })),
    precondition === undefined ? { etag, details } : { etag, details, precondition },
  );
  amendAccess(call.exchange, { objectSize: object.size });
  answer(call, object);
}

/** Here the checksum headers speak of the object, not of this request's body. */
const withoutChecksums = (call: ObjectCall): ObjectCall => ({
  ...call,
  headers: Object.fromEntries(Object.entries(call.headers).filter(([name]) => !name.startsWith("x-amz-checksum-"))),
});

/** null: there is no such upload, perhaps because it was completed a moment ago. */
async function findOrDone(call: ObjectCall): Promise<Upload | null> {
  try {
    return await getUpload(call);
  } catch (error) {
    if (hasCode(error, "NoSuchUpload")) return null;
    throw error;
  }
}

/** Who did not hear the answer asks again: the same parts make the same ETag, and it is the object's. */
async function answerAgain(call: ObjectCall, named: readonly NamedPart[]): Promise<void> {
  const object = await call.store.namespace.findObject(call.container, call.key);
  const isHex = named.every(({ etag }) => /^[0-9a-f]{32}$/.test(etag));
  if (object === null || !isHex || object.etag !== etagOfParts(named)) throw s3Error("NoSuchUpload");
  answer(call, object);
}

async function partsOf(call: ObjectCall, upload: Upload): Promise<Map<number, Part>> {
  const there = new Map<number, Part>();
  let after = 0;
  for (;;) {
    const { parts, truncated } = await call.store.namespace.listParts(upload, after, 1000);
    for (const part of parts) {
      there.set(part.number, part);
      after = part.number;
    }
    if (!truncated || parts.length === 0) return there;
  }
}

function detailsOf(call: ObjectCall, upload: Upload, parts: readonly Part[]): ObjectDetails {
  const details: ObjectDetails = { ...upload.details, parts: parts.map((part) => part.size) };
  const asked = upload.details.checksums;
  delete details.checksums;
  if (asked === undefined) return details;
  const type = headerIn(call, "x-amz-checksum-type");
  if (type !== undefined && checkType(asked.algorithm, type) !== asked.type)
    throw s3Error("InvalidRequest", "The upload was created using another checksum type.");
  details.checksums = checksumOfObject(asked, parts);
  assertChecksum(call, details.checksums);
  return details;
}

function assertChecksum(call: ObjectCall, { algorithm, value }: Checksum): void {
  const said = headerIn(call, checksumHeader(algorithm));
  if (said !== undefined && said !== value && said !== value.replace(/-\d+$/, ""))
    throw s3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
}

function assertSize(call: ObjectCall, sizes: readonly number[]): void {
  const said = headerIn(call, "x-amz-mp-object-size");
  if (said === undefined) return;
  const size = sizes.reduce((sum, each) => sum + each, 0);
  if (Number(said) !== size)
    throw s3Error(
      "InvalidRequest",
      `The provided 'x-amz-mp-object-size' header value ${said.slice(0, 20)} does not match what was computed: ${size}`,
    );
}

function answer(call: ObjectCall, object: StoredObject): void {
  const headers = writtenHeaders(call.container, object);
  delete headers["etag"];
  const { checksums } = object.details;
  const body =
    tag("Location", locationOf(call)) +
    tag("Bucket", call.bucket) +
    tag("Key", call.key) +
    tag("ETag", quoted(object.etag)) +
    (checksums === undefined
      ? ""
      : tag(checksumElement(checksums.algorithm), checksums.value) + tag("ChecksumType", checksums.type));
  sendXml(call, xmlDocument("CompleteMultipartUploadResult", body), 200, headers);
}
