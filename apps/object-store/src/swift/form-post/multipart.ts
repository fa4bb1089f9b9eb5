/**
 * `multipart/form-data` (RFC 7578), read as it comes: one part after the other, each with its head and its body, of which no more
 * is held in memory than a chunk and what might be the beginning of a boundary.
 */
import { Readable } from "node:stream";

import { invalid } from "@andromede/base/errors";

export type Part = { headers: { [name: string]: string }; body: AsyncGenerator<Buffer> };

const LONGEST_HEAD = 16 * 1024;

/** A part's body MUST be read before the next part is asked for; what is left of it is skipped. */
export async function* partsOf(source: Readable, boundary: string): AsyncGenerator<Part> {
  const reader = new PartReader(source, Buffer.from(`\r\n--${boundary}`, "latin1"));
  await reader.skipPreamble();
  while (!(await reader.isOver())) {
    const headers = parseHead(await reader.head());
    const body = reader.body();
    yield { headers, body };
    for await (const _rest of body);
  }
}

export const bodyStream = (body: AsyncGenerator<Buffer>): Readable => Readable.from(body, { objectMode: false });

function parseHead(head: string): { [name: string]: string } {
  const headers: { [name: string]: string } = {};
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

class PartReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #delimiter: Buffer;
  // as if a line had ended before the first boundary, which begins the body
  #held: Buffer = Buffer.from("\r\n");
  #ended = false;

  constructor(source: Readable, delimiter: Buffer) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#delimiter = delimiter;
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const next = await this.#chunks.next();
    if (next.done === true) {
      this.#ended = true;
      return false;
    }
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }

  async skipPreamble(): Promise<void> {
    while (this.#held.length < this.#delimiter.length)
      if (!(await this.#more())) throw invalid("FormPost: invalid starting boundary");
    if (!this.#held.subarray(0, this.#delimiter.length).equals(this.#delimiter))
      throw invalid("FormPost: invalid starting boundary");
    this.#held = this.#held.subarray(this.#delimiter.length);
  }

  /** After a boundary: `--` ends all, a line's end begins a part. */
  async isOver(): Promise<boolean> {
    while (this.#held.length < 2) if (!(await this.#more())) return true;
    return this.#held[0] === 0x2d && this.#held[1] === 0x2d;
  }

  async head(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf("\r\n\r\n");
      if (end >= 0) {
        const head = this.#held.subarray(0, end).toString("utf8");
        this.#held = this.#held.subarray(end + 4);
        return head;
      }
      if (this.#held.length > LONGEST_HEAD) throw invalid("FormPost: a part's headers are too long");
      if (!(await this.#more())) throw invalid("FormPost: the form ends before it is over");
    }
  }

  async *body(): AsyncGenerator<Buffer> {
    for (;;) {
      const end = this.#held.indexOf(this.#delimiter);
      if (end >= 0) {
        const last = this.#held.subarray(0, end);
        this.#held = this.#held.subarray(end + this.#delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      const sure = this.#held.length - this.#delimiter.length;
      if (sure > 0) {
        const chunk = this.#held.subarray(0, sure);
        this.#held = this.#held.subarray(sure);
        yield chunk;
      }
      if (!(await this.#more())) throw invalid("FormPost: the form ends before it is over");
    }
  }
}
