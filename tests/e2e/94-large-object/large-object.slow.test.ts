import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { after, before, describe, it } from "node:test";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { type S3Client, pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { describeCloud } from "../support/cloud.ts";
import { type StoreAccess, startStore, storeProcesses } from "../support/object-store.ts";

const GIB = 2 ** 30;
const SIZE = 20 * GIB;
const S3_PART = 256 * 2 ** 20;
const SEGMENT = GIB;
const MOST_RESIDENT = 200_000_000;

/** A body that is cheap to make and different everywhere: a random mebibyte, each time with its number in front. */
const BLOCK = randomBytes(2 ** 20);
function* bytesOf(start: number, end: number): Generator<Buffer> {
  for (let at = start; at < end; at += BLOCK.length) {
    const block = Buffer.from(BLOCK);
    block.writeDoubleBE(at, 0);
    yield block;
  }
}
const digestOf = (start: number, end: number): string => {
  const hash = createHash("sha256");
  for (const block of bytesOf(start, end)) hash.update(block);
  return hash.digest("hex");
};

describe("an object of 20 GiB", { timeout: 3_600_000 }, () => {
  const cloud = describeCloud("large");
  let store: StoreAccess;
  let s3: S3Client;
  let whole: string;
  let most = 0;
  let watch: NodeJS.Timeout;

  before(async () => {
    store = await startStore(cloud);
    ({ s3 } = store);
    whole = digestOf(0, SIZE);
    watch = setInterval(() => {
      for (const pid of storeProcesses(cloud)) most = Math.max(most, residentOf(pid));
    }, 250);
  });
  after(async () => {
    clearInterval(watch);
    await cloud.andromede("down", "--purge", "--yes", "--keep-engines");
  });

  function residentOf(pid: number): number {
    try {
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  /** Sends a stretch of the body as a stream. */
  async function send(
    url: string,
    headers: { [name: string]: string },
    start: number,
    end: number,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const put = request(
      url,
      { method: "PUT", headers: { ...headers, "content-length": String(end - start) } },
      resolve,
    );
    put.once("error", reject);
    await pipeline(Readable.from(bytesOf(start, end), { objectMode: false }), put);
    const answer = await promise;
    answer.resume();
    return answer;
  }

  async function read(
    url: string,
    headers: { [name: string]: string },
  ): Promise<{ status: number; sha256: string; bytes: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(url, { headers }, resolve).once("error", reject).end();
    const answer = await promise;
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of answer) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    return { status: answer.statusCode ?? 0, sha256: hash.digest("hex"), bytes };
  }

  async function readBack(url: string, headers: { [name: string]: string } = {}): Promise<void> {
    assert.deepEqual(await read(url, headers), { status: 200, sha256: whole, bytes: SIZE });
    const [start, end] = [7 * GIB - 2 ** 20, 7 * GIB + 2 ** 20];
    const range = { ...headers, range: `bytes=${start}-${end - 1}` };
    assert.deepEqual(await read(url, range), { status: 206, sha256: digestOf(start, end), bytes: end - start });
  }

  const assertSmall = (): void => assert.ok(most > 0 && most < MOST_RESIDENT, `${most} bytes resident`);

  it("goes through S3 in parts", async () => {
    assert.equal((await s3.send("PUT", pathOf("large"))).status, 200);
    const path = pathOf("large", "s3");
    const uploadId =
      /<UploadId>([^<]+)</.exec((await s3.send("POST", path, { query: { uploads: "" } })).text)?.[1] ?? "";
    const parts: string[] = [];
    for (let number = 1; (number - 1) * S3_PART < SIZE; number += 1) {
      const signed = s3.presign("PUT", path, { expires: 3600, query: { uploadId, partNumber: String(number) } });
      // eslint-disable-next-line no-await-in-loop
      const answer = await send(store.url + signed, {}, (number - 1) * S3_PART, Math.min(SIZE, number * S3_PART));
      assert.equal(answer.statusCode, 200);
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${String(answer.headers.etag)}</ETag></Part>`);
    }
    const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    assert.equal((await s3.send("POST", path, { query: { uploadId }, body })).status, 200);
    await readBack(store.url + s3.presign("GET", path, { expires: 3600 }));
    assert.equal((await s3.send("DELETE", path)).status, 204);
    assertSmall();
  });

  it("goes through Swift as a static large object", async () => {
    const base = `${store.storageUrl}/large`;
    const token = { "x-auth-token": store.token };
    const manifest: object[] = [];
    for (let start = 0; start < SIZE; start += SEGMENT) {
      const name = `segment-${String(start / SEGMENT).padStart(4, "0")}`;
      // eslint-disable-next-line no-await-in-loop
      const answer = await send(`${base}/${name}`, token, start, start + SEGMENT);
      assert.equal(answer.statusCode, 201);
      manifest.push({ path: `/large/${name}`, etag: answer.headers.etag, size_bytes: SEGMENT });
    }
    const slo = `${new URL(base).pathname}/slo`;
    const body = Buffer.from(JSON.stringify(manifest));
    const made = await s3.raw("PUT", `${slo}?multipart-manifest=put`, token, body);
    assert.equal(made.status, 201, made.text);
    await readBack(`${base}/slo`, token);
    assert.equal((await s3.raw("DELETE", `${slo}?multipart-manifest=delete`, token)).status, 200);
    assertSmall();
  });
});
