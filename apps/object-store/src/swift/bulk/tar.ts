/** Tar archives, read as they come: ustar, GNU's long names, pax headers. No more than a header is held in memory. */
import type { Readable } from "node:stream";

import { invalid } from "@andromede/base/errors";

import { type TarHeader, parsePax, parseTarHeader } from "./tar.model.ts";

export type TarEntry = {
  name: string;
  size: number;
  isFile: boolean;
  /** Extended attributes and the like. */
  pax: { [key: string]: string };
  body: AsyncGenerator<Buffer>;
};

const BLOCK = 512;
/** What describes an entry may be this long: names, attributes. */
const LONGEST_EXTENSION = 1024 * 1024;

export const brokenTar = (why: string, cause?: unknown): Error =>
  invalid(`Invalid Tar File: ${why}`, cause === undefined ? {} : { cause });

/** An entry's body MUST be read before the next entry is asked for; what is left of it is skipped. */
export async function* entriesOf(source: Readable): AsyncGenerator<TarEntry> {
  const reader = new BlockReader(source);
  let pax: { [key: string]: string } = {};
  let everyPax: { [key: string]: string } = {};
  let longName: string | null = null;
  for (;;) {
    const block = await reader.read(BLOCK);
    if (block === null) return;
    const header = parseTarHeader(block);
    if (header === "end") return;
    if (header === "broken") throw brokenTar("invalid header");
    if (header.kind === "pax") pax = { ...pax, ...parsePax(await extension(reader, header)) };
    else if (header.kind === "global-pax") everyPax = { ...everyPax, ...parsePax(await extension(reader, header)) };
    else if (header.kind === "long-name") longName = cutNul(await extension(reader, header));
    else if (header.kind === "long-link") await extension(reader, header);
    else {
      const said = { ...everyPax, ...pax };
      const size = said["size"] === undefined ? header.size : Number(said["size"]);
      if (!Number.isSafeInteger(size) || size < 0) throw brokenTar("invalid size");
      const body = reader.body(size);
      const name = said["path"] ?? longName ?? header.name;
      yield { name, size, isFile: header.kind === "file", pax: said, body };
      for await (const _rest of body);
      await reader.skip((BLOCK - (size % BLOCK)) % BLOCK);
      pax = {};
      longName = null;
    }
  }
}

async function extension(reader: BlockReader, { size }: TarHeader): Promise<Buffer> {
  if (size > LONGEST_EXTENSION) throw brokenTar("a header is too long");
  const content = await reader.read(Math.ceil(size / BLOCK) * BLOCK);
  if (content === null) throw brokenTar("unexpected end of data");
  return content.subarray(0, size);
}

const cutNul = (bytes: Buffer): string => {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
};

class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }

  /** null: the archive ends here. */
  async read(size: number): Promise<Buffer | null> {
    while (this.#held.length < size) {
      if (await this.#more()) continue;
      if (this.#held.length === 0) return null;
      throw brokenTar("unexpected end of data");
    }
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }

  async skip(size: number): Promise<void> {
    if (size > 0) await this.read(size);
  }

  async *body(size: number): AsyncGenerator<Buffer> {
    let left = size;
    try {
      while (left > 0) {
        if (this.#held.length === 0 && !(await this.#more())) throw brokenTar("unexpected end of data");
        const chunk = this.#held.subarray(0, left);
        this.#held = this.#held.subarray(chunk.length);
        left -= chunk.length;
        yield chunk;
      }
    } finally {
      // whoever stopped reading in the middle leaves the rest to be skipped
      await this.#drop(left);
    }
  }

  async #drop(size: number): Promise<void> {
    let left = size;
    while (left > 0 && (this.#held.length > 0 || (await this.#more()))) {
      const dropped = Math.min(left, this.#held.length);
      this.#held = this.#held.subarray(dropped);
      left -= dropped;
    }
  }
}
