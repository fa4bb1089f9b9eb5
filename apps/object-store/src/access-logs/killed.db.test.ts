/** A program that is killed: what it logged until a moment ago is delivered by the next. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { waitUntil } from "@andromede/base/waiting";

import { s3Front } from "../s3/front.ts";
import { ok } from "../s3/testing/answers.ts";
import { type S3Client, createS3Client } from "../s3/testing/client.ts";
import { type TestStore, createTestStore } from "../testing/test-store.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const REQUESTS = 25;

let stand: TestStore;
let client: S3Client;
let directory: string;
const children = new Set<ChildProcess>();

before(async () => {
  stand = await createTestStore();
  client = createS3Client(await stand.listen({ s3: s3Front }), stand.accessKeyFor());
  directory = mkdtempSync(join(tmpdir(), "andromede-killed-"));
});
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await stand.stop();
  rmSync(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A whole program on the store's database and bytes. */
async function start(accessLogSeconds: number): Promise<{ url: string; child: ChildProcess }> {
  const listener = async () => {
    const port = await freePort();
    return { host: "127.0.0.1", port, url: `http://127.0.0.1:${port}` };
  };
  const listeners = { customer: await listener(), operator: await listener() };
  const file = join(directory, `${accessLogSeconds}.json`);
  writeFileSync(file, JSON.stringify({ ...stand.store.config, listeners, accessLogSeconds, workers: 1 }));
  const child = spawn(process.execPath, [MAIN, "--config", file], { stdio: "ignore" });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const { url } = listeners.customer;
  await waitUntil("the program", async () => (await createS3Client(url, null).send("GET", "/")).status > 0, {
    timeoutMs: 30_000,
  });
  return { url, child };
}

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
  const exit = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await exit;
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
  const ended = once(second.child, "exit");
  second.child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});
