import type { FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";

import { internal, unavailable } from "@andromede/base/errors";

const BLOCK_BYTES = 512 * 1024;
const BLOCKS = 4;

/**
 * Part of a file to a response, then closes the file. A block is read while those before it are on their way, and used
 * again once the socket has it: with a new block for each read, half of the time would go into making them.
 */
export async function sendFile(
  file: FileHandle,
  response: Writable,
  part: { first: number; length: number },
): Promise<void> {
  const blocks = new Blocks(Math.min(BLOCK_BYTES, part.length));
  const onClose = (): void => blocks.fail(unavailable("the client has gone"));
  response.once("close", onClose);
  try {
    for (let sent = 0; sent < part.length;) {
      const block = await blocks.take();
      const { bytesRead } = await file.read(block, 0, Math.min(block.length, part.length - sent), part.first + sent);
      if (bytesRead === 0) throw internal("an image's file is shorter than its size");
      sent += bytesRead;
      response.write(bytesRead === block.length ? block : block.subarray(0, bytesRead), (error) => {
        if (error) blocks.fail(error);
        else blocks.give(block);
      });
    }
    await blocks.allHome();
  } finally {
    response.off("close", onClose);
    await file.close();
  }
}

/** A few buffers that go round. */
class Blocks {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];
  #made = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  async take(): Promise<Buffer> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const found = this.#free.pop();
      if (found !== undefined) return found;
      if (this.#made < BLOCKS) {
        this.#made += 1;
        return Buffer.allocUnsafeSlow(this.#bytes);
      }
      await this.#change();
    }
  }

  /** Everything that was lent is back: the socket has taken it all. */
  async allHome(): Promise<void> {
    while (this.#free.length < this.#made) {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#change();
    }
  }

  give(block: Buffer): void {
    this.#free.push(block);
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
