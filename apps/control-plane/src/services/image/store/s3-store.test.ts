import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { createS3Client } from "@andromede/s3-client/client";
import { type FakeS3, startFakeS3 } from "@andromede/s3-client/testing/fake-s3";

import { type ImageBytes, bytesName } from "./bytes-name.ts";
import type { ImageStore } from "./image-store.ts";
import { openS3Store } from "./s3-store.ts";
import { partBytes } from "./send-parts.ts";

const MIB = 1024 * 1024;
const KEYS = { region: "paris", accessKey: "key", secretKey: "secret" };

let server: FakeS3;
let directory: string;
const opened: ImageStore[] = [];
beforeEach(async () => {
  server = await startFakeS3(KEYS);
  directory = mkdtempSync(join(tmpdir(), "andromede-s3-store-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await server.close();
  rmSync(directory, { recursive: true });
});

function openStore(options: { cacheBytes?: number; owner?: string } = {}): ImageStore {
  const { cacheBytes = 1024 * MIB, owner = "us" } = options;
  const client = createS3Client({ ...KEYS, endpoint: server.url, bucket: "images" });
  const store = openS3Store({ directory, cacheBytes, client, owner, log: silentLogger });
  opened.push(store);
  return store;
}

let count = 0;
function newBytes(): ImageBytes {
  count += 1;
  const number = String(count).padStart(12, "0");
  return { imageId: `00000000-0000-4000-8000-${number}`, uploadId: randomBytes(8).toString("hex") };
}

async function keep(store: ImageStore, data: Buffer): Promise<ImageBytes> {
  const of = newBytes();
  await store.prepare();
  await store.receive(of, Readable.from([data]), { maxBytes: data.length, expectedBytes: null });
  await store.publish(of);
  return of;
}

async function read(store: ImageStore, of: ImageBytes, part: { first: number; length: number }): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const response = new Writable({
    highWaterMark: 1,
    write(piece: Buffer, _encoding, done) {
      pieces.push(Buffer.from(piece));
      setImmediate(done);
    },
  });
  await (await store.open(of, part)).write(response);
  return Buffer.concat(pieces);
}

const copyOf = (of: ImageBytes): string => join(directory, "copies", bytesName(of));
const objectNames = (): string[] => [...server.objects.keys()].filter((key) => key.startsWith("images/"));
const use = (of: ImageBytes, hoursAgo: number): void => {
  const at = new Date(Date.now() - hoursAgo * 3_600_000);
  utimesSync(copyOf(of), at, at);
};

describe("image bytes in a bucket", () => {
  it("go out in parts while they come in, and are there once they are published", async () => {
    const store = openStore();
    await store.prepare();
    const of = newBytes();
    const data = randomBytes(37 * MIB + 5);
    let sentBefore = 0;
    async function* body(): AsyncGenerator<Buffer> {
      yield data.subarray(0, 20 * MIB);
      // the first part is on its way before the body's end
      while (![...server.uploads.values()].some(({ parts }) => parts.size > 0))
        await new Promise((resolve) => setImmediate(resolve));
      sentBefore = server.objects.size;
      yield data.subarray(20 * MIB);
    }
    await store.receive(of, Readable.from(body()), { maxBytes: data.length, expectedBytes: null });
    await store.publish(of);
    assert.equal(sentBefore, 1, "nothing but the owner's mark was there before the end");
    assert.ok(server.objects.get(`images/${bytesName(of)}`)?.equals(data));
    assert.equal(server.uploads.size, 0);
    rmSync(copyOf(of));
    server.fail.push("cut");
    assert.ok((await read(store, of, { first: 3, length: 36 * MIB })).equals(data.subarray(3, 36 * MIB + 3)));
    assert.ok(readFileSync(await store.file(of)).equals(data));
    await store.remove(of);
    assert.deepEqual(objectNames(), []);
    assert.equal(existsSync(copyOf(of)), false);
    await assert.rejects(store.file(of), { kind: "notFound" });
    await assert.rejects(store.open(of, { first: 0, length: 1 }), { kind: "unavailable" });
  });

  it("that cannot be sent end the upload at once, and leave nothing", async () => {
    const store = openStore();
    await store.prepare();
    for (const [status, kind] of [
      [507, "tooLarge"],
      [403, "internal"],
    ] as const) {
      const of = newBytes();
      async function* body(): AsyncGenerator<Buffer> {
        server.fail.push(status);
        // never ends by itself
        for (;;) yield await new Promise<Buffer>((resolve) => setImmediate(resolve, Buffer.alloc(MIB)));
      }
      await assert.rejects(
        store.receive(of, Readable.from(body()), { maxBytes: Infinity, expectedBytes: null }),
        { kind },
        String(status),
      );
      server.fail.length = 0;
      await store.remove(of);
      assert.deepEqual([objectNames(), server.uploads.size], [[], 0]);
      assert.deepEqual(readdirSync(join(directory, "incoming")), []);
    }
  });

  it("are listed wherever something of them is", async () => {
    const store = openStore();
    const whole = await keep(store, Buffer.from("whole"));
    const [half, object, left] = [newBytes(), newBytes(), newBytes()];
    writeFileSync(join(directory, "incoming", bytesName(half)), "x");
    writeFileSync(join(directory, bytesName(left)), "x");
    server.objects.set(`images/${bytesName(object)}`, Buffer.from("x"));
    const cut = newBytes();
    server.uploads.set("one", { key: `images/${bytesName(cut)}`, parts: new Map() });
    const names = (await store.list()).map(bytesName).toSorted();
    assert.deepEqual(names, [whole, half, object, left, cut].map(bytesName).toSorted());
    for (const each of await store.list()) await store.remove(each);
    assert.deepEqual([await store.list(), server.uploads.size], [[], 0]);
  });

  it("of another installation are left alone", async () => {
    await keep(openStore(), Buffer.from("ours"));
    const other = openStore({ owner: "them" });
    await assert.rejects(other.list(), { kind: "unavailable" });
    await assert.rejects(keep(other, Buffer.from("theirs")), { kind: "unavailable" });
    assert.equal((await openStore().list()).length, 1);
  });

  it("that a store of files left are brought to it, also when that was cut off before", async () => {
    const store = openStore();
    await store.prepare();
    const [small, large, done] = [newBytes(), newBytes(), newBytes()];
    const data = randomBytes(18 * MIB);
    for (const each of [small, done]) writeFileSync(join(directory, bytesName(each)), "data");
    writeFileSync(join(directory, bytesName(large)), data);
    server.uploads.set("cut", { key: `images/${bytesName(large)}`, parts: new Map() });
    server.objects.set(`images/${bytesName(done)}`, Buffer.from("data"));
    assert.equal(await store.file(large), join(directory, bytesName(large)), "meanwhile they are where they were");
    await store.tidy([small, large, done]);
    assert.deepEqual(objectNames().toSorted(), [small, large, done].map((of) => `images/${bytesName(of)}`).toSorted());
    assert.ok(server.objects.get(`images/${bytesName(large)}`)?.equals(data));
    assert.equal(server.uploads.size, 0);
    assert.deepEqual(readdirSync(directory).toSorted(), ["copies", "incoming"]);
    assert.equal(await store.find(large), copyOf(large));
  });
});

describe("copies of what is in a bucket", () => {
  it("are brought once for all who ask, and again when they were thrown away", async () => {
    const store = openStore();
    const of = await keep(store, randomBytes(3 * MIB));
    rmSync(copyOf(of));
    assert.equal(await store.find(of), null);
    const asked = server.requests.filter((request) => request.startsWith("GET images/")).length;
    const paths = await Promise.all([store.file(of), store.file(of), store.file(of)]);
    assert.deepEqual(new Set(paths), new Set([copyOf(of)]));
    assert.equal(server.requests.filter((request) => request.startsWith("GET images/")).length, asked + 1);
    assert.deepEqual(readdirSync(join(directory, "copies")), [bytesName(of)]);
  });

  it("go when there are too many: the longest unused first, none that was handed out within the hour", async () => {
    const store = openStore({ cacheBytes: 2 * MIB });
    const all = [];
    for (let number = 0; number < 4; number += 1) all.push(await keep(store, randomBytes(MIB)));
    const [first, second, third, fourth] = all as [ImageBytes, ImageBytes, ImageBytes, ImageBytes];
    use(first, 5);
    use(second, 9);
    use(third, 3);
    use(fourth, 4);
    const partial = join(directory, "copies", `${bytesName(first)}.0011223344556677.partial`);
    writeFileSync(partial, "half");
    utimesSync(partial, 0, 0);
    await store.file(second);
    await store.tidy(all);
    assert.deepEqual(
      all.map((of) => existsSync(copyOf(of))),
      [false, true, true, false],
    );
    assert.equal(existsSync(partial), false);
    assert.equal(objectNames().length, 4);
    for (const each of [second, third]) await store.file(each);
    await openStore({ cacheBytes: 0 }).tidy(all);
    assert.deepEqual(
      [second, third].map((of) => existsSync(copyOf(of))),
      [true, true],
    );
  });

  it("are not made of what breaks off for good", async () => {
    const store = openStore();
    const of = await keep(store, randomBytes(MIB));
    rmSync(copyOf(of));
    server.fail.push("none", "cut", 403, 403);
    await assert.rejects(store.file(of), { kind: "internal" });
    assert.deepEqual(readdirSync(join(directory, "copies")), []);
    assert.ok(existsSync(await store.file(of)));
  });
});

describe("parts", () => {
  it("are few enough for the largest image, and small enough to be sent", () => {
    let bytes = 0;
    for (let number = 1; number <= 10_000; number += 1) {
      bytes += partBytes(number);
      if (bytes < 4 * 1024 ** 4) assert.ok(partBytes(number) <= 5 * 1024 ** 3);
    }
    assert.ok(bytes > 4 * 1024 ** 4, "Glance's cap is 1 TiB");
  });
});
