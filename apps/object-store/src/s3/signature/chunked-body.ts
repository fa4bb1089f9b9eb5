/**
 * `aws-chunked`: a body in chunks that say their size and, signed, a signature that covers the one before. Bytes are passed
 * on as they come: they count for nothing until the whole body was read, and a wrong signature ends it before that.
 *
 *     <size in hex>[;chunk-signature=<hex>]\r\n <bytes> \r\n ... 0[;chunk-signature=...]\r\n [<trailer>] \r\n
 */
import { type Hash, createHash, hash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

import { markFreeable } from "../../bytes/piece-memory.ts";
import { s3Error } from "../errors.ts";
import type { SignatureChain } from "./caller.ts";
import { isSameSignature, signatureOf } from "./canonical.ts";

const EMPTY_SHA256 = hash("sha256", "", "hex");
const MAX_LINE = 4096;
const MAX_TRAILER_LINES = 8;

type State = "size" | "data" | "after-data" | "trailer" | "end";

export class ChunkedBody extends Transform {
  /** Of the trailer, by lower-case name; complete once the body has ended. */
  readonly trailers: { [name: string]: string } = {};
  readonly #chain: SignatureChain | null;
  readonly #hasTrailer: boolean;
  readonly #ownsInput: boolean;
  #state: State = "size";
  #line = Buffer.alloc(0);
  #left = 0;
  #isLast = false;
  #previous: string;
  #claimed = "";
  #hash: Hash | null = null;
  #trailerText = "";
  #trailerLines = 0;
  #trailerSignature: string | null = null;

  /** `ownsInput`: whoever has read what comes out may have the memory of what went in. */
  constructor(options: { chain: SignatureChain | null; trailer: boolean; ownsInput?: boolean }) {
    super();
    this.#ownsInput = options.ownsInput ?? false;
    this.#chain = options.chain;
    this.#hasTrailer = options.trailer;
    this.#previous = options.chain?.seed ?? "";
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      let at = 0;
      while (at < chunk.length) at = this.#state === "data" ? this.#takeData(chunk, at) : this.#takeLine(chunk, at);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.#state === "end" ? null : s3Error("IncompleteBody", "The request body terminated unexpectedly"));
  }

  #takeData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    const piece = chunk.subarray(at, end);
    this.#hash?.update(piece);
    this.#left -= piece.length;
    // what came before it in the same memory has been read by then
    if (end === chunk.length && this.#ownsInput) markFreeable(piece);
    this.push(piece);
    if (this.#left === 0) {
      this.#finishChunk(this.#hash?.digest("hex") ?? EMPTY_SHA256);
      this.#state = "after-data";
    }
    return end;
  }

  #takeLine(chunk: Buffer, at: number): number {
    const newline = chunk.indexOf(0x0a, at);
    const end = newline < 0 ? chunk.length : newline + 1;
    const piece = chunk.subarray(at, end);
    if (this.#line.length + piece.length > MAX_LINE) throw incomplete("a line is too long");
    const line = this.#line.length === 0 ? piece : Buffer.concat([this.#line, piece]);
    if (newline < 0) {
      this.#line = Buffer.from(line);
      return end;
    }
    this.#line = Buffer.alloc(0);
    // lines of the trailer may end in a bare newline
    this.#onLine(line.toString("latin1").replace(/\r?\n$/, ""));
    return end;
  }

  #onLine(line: string): void {
    if (this.#state === "size") this.#onSize(line);
    else if (this.#state === "after-data") {
      if (line !== "") throw incomplete("a chunk is longer than it said");
      this.#state = "size";
    } else if (this.#state === "trailer") this.#onTrailer(line);
    else if (line !== "") throw incomplete("something follows the last chunk");
  }

  #onSize(line: string): void {
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (match === null || (this.#chain !== null && match[2] === undefined))
      throw incomplete("a chunk does not begin with its size");
    this.#left = Number.parseInt(match[1] ?? "0", 16);
    this.#claimed = match[2] ?? "";
    if (this.#left > 0) {
      this.#hash = this.#chain === null ? null : createHash("sha256");
      this.#state = "data";
      return;
    }
    this.#isLast = true;
    this.#finishChunk(EMPTY_SHA256);
    this.#state = this.#hasTrailer ? "trailer" : "end";
  }

  #finishChunk(sha256: string): void {
    if (this.#chain === null) return;
    const { timestamp, scope, signingKey } = this.#chain;
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${timestamp}\n${scope}\n${this.#previous}\n${EMPTY_SHA256}\n${sha256}`;
    const right = signatureOf(signingKey, text);
    if (!isSameSignature(this.#claimed, right)) throw s3Error("SignatureDoesNotMatch");
    this.#previous = right;
  }

  #onTrailer(line: string): void {
    if (line === "") return this.#finishTrailer();
    const colon = line.indexOf(":");
    if (colon < 1 || (this.#trailerLines += 1) > MAX_TRAILER_LINES) throw incomplete("the trailer is wrong");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") this.#trailerSignature = value;
    else {
      this.trailers[name] = value;
      this.#trailerText += `${name}:${value}\n`;
    }
  }

  #finishTrailer(): void {
    // an empty line may stand between the trailer and its signature
    if (this.#chain !== null && this.#trailerSignature === null && this.#trailerLines > 0) return;
    this.#state = "end";
    if (this.#chain === null) return;
    const { timestamp, scope, signingKey } = this.#chain;
    const digest = hash("sha256", this.#trailerText, "hex");
    const text = `AWS4-HMAC-SHA256-TRAILER\n${timestamp}\n${scope}\n${this.#previous}\n${digest}`;
    if (!isSameSignature(this.#trailerSignature ?? "", signatureOf(signingKey, text)))
      throw s3Error("SignatureDoesNotMatch");
  }

  /** Did its last chunk come? */
  get isComplete(): boolean {
    return this.#isLast;
  }
}

const incomplete = (why: string): Error =>
  s3Error("IncompleteBody", "The request body terminated unexpectedly", { cause: why });
