import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { after, before, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Program, startProgram } from "./testing/program.ts";
import { type TestStore, createTestStore } from "./testing/test-store.ts";

const KILLS = 4;
const CLIENTS = 40;

let stand: TestStore;
let program: Program;

before(async () => {
  stand = await createTestStore();
  program = await startProgram(stand, { workers: 2 });
});
after(async () => {
  await program.end("SIGKILL");
  await stand.stop();
});

const workers = (): number[] => {
  const { pid = 0 } = program.child;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
};

/** On a connection of its own: the answer's status, or what became of the connection. */
function ask(): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(`${program.url}/info`, { agent: false }, (response) => {
      response.resume().once("close", () => resolve(response.complete ? (response.statusCode ?? 0) : "cut off"));
    });
    request.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    request.setTimeout(20_000, () => {
      resolve("nobody answers");
      request.destroy();
    });
  });
}

test("a worker that is killed takes its connections along, and leaves none that nobody answers", async () => {
  const seen = new Set<number | string>();
  const killed = new Set<number>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const isWhole = (pids: number[]): boolean => pids.length === 2 && !pids.some((pid) => killed.has(pid));
    const [victim = 0] = await waitUntil("two workers", () => isWhole(workers()) && workers(), { timeoutMs: 30_000 });
    killed.add(victim);
    await waitUntil("an answer", async () => (await ask()) === 200, { timeoutMs: 30_000 });
    const answers = Array.from({ length: CLIENTS }, (_, index) => {
      if (index === CLIENTS / 2) process.kill(victim, "SIGKILL");
      return ask();
    });
    for (const answer of await Promise.all(answers)) seen.add(answer);
  }
  seen.delete("ECONNRESET");
  seen.delete("ECONNREFUSED");
  seen.delete("cut off");
  assert.deepEqual([...seen], [200]);
});
