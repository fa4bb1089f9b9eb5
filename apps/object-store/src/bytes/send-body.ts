/** Writing bodies out: the memory of what has gone is given back at once, instead of when garbage is collected. */
import type { Readable, Writable } from "node:stream";

import { free } from "./piece-memory.ts";

/** As `pipeline` calls it. */
const goneAway = (): Error => Object.assign(new Error("the reader went away"), { code: "ERR_STREAM_PREMATURE_CLOSE" });

/**
 * As `pipeline` of node:stream/promises: writes all of the body and ends the target; rejects, and destroys both, when one of them
 * fails or goes away. The body MUST be the byte store's own stream, read by nobody else.
 */
export function sendBody(body: Readable, target: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const leave = (error: Error | null): void => {
      if (isOver) return;
      isOver = true;
      body.off("data", onData).off("end", onEnd).off("error", leave).off("close", onBodyClose);
      target.off("drain", onDrain).off("error", leave).off("close", onClose).off("finish", onFinish);
      if (error === null) return resolve();
      for (const one of [body, target]) one.on("error", () => undefined).destroy();
      reject(error);
    };
    const onData = (piece: Buffer): void => {
      if (!target.write(piece, () => free(piece))) body.pause();
    };
    const onDrain = (): void => void body.resume();
    const onEnd = (): void => void target.end();
    const onFinish = (): void => leave(null);
    const onClose = (): void => leave(target.errored ?? goneAway());
    const onBodyClose = (): void => {
      if (!body.readableEnded) leave(body.errored ?? new Error("the body was destroyed"));
    };
    target.on("drain", onDrain).on("error", leave).on("close", onClose).on("finish", onFinish);
    if (target.destroyed) return onClose();
    body.on("end", onEnd).on("error", leave).on("close", onBodyClose).on("data", onData);
  });
}
