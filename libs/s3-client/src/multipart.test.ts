import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";

import { ensureBucket } from "./bucket.ts";
import { type S3Client, bodyOf, createS3Client } from "./client.ts";
import { abortMultipart, beginMultipart, completeMultipart, listMultiparts, putPart } from "./multipart.ts";
import { findObjectBytes, openObject } from "./object.ts";
import { type FakeS3, startFakeS3 } from "./testing/fake-s3.ts";

const keys = { region: "paris", accessKey: "key", secretKey: "secret" };
let server: FakeS3;
let client: S3Client;
before(async () => {
  server = await startFakeS3(keys);
  client = createS3Client({ ...keys, endpoint: server.url, bucket: "things" });
  await ensureBucket(client);
});
beforeEach(() => {
  server.objects.clear();
  server.uploads.clear();
  server.fail.length = 0;
});
after(async () => {
  client.close();
  await server.close();
});

describe("an object in parts", () => {
  it("is there when it is completed, in the order of its parts", async () => {
    const upload = await beginMultipart(client, "one");
    const parts = await Promise.all(
      ["c", "a", "b"].map((text, index) =>
        putPart(client, upload, { number: [3, 1, 2][index] ?? 0, body: bodyOf(Buffer.from(text)) }),
      ),
    );
    assert.equal(await findObjectBytes(client, "one"), null);
    await completeMultipart(client, upload, { parts, bytes: 3 });
    assert.equal(server.objects.get("one")?.toString(), "abc");
    // an answer that was lost is asked for again
    await completeMultipart(client, upload, { parts, bytes: 3 });
    await assert.rejects(completeMultipart(client, upload, { parts, bytes: 4 }), { kind: "notFound" });
  });

  it("leaves nothing when it is aborted; those that are not are listed, page by page", async () => {
    const begun = [];
    for (const key of ["p/1", "p/2", "p/2", "p/3", "q/1"]) begun.push(await beginMultipart(client, key));
    const pages = await Array.fromAsync(listMultiparts(client, "p/"));
    assert.deepEqual(pages.flat(), begun.slice(0, 4));
    assert.ok(pages.length > 1);
    for (const upload of begun) await abortMultipart(client, upload);
    await abortMultipart(client, begun[0] ?? { key: "", uploadId: "" });
    assert.deepEqual((await Array.fromAsync(listMultiparts(client, ""))).flat(), []);
  });

  it("is cut off when nobody waits for it, and not tried again", async () => {
    const upload = await beginMultipart(client, "cut");
    const stop = new AbortController();
    const asked = server.requests.length;
    const part = putPart(client, upload, { number: 1, body: bodyOf(Buffer.alloc(10)), signal: stop.signal });
    stop.abort();
    await assert.rejects(part, { kind: "unavailable" });
    assert.ok(server.requests.length <= asked + 1);
  });
});

describe("an object", () => {
  const read = async (part: { first: number; length: number }): Promise<Buffer> =>
    Buffer.concat(await Array.fromAsync(await openObject(client, "long", part)));

  it("is read on from where a connection broke, and not for ever", async () => {
    const bytes = randomBytes(300_000);
    server.objects.set("long", bytes);
    assert.ok((await read({ first: 0, length: bytes.length })).equals(bytes));
    server.fail.push("cut", "cut");
    assert.ok((await read({ first: 7, length: 250_000 })).equals(bytes.subarray(7, 250_007)));
    assert.equal((await read({ first: 0, length: 0 })).length, 0);
    await assert.rejects(openObject(client, "none", { first: 0, length: 1 }), { kind: "notFound" });
    // shorter than it is said to be: no byte comes after its end
    await assert.rejects(read({ first: 0, length: 300_001 }), /ended early/);
  });
});
