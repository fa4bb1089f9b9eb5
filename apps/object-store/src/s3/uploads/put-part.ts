/** A part of an upload: its own bytes, or those of an object that is there. */
import type { OutgoingHttpHeaders } from "node:http";

import { amendAccess } from "../../access-logs/watch.ts";
import type { Digests } from "../../bytes/byte-store.ts";
import type { Part, PutObject, Upload } from "../../namespace/namespace.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { assertPermitted } from "../authorize/access.ts";
import {
  type Algorithm,
  type Checksum,
  checksumElement,
  checksumHeader,
  checksumValue,
  digestNameOf,
} from "../body/checksums.ts";
import { openBody } from "../body/request-body.ts";
import { type ObjectCall, headerIn, isVersioned, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { openCopySource, streamOfSource } from "../objects/copy-source.ts";
import { quoted } from "../objects/object-answer.ts";
import { MAX_PUT_BYTES } from "../objects/prepare-write.ts";
import { parseCopyRange } from "../objects/range.ts";
import { encryptionHeaders, keyFor, readCustomerKey } from "../settings/encryption.ts";
import { isoTime, tag, xmlDocument } from "../xml/write.ts";
import { getUpload } from "./uploads.handlers.ts";

export async function putPart(call: ObjectCall): Promise<void> {
  assertPermitted(call, "s3:PutObject", { key: call.key });
  const number = partNumber(call);
  const upload = await getUpload(call);
  const customerKey = keyFor(
    upload.details.encryption,
    readCustomerKey((name) => headerIn(call, name)),
  );
  if (headerIn(call, "x-amz-copy-source") !== undefined) return copyPart(call, upload, number, customerKey);
  const body = openBody(call);
  if (body.size !== null && body.size > MAX_PUT_BYTES) throw s3Error("EntityTooLarge");
  const algorithm = algorithmFor(upload.details.checksums, body.algorithm);
  const digests = [...body.digests];
  if (algorithm !== undefined && !digests.includes(digestNameOf(algorithm))) digests.push(digestNameOf(algorithm));
  const part = await store(call, upload, customerKey, {
    number,
    body: body.stream,
    size: body.size,
    maxBytes: MAX_PUT_BYTES,
    digests,
    check(written) {
      body.verify(written);
      return checksumDetails(algorithm, written.digests);
    },
  });
  const headers: OutgoingHttpHeaders = { etag: quoted(part.etag) };
  encryptionHeaders(headers, upload.details.encryption);
  const value = algorithm === undefined ? undefined : part.checksums?.[algorithm];
  if (algorithm !== undefined && value !== undefined) headers[checksumHeader(algorithm)] = value;
  sendEmpty(call, 200, headers);
}

function partNumber(call: ObjectCall): number {
  const text = call.query.get("partNumber") ?? "";
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 10_000)
    throw s3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  return number;
}

/** An upload that was begun with an algorithm takes no other; one that was begun without takes what the parts bring. */
function algorithmFor(checksums: Checksum | undefined, own: Algorithm | null): Algorithm | undefined {
  if (checksums === undefined) return own ?? undefined;
  if (own !== null && own !== checksums.algorithm)
    throw s3Error(
      "InvalidRequest",
      `Checksum Type mismatch occurred, expected checksum Type: ${checksums.algorithm.toLowerCase()}, actual checksum Type: ${own.toLowerCase()}`,
    );
  return checksums.algorithm;
}

const checksumDetails = (
  algorithm: Algorithm | undefined,
  digests: Digests,
): ReturnType<NonNullable<PutObject["check"]>> =>
  algorithm === undefined
    ? undefined
    : { details: { checksums: { algorithm, value: checksumValue(algorithm, digests), type: "FULL_OBJECT" } } };

type PutPart = Parameters<ObjectCall["store"]["namespace"]["putPart"]>[3];

async function store(call: ObjectCall, upload: Upload, customerKey: Buffer | undefined, part: PutPart): Promise<Part> {
  const wanted = customerKey === undefined ? part : { ...part, customerKey };
  const stored = await call.store.namespace.putPart(originOf(call), call.container, upload, wanted);
  amendAccess(call.exchange, { objectSize: stored.size });
  return stored;
}

async function copyPart(
  call: ObjectCall,
  upload: Upload,
  number: number,
  customerKey: Buffer | undefined,
): Promise<void> {
  const source = await openCopySource(call);
  const { size } = source.readings;
  const text = headerIn(call, "x-amz-copy-source-range");
  const range = text === undefined ? { start: 0, end: size } : parseCopyRange(text, size);
  if (range === null)
    throw s3Error(
      "InvalidArgument",
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  const length = range.end - range.start;
  if (length > MAX_PUT_BYTES)
    throw s3Error(
      "InvalidRequest",
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    );
  const algorithm = upload.details.checksums?.algorithm;
  const part = await store(call, upload, customerKey, {
    number,
    body: await streamOfSource(source, range.start, range.end),
    size: length,
    maxBytes: MAX_PUT_BYTES,
    digests: algorithm === undefined ? ["md5"] : ["md5", digestNameOf(algorithm)],
    check: ({ digests }) => checksumDetails(algorithm, digests),
  });
  const headers: OutgoingHttpHeaders = {};
  encryptionHeaders(headers, upload.details.encryption);
  if (isVersioned(source.container)) headers["x-amz-copy-source-version-id"] = source.object.versionId;
  const checksum = algorithm === undefined ? "" : tag(checksumElement(algorithm), part.checksums?.[algorithm]);
  const result = tag("LastModified", isoTime(part.modifiedAt)) + tag("ETag", quoted(part.etag)) + checksum;
  sendXml(call, xmlDocument("CopyPartResult", result), 200, headers);
}
