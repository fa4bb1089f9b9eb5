/** PUT of an object. */
import type { OutgoingHttpHeaders } from "node:http";

import { amendAccess } from "../../access-logs/watch.ts";
import type { Digests } from "../../bytes/byte-store.ts";
import type { PutObject } from "../../namespace/namespace.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { sendEmpty } from "../answer.ts";
import { type Checksum, checksumValue } from "../body/checksums.ts";
import { type RequestBody, openBody } from "../body/request-body.ts";
import { type ObjectCall, headerIn, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { copyObject } from "./copy-object.ts";
import { readWritePrecondition } from "./conditional.ts";
import { writtenHeaders } from "./object-answer.ts";
import { MAX_PUT_BYTES, type PreparedWrite, prepareWrite } from "./prepare-write.ts";

export async function putObject(call: ObjectCall): Promise<void> {
  if (headerIn(call, "x-amz-copy-source") !== undefined) return copyObject(call);
  const prepared = prepareWrite(call);
  const precondition = readWritePrecondition(call.headers);
  const body = openBody(call);
  const object = await write(call, prepared, body, precondition === undefined ? {} : { precondition });
  sendEmpty(call, 200, putHeaders(call, object));
}

const putHeaders = (call: ObjectCall, object: StoredObject): OutgoingHttpHeaders =>
  writtenHeaders(call.container, object);

/** Of a body that came at once, or of a form. */
export async function write(
  call: ObjectCall,
  prepared: PreparedWrite,
  body: RequestBody,
  more: Pick<PutObject, "precondition"> & { maxBytes?: number; check?: (size: number) => void },
): Promise<StoredObject> {
  const maxBytes = more.maxBytes ?? MAX_PUT_BYTES;
  if (body.size !== null && body.size > maxBytes) throw s3Error("EntityTooLarge");
  const put: PutObject = {
    key: call.key,
    body: body.stream,
    size: body.size,
    maxBytes,
    contentType: prepared.contentType,
    deleteAt: null,
    metadata: prepared.metadata,
    details: prepared.details,
    digests: body.digests,
    check(written) {
      body.verify(written);
      more.check?.(written.size);
      const checksums = checksumOf(body, written.digests);
      return checksums === undefined ? undefined : { details: { ...prepared.details, checksums } };
    },
  };
  if (more.precondition !== undefined) put.precondition = more.precondition;
  if (prepared.customerKey !== undefined) put.customerKey = prepared.customerKey;
  const object = await call.store.namespace.putObject(originOf(call), call.container, put);
  amendAccess(call.exchange, { objectSize: object.size });
  return object;
}

function checksumOf({ algorithm }: RequestBody, digests: Digests): Checksum | undefined {
  return algorithm === null ? undefined : { algorithm, value: checksumValue(algorithm, digests), type: "FULL_OBJECT" };
}
