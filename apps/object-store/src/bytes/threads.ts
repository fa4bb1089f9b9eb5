/**
 * The worker threads of a process, started when the first long body comes. A body stays with one thread, the one that has
 * least to do then. What a thread that dies was doing fails (`unavailable`), and another one is started for what comes next.
 */
import { Readable } from "node:stream";
import { Worker } from "node:worker_threads";

import { unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { Chunk, Digests } from "./byte-store.ts";
import type { Driver, DriverConfig } from "./driver.ts";
import type { BodyJob, Engine, OnReadError } from "./engine.ts";
import { markFreeable } from "./piece-memory.ts";
import { readAhead } from "./read-body.ts";
import type { Slab } from "./slabs.ts";
import { type FromThread, type ThreadData, type ToThread, fromSent } from "./thread-messages.ts";

type Job = {
  hear(message: FromThread): void;
  /** The thread is gone. */
  die(error: Error): void;
};

type Thread = {
  worker: Worker;
  jobs: Map<number, Job>;
  token: string;
  writers: Set<number>;
  /** Ends it when it has had nothing to do for a while. */
  idle: NodeJS.Timeout | null;
};

/** A thread takes 25 MiB. */
const IDLE_MS = 60_000;

export function openThreads(options: {
  config: DriverConfig;
  /** For what a dead thread leaves. */
  driver: Driver;
  log: Logger;
  count: number;
  idleMs?: number;
}): Engine & { readonly threads: readonly Thread[] } {
  const { config, log, count, idleMs = IDLE_MS } = options;
  const threads: Thread[] = [];
  let lastJob = 0;
  let readers = 0;
  let closed = false;

  function start(): Thread {
    const thread = startThread(config, (cause) => {
      if (!threads.includes(thread)) return; // it had nothing to do
      threads.splice(threads.indexOf(thread), 1);
      if (!closed) log.error({ error: cause }, "a thread died; its bodies fail, and the next body gets another thread");
      bury(thread, cause, options);
    });
    threads.push(thread);
    return thread;
  }

  function retire(thread: Thread): void {
    if (thread.jobs.size > 0 || !threads.includes(thread)) return;
    threads.splice(threads.indexOf(thread), 1);
    thread.worker.terminate().catch((error: unknown) => log.warn({ error }, "an idle thread did not end"));
  }

  /** The one that has least to do. */
  function choose(): Thread {
    if (closed) throw unavailable("The store is stopping");
    const idle = threads.find((thread) => thread.jobs.size === 0);
    if (idle !== undefined) return idle;
    if (threads.length < count) return start();
    return threads.reduce((least, thread) => (thread.jobs.size < least.jobs.size ? thread : least));
  }

  function begin<Kind extends Job>(make: (thread: Thread, tell: Tell, leave: () => void) => Kind): Kind {
    const thread = choose();
    lastJob += 1;
    const number = lastJob;
    if (thread.idle !== null) clearTimeout(thread.idle);
    thread.idle = null;
    const leave = (): void => {
      thread.jobs.delete(number);
      if (thread.jobs.size === 0) thread.idle = setTimeout(() => retire(thread), idleMs).unref();
    };
    const job = make(thread, (message) => thread.worker.postMessage({ ...message, job: number }), leave);
    thread.jobs.set(number, job);
    return job;
  }

  return {
    threads,
    beginBody: ({ onFree, ...body }) =>
      begin((thread, tell, leave) => {
        thread.writers.add(body.writerId);
        return createWriting(tell, leave, onFree, body);
      }),
    read(ranges, key, onError) {
      const { stream } = begin((_thread, tell, leave) => {
        readers += 1;
        tell({ type: "read", job: 0, ranges, key, ahead: readAhead(readers) });
        return createReading(
          tell,
          () => {
            readers -= 1;
            leave();
          },
          onError,
        );
      });
      return stream;
    },
    async close() {
      closed = true;
      await Promise.all(threads.map((thread) => thread.worker.terminate()));
    },
  };
}

/** What it was doing fails, and what it left goes. */
function bury(thread: Thread, cause: unknown, { driver, log }: { driver: Driver; log: Logger }): void {
  const error = unavailable("The store lost its thread; try again", { cause });
  for (const job of thread.jobs.values()) job.die(error);
  for (const writerId of thread.token === "" ? [] : thread.writers) {
    driver.removeUnfinished(writerId, thread.token).catch((failure: unknown) => {
      log.warn({ error: failure, writer: writerId }, "what a dead thread left is left to the collector");
    });
  }
}

function startThread(config: DriverConfig, onExit: (cause: unknown) => void): Thread {
  const worker = new Worker(new URL("./thread.ts", import.meta.url), {
    workerData: { driver: config } satisfies ThreadData,
    name: "object-store bytes",
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 },
  });
  worker.unref();
  const thread: Thread = { worker, jobs: new Map(), token: "", writers: new Set(), idle: null };
  let cause: unknown = new Error("it was ended");
  worker.on("message", (message: FromThread) => {
    if (message.type === "started") thread.token = message.token;
    else thread.jobs.get(message.job)?.hear(message);
  });
  worker.on("error", (error: unknown) => {
    cause = error;
  });
  worker.on("exit", () => {
    if (thread.idle !== null) clearTimeout(thread.idle);
    onExit(cause);
  });
  return thread;
}

