/** Hashes off the event loop. Runs as a worker thread; `hasher.ts` is its only user. */
import { type Hash, createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";

import type { FilePart, HashAnswer, HashRequest } from "./hasher.ts";

const port = parentPort;
if (port === null) throw new Error("hash-worker.ts is a worker thread's program");
let running: Hash | undefined;

port.on("message", (request: HashRequest) => {
  switch (request.kind) {
    case "update":
      running ??= createHash("sha512");
      running.update(request.block.subarray(0, request.length));
      // the block goes home: blocks are used again and again, so that a large image costs a few megabytes
      answer({ kind: "block", block: request.block });
      break;
    case "digest":
      answer({ kind: "digest", digest: (running ?? createHash("sha512")).digest("hex") });
      running = undefined;
      break;
    case "reset":
      running = undefined;
      break;
    case "file":
      answer(hashOfFile(request.path, request.algorithm, request.part));
      break;
  }
});

function answer(message: HashAnswer): void {
  port?.postMessage(message, message.kind === "block" ? [message.block.buffer] : []);
}

function hashOfFile(path: string, algorithm: string, { start, end }: FilePart): HashAnswer {
  try {
    const descriptor = openSync(path, "r");
    try {
      const hash = createHash(algorithm);
      const block = new Uint8Array(1024 * 1024);
      for (let at = start; at < end;) {
        const read = readSync(descriptor, block, 0, Math.min(block.length, end - at), at);
        if (read === 0) break;
        hash.update(block.subarray(0, read));
        at += read;
      }
      return { kind: "digest", digest: hash.digest("hex") };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}
