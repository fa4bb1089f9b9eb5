/** Reading a body to its end without ever destroying it: whoever sent it still waits for an answer. */
import type { Readable } from "node:stream";

import { invalid, tooLarge } from "@andromede/base/errors";

/** What a body may be. */
export type BodyLimits = { size: number | null; maxBytes: number };

/**
 * Gives every piece to `onPiece`, and waits where that says so. Rejects with what the body or `onPiece` fails with, and for a
 * body that is longer or shorter than it may be; the body is then paused, and its rest is the caller's.
 */
export function readBody(
  body: Readable,
  limits: BodyLimits,
  onPiece: (piece: Buffer) => Promise<void> | void,
): Promise<number> {
  const { size, maxBytes } = limits;
  if (size !== null && size > maxBytes) return Promise.reject(tooLong(maxBytes));
  return new Promise((resolve, reject) => {
    let read = 0;
    /** A piece that is still being taken in: a paused stream may end all the same. */
    let waiting: Promise<void> | null = null;
    const leave = (): void => {
      body.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
    };
    const fail = (error: unknown): void => {
      leave();
      body.pause();
      // it may fail later, when nobody looks any more
      body.on("error", () => undefined);
      reject(error instanceof Error ? error : new Error("the body failed", { cause: error }));
    };
    const onData = (piece: Buffer): void => {
      read += piece.length;
      if (size !== null && read > size) return fail(wrongLength(size));
      if (read > maxBytes) return fail(tooLong(maxBytes));
      try {
        const wait = onPiece(piece);
        if (wait === undefined) return;
        body.pause();
        waiting = wait;
        wait.then(() => {
          waiting = null;
          body.resume();
        }, fail);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = (): void => {
      if (size !== null && read < size) return fail(wrongLength(size));
      leave();
      if (waiting === null) resolve(read);
      else waiting.then(() => resolve(read), fail);
    };
    const onError = (error: Error): void => fail(error);
    const onClose = (): void => fail(body.errored ?? cutOff());
    if (body.errored !== null) return fail(body.errored);
    if (body.destroyed) return fail(cutOff());
    if (body.readableEnded) return onEnd();
    body.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
    body.resume();
  });
}

const cutOff = (): Error => invalid("The body ended before its end", { type: "IncompleteBody" });
const wrongLength = (size: number): Error =>
  invalid(`The body does not have the ${size} bytes that were announced`, { type: "IncompleteBody" });
const tooLong = (maxBytes: number): Error =>
  tooLarge(`The body is longer than ${maxBytes} bytes`, { type: "EntityTooLarge" });
