/**
 * Bodies behind each other, as one stream. Pieces are handed on as they come: reading a stream with `for await` joins what has
 * piled up into new memory, twice the memory for nothing.
 */
import { Readable } from "node:stream";

export type Body = Readable | Buffer;

/** `first` is what `rest` gave first, or was to be before it. A body is asked for when the one before it is over. */
export function joined(first: IteratorResult<Body>, rest: AsyncIterator<Body>): Readable {
  let current: Readable | null = null;
  let waits = false;
  const take = (next: IteratorResult<Body>): void => {
    if (out.destroyed) return void (next.done !== true && next.value instanceof Readable && next.value.destroy());
    if (next.done === true) return void out.push(null);
    if (next.value instanceof Readable) return follow(next.value);
    waits = next.value.length > 0 && !out.push(next.value);
    if (!waits) open();
  };
  const open = (): void => {
    current = null;
    rest.next().then(take, (error: unknown) => out.destroy(error instanceof Error ? error : new Error(String(error))));
  };
  const follow = (body: Readable): void => {
    current = body;
    body.on("data", (piece: Buffer) => {
      if (!out.push(piece)) body.pause();
    });
    body.once("end", open).once("error", (error) => out.destroy(error));
    body.once("close", () => {
      if (!body.readableEnded) out.destroy(body.errored ?? new Error("a part of the body ended too early"));
    });
  };
  let begun = false;
  const out = new Readable({
    read() {
      if (!begun) {
        begun = true;
        take(first);
      } else if (waits) {
        waits = false;
        open();
      } else current?.resume();
    },
    destroy(error, done) {
      if (!begun && first.done !== true && first.value instanceof Readable) first.value.destroy();
      current?.destroy();
      rest.return?.().catch(() => undefined);
      done(error);
    },
  });
  return out;
}

/** The same from the beginning. */
export const joinAll = (bodies: AsyncIterator<Body>): Readable =>
  joined({ done: false, value: Buffer.alloc(0) }, bodies);
