import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type Server, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { socketPath } from "./socket-path.ts";

let home: string;
let server: Server;
before(async () => {
  home = mkdtempSync(join(tmpdir(), "andromede-socket-"));
  server = createServer((socket) => socket.end("hello"));
  await new Promise<void>((resolve) => server.listen(join(home, "real.sock"), resolve));
});
after(() => {
  server.close();
  rmSync(home, { recursive: true });
});

function said(path: string): Promise<string> {
  const { path: short, release } = socketPath(path);
  return new Promise((resolve, reject) => {
    const socket = createConnection(short);
    socket.once("connect", release);
    socket.once("error", reject);
    socket.once("data", (data) => resolve(String(data)));
  });
}

test("leads to the socket, and may be let go twice", async () => {
  assert.equal(await said(join(home, "real.sock")), "hello");
  const { release } = socketPath(join(home, "real.sock"));
  release();
  release();
});

test("however long the path is", async () => {
  const deep = join(home, "d".repeat(120));
  mkdirSync(deep);
  const far = createServer((socket) => socket.end("far"));
  // bound by its short name: the limit holds for listening too
  const before = process.cwd();
  process.chdir(deep);
  await new Promise<void>((resolve) => far.listen("far.sock", resolve));
  process.chdir(before);
  try {
    assert.equal(await said(join(deep, "far.sock")), "far");
  } finally {
    far.close();
  }
});

test("a link to another socket is not followed, and what is no socket is not one", () => {
  symlinkSync(join(home, "real.sock"), join(home, "link.sock"));
  writeFileSync(join(home, "file.sock"), "");
  assert.throws(() => socketPath(join(home, "link.sock")), { kind: "unavailable" });
  assert.throws(() => socketPath(join(home, "file.sock")), { kind: "unavailable" });
  assert.throws(() => socketPath(join(home, "nothing.sock")), { code: "ENOENT" });
});
