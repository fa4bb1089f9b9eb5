import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import { GuestConsole, knownLength } from "./console.ts";

describe("what the ring has beyond the files", () => {
  const beyond = (known: string, ring: string): string =>
    ring.slice(knownLength(Buffer.from(known), Buffer.from(ring)));

  test("nothing known: all of it", () => assert.equal(beyond("", "abc"), "abc"));
  test("the files' end is in the ring", () => assert.equal(beyond("bc", "abcd"), "d"));
  test("the ring begins inside what is known", () => assert.equal(beyond("abcd", "cdef"), "ef"));
  test("no common piece: all of it", () => assert.equal(beyond("abc", "xyz"), "xyz"));
  test("an empty ring", () => assert.equal(beyond("abc", ""), ""));
  test("nothing new", () => assert.equal(beyond("abc", "abc"), ""));
});

describe("a guest's console", () => {
  let directory: string;
  let server: Server;
  let guest: Promise<Socket>;
  let consoles: GuestConsole[];
  let sockets: Socket[];
  const path = (): string => join(directory, "console.log");
  const open = (): GuestConsole => {
    const made = new GuestConsole(path(), silentLogger);
    consoles.push(made);
    return made;
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "andromede-console-"));
    consoles = [];
    sockets = [];
    // A console that is closed with something unread in it resets the connection.
    server = createServer((socket) => sockets.push(socket.on("error", () => undefined)));
    guest = new Promise((resolve) => server.once("connection", resolve));
    await new Promise<void>((resolve) => server.listen(join(directory, "serial.sock"), resolve));
  });
  afterEach(async () => {
    for (const each of consoles) await each.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test("keeps what the guest says, by lines", async () => {
    const console = open();
    await console.attach(join(directory, "serial.sock"));
    (await guest).write("one\ntwo\nthree\n");
    await waitUntil("the text", async () => (await console.text(undefined)).includes("three"), {
      timeoutMs: 30_000,
      everyMs: 5,
    });
    assert.equal(await console.text(2), "two\nthree\n");
    assert.equal(await console.text(0), "");
    assert.equal(await console.text(99), "one\ntwo\nthree\n");
  });

  test("never keeps more than two files of a mebibyte", async () => {
    const console = open();
    await console.attach(join(directory, "serial.sock"));
    const socket = await guest;
    const block = Buffer.alloc(64 * 1024, "x\n");
    for (let sent = 0; sent < 80; sent += 1) {
      if (!socket.write(block)) await new Promise((resolve) => socket.once("drain", resolve));
    }
    socket.write("the end\n");
    await waitUntil("the end", async () => (await console.text(1)) === "the end\n", { timeoutMs: 30_000, everyMs: 10 });
    assert.deepEqual(
      readdirSync(directory)
        .filter((name) => name.startsWith("console"))
        .toSorted(),
      ["console.log", "console.log.1"],
    );
    for (const name of ["console.log", "console.log.1"]) assert.ok(statSync(join(directory, name)).size <= 1024 * 1024);
  });

  test("keeps the last, not the first, of what a slow disk has no time for", async () => {
    // A pipe that nobody reads yet is as slow as a disk can be.
    execFileSync("mkfifo", [path()]);
    const console = open();
    await console.attach(join(directory, "serial.sock"));
    const socket = await guest;
    const block = Buffer.alloc(64 * 1024, "x\n");
    for (let sent = 0; sent < 160; sent += 1) {
      if (!socket.write(block)) await new Promise((resolve) => socket.once("drain", resolve));
    }
    socket.end("the end\n");
    await console.ended();
    const reader = spawn("cat", [], { stdio: [openSync(path(), "r+"), "pipe", "inherit"] });
    const heard: Buffer[] = [];
    reader.stdout?.on("data", (chunk: Buffer) => heard.push(chunk));
    await waitUntil("the end", () => heard.at(-1)?.toString().endsWith("the end\n"), { timeoutMs: 30_000 });
    reader.kill();
    assert.ok(Buffer.concat(heard).length < 4 * 1024 * 1024);
  });

  test("who watches sees it from then on, and types", async () => {
    const console = open();
    await console.attach(join(directory, "serial.sock"));
    const socket = await guest;
    const watcher = console.watch();
    const heard: string[] = [];
    socket.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
    watcher.write("ls\n");
    await waitUntil("the guest to hear", () => heard.join("") === "ls\n", { timeoutMs: 30_000, everyMs: 5 });
    socket.write("file\n");
    const [seen] = (await watcher.take(1).toArray()) as [Buffer];
    assert.equal(seen.toString(), "file\n");
  });

  test("one who does not keep up is cut off, and the guest is not held up", async () => {
    const console = open();
    await console.attach(join(directory, "serial.sock"));
    const socket = await guest;
    const watcher = console.watch();
    const block = Buffer.alloc(256 * 1024, 0x2e);
    for (let sent = 0; sent < 8; sent += 1) {
      if (!socket.write(block)) await new Promise((resolve) => socket.once("drain", resolve));
    }
    await waitUntil("the watcher to be cut off", () => watcher.destroyed, { timeoutMs: 30_000, everyMs: 5 });
  });

  test("appends what was said while nobody was there, once", async () => {
    const before = open();
    await before.attach(join(directory, "serial.sock"), async () => Buffer.from("one\ntwo\n"));
    assert.equal(await before.text(undefined), "one\ntwo\n");
    await before.close();
    guest = new Promise((resolve) => server.once("connection", resolve));
    const after = open();
    await after.attach(join(directory, "serial.sock"), async () => Buffer.from("two\nthree\n"));
    assert.equal(await after.text(undefined), "one\ntwo\nthree\n");
  });
});
