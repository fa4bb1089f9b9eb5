/** A worker thread: digests, seals and writes the bodies of many requests by turns, and reads others back. */
import { parentPort, workerData } from "node:worker_threads";

import { beginMd5 } from "./digests.ts";
import type { BodyJob } from "./engine.ts";
import { beginBody } from "./local-engine.ts";
import { createMd5Lanes } from "./md5-lanes.ts";
import { openDriver } from "./open-driver.ts";
import { readChunk } from "./read-body.ts";
import { type FromThread, type ThreadData, type ToThread, toSent } from "./thread-messages.ts";

type Reading = { room: number; cancelled: boolean; wake: () => void };

const port = parentPort;
if (port === null) throw new TypeError("thread.ts is run as a worker thread");
const driver = openDriver((workerData as ThreadData).driver);
const writing = new Map<number, BodyJob>();
const reading = new Map<number, Reading>();
let lanes: ReturnType<typeof createMd5Lanes> | null = null;

const tell = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

function write(job: number, options: Extract<ToThread, { type: "write" }>["options"]): void {
  // who begins alone goes on without the others
  const md5 = writing.size === 0 ? beginMd5() : (lanes ??= createMd5Lanes()).begin();
  const body = beginBody(driver, {
    ...options,
    md5,
    onFree: () => tell({ type: "free", job }),
    onChunk: (chunk) => tell({ type: "chunk", job, chunk }),
  });
  writing.set(job, body);
  body.done
    .then(
      (digests) => tell({ type: "written", job, digests }),
      (error: unknown) => tell({ type: "failed", job, error: toSent(error) }),
    )
    .finally(() => writing.delete(job))
    .catch(() => undefined);
}

async function abort(job: number): Promise<void> {
  await writing.get(job)?.abort();
  writing.delete(job);
  tell({ type: "aborted", job });
}

async function read({ job, ranges, key, ahead }: Extract<ToThread, { type: "read" }>): Promise<void> {
  const state: Reading = { room: ahead.runs, cancelled: false, wake: () => undefined };
  reading.set(job, state);
  let chunk = ranges[0]?.chunk;
  try {
    for (const range of ranges) {
      chunk = range.chunk;
      for await (const pieces of readChunk(driver, range, Buffer.from(key), ahead.blocks)) {
        while (state.room === 0 && !state.cancelled) await new Promise<void>((resolve) => (state.wake = resolve));
        if (state.cancelled) return;
        state.room -= 1;
        const sent = pieces as Buffer<ArrayBuffer>[];
        tell(
          { type: "run", job, pieces: sent },
          sent.map((piece) => piece.buffer),
        );
      }
    }
    tell({ type: "end", job });
  } catch (error) {
    tell({ type: "failed", job, error: toSent(error), ...(chunk === undefined ? {} : { chunk }) });
  } finally {
    reading.delete(job);
  }
}

port.on("message", (message: ToThread) => {
  switch (message.type) {
    case "write":
      return write(message.job, message.options);
    case "bytes": {
      const { job, slab, bytes, isLast } = message;
      const body = writing.get(job);
      // it failed while this was on its way
      if (body === undefined) return tell({ type: "free", job });
      return body.push(slab, bytes, isLast);
    }
    case "abort":
      return void abort(message.job);
    case "read":
      return void read(message);
    case "more":
    case "cancel": {
      const state = reading.get(message.job);
      if (state === undefined) return;
      if (message.type === "more") state.room += 1;
      else state.cancelled = true;
      return state.wake();
    }
    default:
      throw new TypeError(`no such message: ${JSON.stringify(message satisfies never)}`);
  }
});
tell({ type: "started", token: driver.token });
