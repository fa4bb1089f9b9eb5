/** GET and HEAD of an object: the path that is walked most. */
import type { OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

import { sendBody } from "../../bytes/send-body.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { inOrder } from "../../http/header-order.ts";
import { type ObjectCall, headerIn } from "../call.ts";
import { s3Error } from "../errors.ts";
import { keyFor, readCustomerKey } from "../settings/encryption.ts";
import { isRangeWanted, judgeRead, readPrecondition } from "./conditional.ts";
import { getNamedObject } from "./find-object.ts";
import { checksumHeaders, quoted, readHeaders } from "./object-answer.ts";
import { overrideHeaders } from "./object-headers.ts";
import { type ByteRange, parseRange, rangeOfPart } from "./range.ts";
import { type Readings, isPutTogether, openPutTogether } from "./swift-objects.ts";

export async function readObject(call: ObjectCall): Promise<void> {
  const object = await getNamedObject(call, "s3:GetObject");
  await answerWith(call, object);
}

/** `status`: for the documents of a website that stand for an error. */
export async function answerWith(call: ObjectCall, object: StoredObject, status?: number): Promise<void> {
  const { exchange, container, query, caller } = call;
  if (call.headers["x-amz-server-side-encryption"] !== undefined)
    throw s3Error("InvalidArgument", "x-amz-server-side-encryption header is not supported for this operation.");
  const customerKey = keyFor(
    object.details.encryption,
    readCustomerKey((name) => headerIn(call, name)),
  );
  const readings = isPutTogether(object)
    ? await openPutTogether(call, container, object)
    : plain(call, object, customerKey);
  const headers = readHeaders(container, object);
  headers["etag"] = quoted(readings.etag);
  const verdict = judgeRead(readPrecondition(call.headers), { etag: readings.etag, modifiedAt: object.modifiedAt });
  if (verdict === "failed") throw s3Error("PreconditionFailed");
  if (verdict === "notModified") {
    exchange.response.writeHead(304, notModifiedHeaders(headers));
    exchange.response.end();
    return;
  }
  overrideHeaders(headers, query, caller.actor === null);
  const range = status === undefined ? rangeFor(call, object, readings) : null;
  const { start, end } = range ?? { start: 0, end: readings.size };
  headers["content-length"] = end - start;
  if (range !== null) headers["content-range"] = `bytes ${start}-${end - 1}/${readings.size}`;
  // a checksum of the whole, beside some of its bytes, only makes clients cry wolf
  if (
    headerIn(call, "x-amz-checksum-mode")?.toUpperCase() === "ENABLED" &&
    (range === null || isWhole(range, readings))
  )
    checksumHeaders(headers, object.details);
  await send(call, status ?? (range === null ? 200 : 206), headers, readings, { start, end });
}

const isWhole = ({ start, end }: ByteRange, { size }: Readings): boolean => start === 0 && end === size;

function plain(call: ObjectCall, object: StoredObject, customerKey: Buffer | undefined): Readings {
  return {
    size: object.size,
    etag: object.etag,
    read: (start, end) =>
      call.store.namespace.readObject(
        call.container,
        object,
        customerKey === undefined ? { start, end } : { start, end, customerKey },
      ),
  };
}

function rangeFor(call: ObjectCall, object: StoredObject, { size, etag }: Readings): ByteRange | null {
  const part = call.query.get("partNumber");
  const header = call.headers.range;
  if (part !== undefined) {
    if (header !== undefined)
      throw s3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
    const number = /^\d{1,5}$/.test(part) ? Number(part) : 0;
    if (number < 1 || number > 10_000)
      throw s3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
    const range = rangeOfPart(object.details.parts, number, size);
    if (range === null) throw s3Error("InvalidPartNumber");
    return range.start === range.end ? null : range;
  }
  if (header === undefined) return null;
  const isWanted = isRangeWanted(headerIn(call, "if-range"), { etag, modifiedAt: object.modifiedAt });
  const range = isWanted ? parseRange(header, size) : null;
  if (range === "none") {
    call.exchange.response.setHeader("content-range", `bytes */${size}`);
    throw s3Error("InvalidRange");
  }
  return range;
}

const SENT_WITH_304 = ["etag", "last-modified", "cache-control", "expires", "x-amz-version-id"];

function notModifiedHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const few: OutgoingHttpHeaders = {};
  for (const name of SENT_WITH_304) if (headers[name] !== undefined) few[name] = headers[name];
  return few;
}

async function send(
  { exchange }: ObjectCall,
  status: number,
  headers: OutgoingHttpHeaders,
  readings: Readings,
  { start, end }: ByteRange,
): Promise<void> {
  const { response } = exchange;
  if (exchange.method === "HEAD" || start === end) {
    response.writeHead(status, inOrder(headers));
    response.end();
    return;
  }
  // what cannot be opened can still be said with a status
  const body: Readable | Buffer = await readings.read(start, end);
  response.writeHead(status, inOrder(headers));
  if (Buffer.isBuffer(body)) response.end(body);
  else await sendBody(body, response).catch(unlessGone);
}

/** Who went away wants no more of it: nothing has failed. */
function unlessGone(error: unknown): void {
  if ((error as { code?: unknown }).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
}
