/** A program that is killed: what it logged until a moment ago is delivered by the next. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { s3Front } from "../s3/front.ts";
import { ok } from "../s3/testing/answers.ts";
import { type S3Client, createS3Client } from "../s3/testing/client.ts";
import { type Program, startProgram } from "../testing/program.ts";
import { type TestStore, createTestStore } from "../testing/test-store.ts";

const REQUESTS = 25;

let stand: TestStore;
let client: S3Client;
const programs = new Set<Program>();
/** `accessLogSeconds`: when a log is delivered. */
const start = async (accessLogSeconds: number): Promise<Program> => {
  const program = await startProgram(stand, { accessLogSeconds, workers: 1 });
  programs.add(program);
  return program;
};

before(async () => {
  stand = await createTestStore();
  client = createS3Client(await stand.listen({ s3: s3Front }), stand.accessKeyFor());
});
after(async () => {
  for (const program of programs) await program.end("SIGKILL");
  await stand.stop();
});

test("what was logged a second before a kill -9 is delivered by who comes after", async () => {
  for (const name of ["source", "logs"]) await ok(client.send("PUT", `/${name}`));
  await ok(client.send("PUT", "/source/o", { body: "o", headers: { "x-amz-acl": "public-read" } }));
  const logging =
    "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix/></LoggingEnabled></BucketLoggingStatus>";
  await ok(client.send("PUT", "/source", { query: { logging: "" }, body: logging }));
  const { db } = stand.store;
  const written = async (): Promise<number> => {
    const rows = await db<{ lines: string }[]>`select lines from object_access_log`;
    return rows.reduce((sum, { lines }) => sum + lines.split("\n").length - 1, 0);
  };
  const keys = async (): Promise<string[]> => {
    const listed = await ok(client.send("GET", "/logs"));
    return [...listed.text.matchAll(/<Key>([^<]*)/g)].map(([, key = ""]) => key);
  };

  const first = await start(3_600);
  for (let count = 0; count < REQUESTS; count += 1) {
    assert.equal((await ok(createS3Client(first.url, null).send("GET", "/source/o"))).text, "o");
  }
  await waitUntil("the lines", async () => (await written()) === REQUESTS, { timeoutMs: 10_000 });
  await first.end("SIGKILL");
  assert.deepEqual(await keys(), []);

  const second = await start(1);
  const [key = ""] = await waitUntil("the log", async () => ((await keys()).length > 0 ? keys() : false), {
    timeoutMs: 30_000,
  });
  const log = await ok(client.send("GET", `/logs/${key}`));
  const lines = log.text.split("\n").slice(0, -1);
  assert.equal(lines.length, REQUESTS);
  for (const line of lines) assert.match(line, / REST\.GET\.OBJECT o "GET \/source\/o HTTP\/1\.1" 200 - 1 1 .* Yes -$/);
  assert.equal(new Set(lines.map((line) => line.split(" ")[6])).size, REQUESTS, "each request once");
  await waitUntil("an empty table", async () => (await written()) === 0, { timeoutMs: 10_000 });
  assert.equal((await keys()).length, 1);
  assert.deepEqual(await second.end("SIGTERM"), [0, null]);
});
