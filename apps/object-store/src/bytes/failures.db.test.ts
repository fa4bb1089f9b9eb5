import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import type { WriteOptions } from "./byte-store.ts";
import { openDriver } from "./open-driver.ts";
import { SLAB_BYTES, type Slab, createSlab } from "./slabs.ts";
import { type TestBytes, createTestBytes, streamOf } from "./testing/test-bytes.ts";
import { openThreads } from "./threads.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

describe("a byte store whose bodies fail", () => {
  let test: TestBytes;
  before(async () => {
    test = await createTestBytes();
  });
  after(() => test.stop());

  const options = (more: Partial<WriteOptions> = {}): WriteOptions => ({
    key: test.key,
    digests: [],
    size: null,
    maxBytes: 2 ** 40,
    mayPack: true,
    ...more,
  });
  const chunkFiles = (): string[] => test.files().filter((name) => name.startsWith("chunks/"));
  /** Files below the store's directory that this process has open for writing or reading chunks. */
  const openChunks = (): string[] =>
    readdirSync("/proc/self/fd").flatMap((name) => {
      try {
        const path = readlinkSync(join("/proc/self/fd", name));
        return path.startsWith(join(test.directory, "chunks")) ? [path] : [];
      } catch {
        return []; // the one that the list itself was read by
      }
    });
  const nothingStays = (): void => {
    assert.deepEqual(chunkFiles(), []);
    assert.deepEqual(openChunks(), []);
  };

  it("refuses what is longer or shorter than announced, and leaves the body to its sender", async () => {
    const body = randomBytes(3 * MIB);
    for (const size of [10, 100 * KIB, 2 * MIB, 3 * MIB - 1, 3 * MIB + 1]) {
      const stream = streamOf(body);
      await assert.rejects(test.bytes.write(stream, options({ size })), { kind: "invalid" });
      if (size < body.length - 1) assert.equal(stream.destroyed, false, "somebody still waits for an answer");
      nothingStays();
    }
  });

  it("refuses what is too long: before a byte is read where that is known, else as soon as it is", async () => {
    const body = randomBytes(3 * MIB);
    await assert.rejects(test.bytes.write(streamOf(body), options({ size: body.length, maxBytes: 100 })), {
      kind: "tooLarge",
    });
    await assert.rejects(test.bytes.write(streamOf(body), options({ maxBytes: 2 * MIB })), { kind: "tooLarge" });
    nothingStays();
  });

  it("rejects with what the body fails with, wherever it fails", async () => {
    for (const at of [0, 1000, 300 * KIB, 5 * MIB]) {
      const broken = new Error("the client went away");
      async function* pieces() {
        for (let sent = 0; sent < at; sent += 100) yield randomBytes(100);
        throw broken;
      }
      const body = Readable.from(at > MIB ? chunked(at, broken) : pieces(), { objectMode: false });
      await assert.rejects(test.bytes.write(body, options()), (error) => error === broken);
      nothingStays();
    }
  });

  it("rejects when the body is cut off without a word", async () => {
    const body = new Readable({ read: () => undefined });
    body.push(randomBytes(800 * KIB));
    const writing = test.bytes.write(body, options());
    await waitUntil("the first bytes to be written", () => chunkFiles().length > 0, { timeoutMs: 5_000, everyMs: 5 });
    body.destroy();
    await assert.rejects(writing, { kind: "invalid" });
    nothingStays();
  });

  it("lets go of everything when a reader goes away", async () => {
    const body = randomBytes(9 * MIB);
    const written = await test.write(body);
    for (const [index, end] of [9 * MIB, 9 * MIB, 200 * KIB, 9 * MIB].entries()) {
      const stream = test.bytes.read(written.placement, { key: test.key, start: 0, end });
      if (index > 0) await new Promise((resolve) => stream.once("data", resolve));
      stream.destroy();
      await waitUntil("the file to be closed", () => openChunks().length === 0, { timeoutMs: 5_000, everyMs: 5 });
    }
    // what was slow is still whole
    const slow = test.bytes.read(written.placement, { key: test.key, start: 1, end: 9 * MIB });
    const got: Buffer[] = [];
    for await (const piece of slow) {
      got.push(piece as Buffer);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(Buffer.concat(got).equals(body.subarray(1)));
    await written.settle(false);
    nothingStays();
  });

  it("takes another number when the writer's is full", async () => {
    const store = await test.another({ limits: { chunksPerWriter: 2 } });
    const first = store.writerId;
    for (let count = 0; count < 3; count += 1) {
      const written = await store.write(streamOf(randomBytes(100 * KIB)), options());
      assert.equal(written.writerId === first, count < 2);
      await written.settle(false);
    }
    await waitUntil(
      "the end of the full one",
      async () => (await test.db`select 1 from object_writer where id = ${first} and ended_at is not null`).length > 0,
      { timeoutMs: 5_000, everyMs: 10 },
    );
  });

  it("fails the bodies of a thread that dies, and goes on with another", async () => {
    const { writerId } = test.bytes;
    const config = { driver: "fs" as const, directory: test.directory };
    const threads = openThreads({ config, driver: openDriver(config), log: silentLogger, count: 1 });
    const freed: Slab[] = [];
    const begin = () => threads.beginBody({ writerId, key: test.key, digests: [], onFree: (slab) => freed.push(slab) });
    const job = begin();
    job.push(createSlab(), SLAB_BYTES, false);
    await waitUntil("the first slab", () => freed.length === 1, { timeoutMs: 10_000, everyMs: 5 });
    assert.equal(chunkFiles().length, 1);
    const dying = threads.threads[0]?.worker.terminate();
    job.push(createSlab(), SLAB_BYTES, true);
    await assert.rejects(job.done, { kind: "unavailable" });
    await dying;
    assert.equal(freed.length, 2, "its slabs are not waited for");
    await waitUntil("what it left to go", () => chunkFiles().length === 0, { timeoutMs: 5_000, everyMs: 5 });

    const next = begin();
    next.push(createSlab(), 1000, true);
    assert.ok((await next.done).md5);
    assert.equal(next.chunks.length, 1);
    await threads.close();
    removeChunks();
  });

  it("ends a thread that has nothing to do, and starts another when there is", async () => {
    const { writerId } = test.bytes;
    await openDriver({ driver: "fs", directory: test.directory }).prepareWriter(writerId);
    const config = { driver: "fs" as const, directory: test.directory };
    const threads = openThreads({ config, driver: openDriver(config), log: silentLogger, count: 1, idleMs: 1 });
    for (let round = 0; round < 3; round += 1) {
      const job = threads.beginBody({ writerId, key: test.key, digests: [], onFree: () => undefined });
      job.push(createSlab(), 1000, true);
      assert.ok((await job.done).md5);
      await waitUntil("the thread to end", () => threads.threads.length === 0, { timeoutMs: 5_000, everyMs: 5 });
    }
    await threads.close();
    removeChunks();
  });

  const removeChunks = (): void => rmSync(join(test.directory, "chunks"), { recursive: true });
});

async function* chunked(bytes: number, end: Error): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < bytes; sent += 64 * KIB) yield randomBytes(64 * KIB);
  throw end;
}

