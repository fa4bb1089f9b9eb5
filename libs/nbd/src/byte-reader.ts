import type { Readable } from "node:stream";

/** Reads a stream in pieces of a given length. One reader at a time. Reads no further ahead than the stream buffers. */
export class ByteReader {
  readonly #stream: Readable;
  #wake: () => void = () => undefined;
  #failure: Error | null = null;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("readable", () => this.#wake());
    stream.once("error", (error) => this.#fail(error));
    stream.once("end", () => this.#fail(new Error("the stream ended")));
    stream.once("close", () => this.#fail(new Error("the stream was closed")));
  }

  /** The next bytes, exactly as many; throws when the stream ends before. */
  async take(length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const got = this.#available(missing);
      if (got === null) {
        if (this.#failure !== null) throw this.#failure;
        // eslint-disable-next-line no-await-in-loop
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      parts.push(got);
      missing -= got.length;
    }
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts, length);
  }

  #available(most: number): Buffer | null {
    const { readableLength } = this.#stream;
    if (readableLength === 0) {
      // Asking is what makes the stream read on.
      this.#stream.read(0);
      return null;
    }
    return this.#stream.read(Math.min(most, readableLength)) as Buffer | null;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
