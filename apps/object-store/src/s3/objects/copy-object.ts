/** CopyObject: the bytes are sealed anew, under the target's key. */
import { amendAccess } from "../../access-logs/watch.ts";
import type { PutObject } from "../../namespace/namespace.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";
import { sendXml } from "../answer.ts";
import { assertPermitted } from "../authorize/access.ts";
import { checksumElement, checksumValue, digestNameOf, parseAlgorithm } from "../body/checksums.ts";
import { type ObjectCall, headerIn, isVersioned, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { isoTime, tag, xmlDocument } from "../xml/write.ts";
import { readWritePrecondition } from "./conditional.ts";
import { type CopySource, openCopySource, streamOfSource } from "./copy-source.ts";
import { quoted, writtenHeaders } from "./object-answer.ts";
import { MAX_PUT_BYTES, type PreparedWrite, prepareWrite } from "./prepare-write.ts";

export async function copyObject(call: ObjectCall): Promise<void> {
  const prepared = prepareWrite(call);
  const source = await openCopySource(call);
  const { size } = source.readings;
  if (size > MAX_PUT_BYTES)
    throw s3Error(
      "InvalidRequest",
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    );
  assertChanges(call, source);
  const write = merge(call, prepared, source);
  const algorithm = algorithmFor(call, source);
  const precondition = readWritePrecondition(call.headers);
  const put: PutObject = {
    key: call.key,
    body: await streamOfSource(source, 0, size),
    size,
    maxBytes: MAX_PUT_BYTES,
    contentType: write.contentType,
    deleteAt: null,
    metadata: write.metadata,
    details: write.details,
    digests: algorithm === undefined ? ["md5"] : ["md5", digestNameOf(algorithm)],
    check({ digests }) {
      if (algorithm === undefined) return undefined;
      const checksums = { algorithm, value: checksumValue(algorithm, digests), type: "FULL_OBJECT" as const };
      return { details: { ...write.details, checksums } };
    },
  };
  if (precondition !== undefined) put.precondition = precondition;
  if (prepared.customerKey !== undefined) put.customerKey = prepared.customerKey;
  const object = await call.store.namespace.putObject(originOf(call), call.container, put);
  amendAccess(call.exchange, { objectSize: object.size });
  const headers = writtenHeaders(call.container, object);
  delete headers["etag"];
  if (isVersioned(source.container)) headers["x-amz-copy-source-version-id"] = source.object.versionId;
  const { checksums } = object.details;
  sendXml(
    call,
    xmlDocument(
      "CopyObjectResult",
      tag("LastModified", isoTime(object.modifiedAt)) +
        tag("ETag", quoted(object.etag)) +
        (checksums === undefined
          ? ""
          : tag("ChecksumType", checksums.type) + tag(checksumElement(checksums.algorithm), checksums.value)),
    ),
    200,
    headers,
  );
}

const CHANGES = [
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-customer-key",
  "x-amz-copy-source-server-side-encryption-customer-key",
  "x-amz-website-redirect-location",
  "x-amz-storage-class",
  "x-amz-checksum-algorithm",
];

function directive(call: ObjectCall, name: string): "COPY" | "REPLACE" {
  const text = headerIn(call, name) ?? "COPY";
  if (text !== "COPY" && text !== "REPLACE") throw s3Error("InvalidArgument", `Unknown ${name.slice(6)}`);
  return text;
}

/** A copy onto itself must change something beside the bytes. */
function assertChanges(call: ObjectCall, { container, object, versionId }: CopySource): void {
  if (container.id !== call.container.id || object.key !== call.key || versionId !== undefined) return;
  const isChange =
    directive(call, "x-amz-metadata-directive") === "REPLACE" ||
    directive(call, "x-amz-tagging-directive") === "REPLACE" ||
    CHANGES.some((name) => headerIn(call, name) !== undefined);
  if (!isChange)
    throw s3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
}

/** What the request replaces, and what comes along from the source. */
function merge(call: ObjectCall, prepared: PreparedWrite, { object, container }: CopySource): PreparedWrite {
  const details: ObjectDetails = { ...prepared.details };
  if (directive(call, "x-amz-tagging-directive") === "COPY") {
    const { tags } = object.details;
    delete details.tags;
    if (tags !== undefined) {
      assertPermitted(call, "s3:GetObjectTagging", { container, key: object.key, object });
      assertPermitted(call, "s3:PutObjectTagging", { key: call.key });
      details.tags = tags;
    }
  }
  if (directive(call, "x-amz-metadata-directive") === "REPLACE") return { ...prepared, details };
  const { headers } = object.details;
  delete details.headers;
  if (headers !== undefined) details.headers = headers;
  return { ...prepared, details, contentType: object.contentType, metadata: object.metadata };
}

function algorithmFor(call: ObjectCall, { object }: CopySource): ReturnType<typeof parseAlgorithm> | undefined {
  const asked = headerIn(call, "x-amz-checksum-algorithm");
  return asked === undefined ? object.details.checksums?.algorithm : parseAlgorithm(asked);
}