describe("a byte store on a disk that is full", () => {
  const directory = mkdtempSync(join(tmpdir(), "andromede-full-"));
  let test: TestBytes;
  before(async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", directory]);
    test = await createTestBytes({ directory });
  });
  after(async () => {
    await test.stop();
    execFileSync("umount", [directory]);
    rmSync(directory, { recursive: true });
  });

  it("says so, keeps nothing half made and all that was kept, and goes on when there is room", async () => {
    const kept = randomBytes(2 * MIB);
    const small = randomBytes(30 * KIB);
    const [written, packed] = [await test.write(kept), await test.write(small)];
    const files = test.files();
    await assert.rejects(test.write(randomBytes(9 * MIB)), { kind: "noCapacity" });
    assert.deepEqual(test.files(), files);

    const filler = join(directory, "filler");
    fillUp(filler);
    const failing = await Promise.allSettled([1, 2, 3].map(() => test.write(randomBytes(40 * KIB))));
    for (const one of failing)
      assert.equal(one.status === "rejected" && (one.reason as { kind?: string }).kind, "noCapacity");
    await assert.rejects(test.write(randomBytes(200 * KIB)), { kind: "noCapacity" });

    rmSync(filler);
    const later = randomBytes(50 * KIB);
    const again = await test.write(later);
    assert.ok(later.equals(await test.read(again.placement, 0, later.length)));
    assert.ok(small.equals(await test.read(packed.placement, 0, small.length)));
    assert.ok(kept.equals(await test.read(written.placement, 0, kept.length)));
    const large = await test.write(kept);
    await Promise.all([written, packed, again, large].map((one) => one.settle(true)));
  });
});

/** To the last page. */
function fillUp(file: string): void {
  for (const bytes of [MIB, 64 * KIB, 4 * KIB]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(bytes), { flag: "a" });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
}