type Tell = (message: ToThread) => void;
type WritingJob = Job & BodyJob;

function createWriting(
  tell: Tell,
  leave: () => void,
  onFree: (slab: Slab) => void,
  options: Extract<ToThread, { type: "write" }>["options"],
): WritingJob {
  const chunks: Chunk[] = [];
  const end = Promise.withResolvers<Digests>();
  const aborted = Promise.withResolvers<void>();
  end.promise.catch(() => undefined); // whoever aborts does not look
  const out: Slab[] = [];
  let over = false;
  let left = false;
  const leaveWhenDone = (): void => {
    // its slabs come home first
    if (!over || out.length > 0 || left) return;
    left = true;
    leave();
  };
  const finish = (): void => {
    over = true;
    leaveWhenDone();
  };
  tell({ type: "write", job: 0, options });
  return {
    chunks,
    done: end.promise,
    push(slab, bytes, isLast) {
      if (over) return onFree(slab);
      out.push(slab);
      tell({ type: "bytes", job: 0, slab, bytes, isLast });
    },
    abort() {
      if (over) return Promise.resolve();
      tell({ type: "abort", job: 0 });
      return aborted.promise;
    },
    hear(message) {
      if (message.type === "free") {
        const [slab] = out.splice(0, 1);
        if (slab !== undefined) onFree(slab);
        leaveWhenDone();
      } else if (message.type === "chunk") chunks.push(message.chunk);
      else if (message.type === "written") {
        end.resolve(message.digests);
        finish();
        aborted.resolve();
      } else if (message.type === "failed") {
        end.reject(fromSent(message.error));
        finish();
        aborted.resolve();
      } else if (message.type === "aborted") {
        finish();
        aborted.resolve();
      }
    },
    die(error) {
      over = true;
      for (const slab of out.splice(0)) onFree(slab);
      end.reject(error);
      aborted.resolve();
    },
  };
}

type ReadingJob = Job & { stream: Readable };

function createReading(tell: Tell, leave: () => void, onError: OnReadError): ReadingJob {
  /** The last piece of each run counts it off. */
  const queue: { piece: Uint8Array<ArrayBuffer>; endsRun: boolean }[] = [];
  let wanted = false;
  let ended = false;

  const give = (): void => {
    while (wanted) {
      const next = queue.shift();
      if (next === undefined) {
        if (ended) stream.push(null);
        return;
      }
      if (next.endsRun && !ended) tell({ type: "more", job: 0 });
      const { buffer, byteOffset, byteLength } = next.piece;
      wanted = stream.push(markFreeable(Buffer.from(buffer, byteOffset, byteLength)));
    }
  };
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      wanted = true;
      give();
    },
    destroy(error, done) {
      queue.length = 0;
      if (!ended) {
        ended = true;
        tell({ type: "cancel", job: 0 });
        leave();
      }
      done(error);
    },
  });

  function stop(failure?: { chunk: Chunk | undefined; error: Error }): void {
    if (ended) return;
    ended = true;
    leave();
    if (failure === undefined) return give();
    stream.destroy(failure.chunk === undefined ? failure.error : onError(failure.chunk, failure.error));
  }

  return {
    stream,
    hear(message) {
      if (ended) return;
      if (message.type === "run") {
        const last = message.pieces.length - 1;
        for (const [index, piece] of message.pieces.entries()) queue.push({ piece, endsRun: index === last });
        give();
      } else if (message.type === "end") stop();
      else if (message.type === "failed") stop({ chunk: message.chunk, error: fromSent(message.error) });
    },
    die: (error) => stop({ chunk: undefined, error }),
  };
}
