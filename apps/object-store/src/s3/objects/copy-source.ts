/** `x-amz-copy-source`: which object, and may it be read? */
import { Readable } from "node:stream";

import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { checkKey } from "../address.ts";
import { getBucket } from "../buckets.ts";
import { type ObjectCall, headerIn } from "../call.ts";
import { s3Error } from "../errors.ts";
import { keyFor, readCopySourceKey } from "../settings/encryption.ts";
import { logCopySource } from "../log-call.ts";
import { assertSource } from "./conditional.ts";
import { getObjectFor } from "./find-object.ts";
import { type Readings, isPutTogether, openPutTogether } from "./swift-objects.ts";

export type CopySource = {
  bucket: string;
  container: Container;
  object: StoredObject;
  versionId: string | undefined;
  readings: Readings;
};

/** `bucket/key`, `/bucket/key`, with `?versionId=` perhaps; percent-encoded. */
export function parseCopySource(text: string): { bucket: string; key: string; versionId: string | undefined } {
  const invalid = (): Error =>
    s3Error("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  const question = text.lastIndexOf("?versionId=");
  const path = question < 0 ? text : text.slice(0, question);
  const versionId = question < 0 ? undefined : text.slice(question + "?versionId=".length);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path.includes("%") ? path.replaceAll("+", " ") : path);
  } catch (cause) {
    throw s3Error("InvalidArgument", undefined, { cause });
  }
  const plain = decoded.startsWith("/") ? decoded.slice(1) : decoded;
  const slash = plain.indexOf("/");
  if (slash < 1 || slash === plain.length - 1) throw invalid();
  const key = plain.slice(slash + 1);
  checkKey(key);
  return { bucket: plain.slice(0, slash), key, versionId: versionId === "" ? undefined : versionId };
}

export async function openCopySource(call: ObjectCall): Promise<CopySource> {
  const { bucket, key, versionId } = parseCopySource(headerIn(call, "x-amz-copy-source") ?? "");
  const container = bucket === call.bucket ? call.container : await getBucket(call, bucket);
  const expected = headerIn(call, "x-amz-source-expected-bucket-owner");
  if (expected !== undefined && expected !== container.projectId) throw s3Error("AccessDenied");
  const object = await getObjectFor(call, "s3:GetObject", { key, versionId }, { container });
  const customerKey = keyFor(
    object.details.encryption,
    readCopySourceKey((name) => headerIn(call, name)),
  );
  const readings = isPutTogether(object)
    ? await openPutTogether(call, container, object)
    : plain(call, container, object, customerKey);
  logCopySource(call, container, { key, versionId, size: readings.size });
  assertSource(call.headers, { etag: readings.etag, modifiedAt: object.modifiedAt });
  return { bucket, container, object, versionId, readings };
}

function plain(
  call: ObjectCall,
  container: Container,
  object: StoredObject,
  customerKey: Buffer | undefined,
): Readings {
  const { namespace } = call.store;
  return {
    size: object.size,
    etag: object.etag,
    read: (start, end) =>
      namespace.readObject(container, object, customerKey === undefined ? { start, end } : { start, end, customerKey }),
  };
}

/** The bytes of it, or of a part of it, as a stream. */
export async function streamOfSource({ readings }: CopySource, start: number, end: number): Promise<Readable> {
  if (start === end) return Readable.from([], { objectMode: false });
  const body = await readings.read(start, end);
  return Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body;
}
