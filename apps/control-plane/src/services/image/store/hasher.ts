/**
 * Hashing without holding up the event loop: threads that are made when needed, lent to one user at a time, and let
 * go when nobody has wanted one for a while. Blocks are transferred to the thread and back, never copied.
 */
import { Worker } from "node:worker_threads";

import { internal } from "@andromede/base/errors";

export type Block = Uint8Array<ArrayBuffer>;
/** Some bytes of a file; an end of Infinity is the file's. */
export type FilePart = { start: number; end: number };

export type HashRequest =
  | { kind: "update"; block: Block; length: number }
  | { kind: "digest" }
  | { kind: "reset" }
  | { kind: "file"; path: string; algorithm: string; part: FilePart };
export type HashAnswer =
  | { kind: "block"; block: Block }
  | { kind: "digest"; digest: string }
  | { kind: "failed"; message: string };

const IDLE_MS = 2_000;
const MOST_THREADS = 4;
/** A block, a digest and some words are all that a thread ever holds. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

/** A thread that hashes for one user. Answers come in the order of the requests. */
class HashThread {
  readonly #worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { resourceLimits: LIMITS });
  #waiting: { resolve: (answer: HashAnswer) => void; reject: (error: Error) => void }[] = [];
  #broken: Error | undefined;
  idleTimer: NodeJS.Timeout | undefined;

  constructor(onEnd: (thread: HashThread) => void) {
    this.#worker.on("message", (answer: HashAnswer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.once("error", (error) => this.#fail(internal("a hash thread failed", { cause: error })));
    this.#worker.once("exit", () => {
      this.#fail(internal("a hash thread ended"));
      onEnd(this);
    });
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting) reject(this.#broken);
    this.#waiting = [];
  }

  ask(request: Exclude<HashRequest, { kind: "reset" }>): Promise<HashAnswer> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request, request.kind === "update" ? [request.block.buffer] : []);
    });
  }

  reset(): void {
    this.#worker.postMessage({ kind: "reset" } satisfies HashRequest);
  }

  /** A thread that nobody uses keeps no process alive. */
  setBusy(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  end(): void {
    void this.#worker.terminate();
  }
}

const idle: HashThread[] = [];
const queue: ((thread: HashThread) => void)[] = [];
let threads = 0;

async function borrow(): Promise<HashThread> {
  const found = idle.pop();
  if (found !== undefined) {
    clearTimeout(found.idleTimer);
    found.setBusy(true);
    return found;
  }
  if (threads >= MOST_THREADS) return new Promise((resolve) => queue.push(resolve));
  threads += 1;
  return new HashThread(forget);
}

function forget(thread: HashThread): void {
  threads -= 1;
  const index = idle.indexOf(thread);
  if (index >= 0) idle.splice(index, 1);
  const next = queue.shift();
  if (next === undefined) return;
  threads += 1;
  next(new HashThread(forget));
}

function giveBack(thread: HashThread): void {
  const next = queue.shift();
  if (next !== undefined) {
    next(thread);
    return;
  }
  thread.setBusy(false);
  idle.push(thread);
  thread.idleTimer = setTimeout(() => thread.end(), IDLE_MS).unref();
}

/** A running sha512. `update` resolves with the block once it may be filled again. */
export type Sha512 = {
  update(block: Block, length: number): Promise<Block>;
  digest(): Promise<string>;
  /** MUST be called when done, whatever happened. */
  release(): void;
};

export async function startSha512(): Promise<Sha512> {
  const thread = await borrow();
  thread.reset();
  return {
    async update(block, length) {
      const answer = await thread.ask({ kind: "update", block, length });
      if (answer.kind !== "block") throw internal("a hash thread answered out of turn");
      return answer.block;
    },
    digest: () => thread.ask({ kind: "digest" }).then(toDigest),
    release: () => giveBack(thread),
  };
}

/** The hash of a file, or of part of it, in hex. */
export async function hashFile(
  path: string,
  algorithm: "md5" | "sha256" | "sha512",
  part: FilePart = { start: 0, end: Infinity },
): Promise<string> {
  const thread = await borrow();
  try {
    return toDigest(await thread.ask({ kind: "file", path, algorithm, part }));
  } finally {
    giveBack(thread);
  }
}

function toDigest(answer: HashAnswer): string {
  if (answer.kind === "digest") return answer.digest;
  throw internal(answer.kind === "failed" ? `hashing failed: ${answer.message}` : "a hash thread answered out of turn");
}
