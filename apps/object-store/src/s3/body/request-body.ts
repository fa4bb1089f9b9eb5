/** The body of a request: where its bytes come from, what is computed over them, and what they must turn out to be. */
import type { Readable } from "node:stream";

import type { DigestName, Digests } from "../../bytes/byte-store.ts";
import { digestsOf } from "../../bytes/digests.ts";
import { isMarked } from "../../bytes/piece-memory.ts";
import { type Call, headerIn } from "../call.ts";
import { s3Error } from "../errors.ts";
import { ChunkedBody } from "../signature/chunked-body.ts";
import {
  type Algorithm,
  algorithmOfHeader,
  badDigest,
  checkValue,
  checksumHeader,
  checksumValue,
  digestNameOf,
  parseAlgorithm,
} from "./checksums.ts";

export type RequestBody = {
  stream: Readable;
  /** null: it is over when it is over. */
  size: number | null;
  digests: DigestName[];
  /** Asked for by the client, whether it says a value or only an algorithm. */
  algorithm: Algorithm | null;
  /** Throws what S3 answers when they are not what was said. Called once all was read. */
  verify(written: { size: number; digests: Digests }): void;
};

/** What a client says of a body before it comes. */
type Declared = {
  md5: string | null;
  algorithm: Algorithm | null;
  /** Base64; null: not said, or in the trailer. */
  checksum: string | null;
  inTrailer: boolean;
};

function readDeclared(call: Call): Declared {
  let algorithm: Algorithm | null = null;
  let checksum: string | null = null;
  for (const name in call.headers) {
    if (!name.startsWith("x-amz-checksum-")) continue;
    const found = algorithmOfHeader(name);
    if (found === null) continue;
    if (algorithm !== null)
      throw s3Error(
        "InvalidRequest",
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      );
    algorithm = found;
    checksum = checkValue(found, headerIn(call, name) ?? "");
  }
  const trailer = call.caller.payload.kind === "chunked" && call.caller.payload.trailer ? trailerOf(call) : null;
  if (trailer !== null && algorithm !== null)
    throw s3Error("InvalidRequest", "Expecting a single x-amz-checksum- header");
  const asked = headerIn(call, "x-amz-sdk-checksum-algorithm");
  algorithm ??= trailer ?? (asked === undefined || asked === "" ? null : parseAlgorithm(asked));
  return { md5: readMd5(call), algorithm, checksum, inTrailer: trailer !== null };
}

function trailerOf(call: Call): Algorithm | null {
  const names = (headerIn(call, "x-amz-trailer") ?? "").split(",").map((name) => name.trim().toLowerCase());
  for (const name of names) {
    if (name === "") continue;
    const algorithm = algorithmOfHeader(name);
    if (algorithm === null)
      throw s3Error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported");
    return algorithm;
  }
  return null;
}

/** Lower-case hex. */
function readMd5(call: Call): string | null {
  const text = headerIn(call, "content-md5");
  if (text === undefined) return null;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== 16 || bytes.toString("base64") !== text.trim()) throw s3Error("InvalidDigest");
  return bytes.toString("hex");
}

const naturalOf = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;

/** Begins to take the body: the client is told to send it. */
export function openBody(call: Call): RequestBody {
  const { payload } = call.caller;
  const declared = readDeclared(call);
  const digests: DigestName[] = ["md5"];
  if (declared.algorithm !== null) digests.push(digestNameOf(declared.algorithm));
  if (payload.kind === "hash" && declared.algorithm !== "SHA256") digests.push("sha256");
  const length = naturalOf(headerIn(call, "content-length"));
  const size = payload.kind === "chunked" ? naturalOf(headerIn(call, "x-amz-decoded-content-length")) : length;
  if (payload.kind === "chunked" ? size === null : size === null && call.headers["transfer-encoding"] === undefined)
    throw s3Error("MissingContentLength");
  const { stream, trailers } = streamOf(call);
  const { algorithm } = declared;
  return {
    stream,
    size,
    digests,
    algorithm,
    verify(written) {
      if (payload.kind === "hash" && written.digests.sha256 !== payload.sha256)
        throw s3Error("XAmzContentSHA256Mismatch");
      if (declared.md5 !== null && written.digests.md5 !== declared.md5) throw s3Error("BadDigest");
      if (algorithm === null) return;
      const value = declared.inTrailer ? trailers?.()[checksumHeader(algorithm)] : declared.checksum;
      if (declared.inTrailer && value === undefined)
        throw s3Error("MalformedXML", "The trailer that x-amz-trailer names is not there");
      if (value === null || value === undefined) return;
      if (checkValue(algorithm, value) !== checksumValue(algorithm, written.digests)) throw badDigest(algorithm);
    },
  };
}

function streamOf(call: Call): { stream: Readable; trailers?: () => { [name: string]: string } } {
  const { payload } = call.caller;
  const source = call.exchange.body();
  if (payload.kind !== "chunked") return { stream: source };
  const body = new ChunkedBody({ ...payload, ownsInput: isMarked(source) });
  // it may fail before anybody reads it, who is told then: an error that nobody listens for would end the process
  body.on("error", () => undefined);
  // what ends the connection ends the body too: never a short one that looks whole
  source.once("error", (error) => body.destroy(error));
  source.once("close", () => {
    if (!source.readableEnded) body.destroy(s3Error("IncompleteBody"));
  });
  source.pipe(body);
  return { stream: body, trailers: () => body.trailers };
}

/** A whole document in memory, checked. */
export async function readDocument(call: Call, maxBytes: number): Promise<Buffer> {
  const length = naturalOf(headerIn(call, "content-length"));
  if (length !== null && length > maxBytes) throw s3Error("MaxMessageLengthExceeded");
  const request = openBodyOrNone(call);
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request.stream as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maxBytes) throw s3Error("MaxMessageLengthExceeded");
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces, size);
  request.verify({ size, digests: digestsOf(request.digests, body) });
  return body;
}

/** A request without a length and an encoding has no body, which a document may be. */
function openBodyOrNone(call: Call): RequestBody {
  const { headers } = call;
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) return openBody(call);
  return openBody({ ...call, headers: { ...headers, "content-length": "0" } });
}
