/**
 * `multipart/form-data` as browsers post it to S3: fields in memory, then one file, whose bytes are what this stream gives.
 * What follows the file is not looked at, as S3 does.
 */
import { Transform, type TransformCallback } from "node:stream";

import { s3Error } from "../errors.ts";

/** All that comes before the file: Amazon's limit. */
const MAX_BEFORE_FILE = 20 * 1024;
const MAX_PART_HEAD = 8 * 1024;

export type Form = {
  /** By lower-case name. */
  fields: Map<string, string>;
  fileName: string;
  fileType: string | undefined;
};

type State = "preamble" | "head" | "field" | "file" | "epilogue";

export class FormBody extends Transform {
  /** Settled when the file begins. */
  readonly form: Promise<Form>;
  readonly #delimiter: Buffer;
  readonly #fields = new Map<string, string>();
  #state: State = "preamble";
  #rest: Buffer = Buffer.from("\r\n");
  #name = "";
  #seen = 0;
  #begun: (form: Form) => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;

  constructor(boundary: string) {
    super();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
    this.form = new Promise((resolve, reject) => {
      this.#begun = resolve;
      this.#failed = reject;
    });
    this.form.catch(() => undefined);
    this.once("error", (error) => this.#failed(error));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
      while (this.#step());
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _flush(done: TransformCallback): void {
    if (this.#state === "epilogue") return done();
    const why = this.#state === "file" ? s3Error("IncompleteBody") : malformed("the form has no file, or no end");
    done(why);
  }

  /** false: it needs more bytes. */
  #step(): boolean {
    switch (this.#state) {
      case "preamble":
        return this.#toDelimiter(() => undefined);
      case "head":
        return this.#head();
      case "field":
        return this.#toDelimiter((value) => this.#fields.set(this.#name, value.toString()));
      case "file":
        return this.#file();
      case "epilogue":
        this.#rest = Buffer.alloc(0);
        return false;
    }
  }

  #spend(bytes: number): void {
    this.#seen += bytes;
    if (this.#seen > MAX_BEFORE_FILE)
      throw s3Error("MaxMessageLengthExceeded", "Your POST request fields preceding the upload file were too large.");
  }

  #toDelimiter(take: (before: Buffer) => void): boolean {
    const at = this.#rest.indexOf(this.#delimiter);
    const end = at + this.#delimiter.length;
    if (at < 0 || this.#rest.length < end + 2) {
      if (this.#rest.length > MAX_BEFORE_FILE) this.#spend(this.#rest.length);
      return false;
    }
    this.#spend(end);
    take(this.#rest.subarray(0, at));
    if (this.#rest[end] === 0x2d) throw malformed("the form has no file");
    this.#rest = this.#rest.subarray(end + 2);
    this.#state = "head";
    return true;
  }

  #head(): boolean {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#rest.length > MAX_PART_HEAD) throw malformed("a part's head is too long");
      return false;
    }
    const head = this.#rest.subarray(0, end).toString();
    this.#spend(end);
    this.#rest = this.#rest.subarray(end + 4);
    // an empty value is followed by its delimiter at once
    const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? "";
    const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
    if (name === undefined) throw malformed("a part has no name");
    this.#name = name.toLowerCase();
    if (this.#name === "file") {
      const path = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1] ?? "";
      this.#state = "file";
      this.#begun({
        fields: this.#fields,
        fileName: path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1),
        fileType: /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1],
      });
    } else this.#state = "field";
    return true;
  }

  #file(): boolean {
    const at = this.#rest.indexOf(this.#delimiter);
    const end = at + this.#delimiter.length;
    if (at >= 0 && this.#rest.length >= end + 2) {
      const isEnd = isLineEnd(this.#rest[end], this.#rest[end + 1]);
      // what only begins like the boundary is the file's own
      this.#give(isEnd ? at : end);
      if (isEnd) this.#state = "epilogue";
      return true;
    }
    // what may be the beginning of the delimiter waits for the rest of it
    this.#give(at >= 0 ? at : this.#rest.length - this.#delimiter.length);
    return false;
  }

  #give(bytes: number): void {
    if (bytes <= 0) return;
    this.push(this.#rest.subarray(0, bytes));
    this.#rest = this.#rest.subarray(bytes);
  }
}

/** A boundary is followed by `--` or the end of its line. */
const isLineEnd = (first: number | undefined, second: number | undefined): boolean =>
  (first === 0x2d && second === 0x2d) || (first === 0x0d && second === 0x0a);

const malformed = (why: string): Error => s3Error("MalformedPOSTRequest", undefined, { cause: why });

/** The boundary of a Content-Type. Throws when it is no form's. */
export function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(
    contentType ?? "",
  );
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined)
    throw s3Error("InvalidArgument", "Bucket POST must be of the enclosure-type multipart/form-data");
  return boundary;
}
