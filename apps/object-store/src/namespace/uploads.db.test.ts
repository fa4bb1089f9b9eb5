import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";

import { type Bench, createBench } from "../testing/namespace-bench.ts";
import type { Container } from "./container.model.ts";
import type { Namespace, Upload } from "./namespace.ts";

const PART = 5 * 1024 * 1024;

describe("uploads", () => {
  let bench: Bench;
  const origin = () => bench.originFor();
  const space = () => bench.store.namespace;
  before(async () => {
    bench = await createBench({ chunkBytes: 3 * 1024 * 1024 });
  });
  after(() => bench.stop());

  const begin = (container: Container, key = "key"): Promise<Upload> =>
    space().createUpload(origin(), container, { key, contentType: "text/plain", metadata: { a: "b" }, details: {} });
  const send = (container: Container, upload: Upload, number: number, body: string) =>
    space().putPart(origin(), container, upload, {
      number,
      body: Readable.from([Buffer.from(body)]),
      size: Buffer.byteLength(body),
      maxBytes: 1 << 30,
      digests: [],
    });
  const complete = (container: Container, upload: Upload, parts: { number: number; etag: string }[]) =>
    space().completeUpload(origin(), container, upload, parts, { etag: `whole-${parts.length}`, details: {} });

  it("become one object of the parts that are named, and the others go", async () => {
    const container = await bench.container();
    const upload = await begin(container);
    assert.deepEqual(await space().findUpload(container, "key", upload.id), upload);
    assert.equal(await space().findUpload(container, "other", upload.id), null);
    const bodies = ["a", "b", "c"].map((letter) => letter.repeat(PART));
    await send(container, upload, 7, "never named");
    await send(container, upload, 2, "sent anew");
    const parts = [];
    for (const [index, body] of bodies.entries()) parts.push(await send(container, upload, index + 1, body));
    const { parts: listed, truncated } = await space().listParts(upload, 1, 2);
    assert.deepEqual([listed.map(({ number }) => number), truncated], [[2, 3], true]);
    const whole = await complete(container, upload, parts);
    assert.equal(whole.size, 3 * PART);
    assert.deepEqual(whole.details.parts, [PART, PART, PART]);
    const found = await space().findObject(container, "key");
    assert.deepEqual(found, whole);
    const hash = createHash("md5")
      .update(await bench.read(container, whole))
      .digest("hex");
    assert.equal(hash, createHash("md5").update(bodies.join("")).digest("hex"));
    assert.equal(await bench.read(container, whole, { start: PART - 2, end: PART + 2 }), "aabb");
    assert.equal(await space().findUpload(container, "key", upload.id), null);
    await assert.rejects(complete(container, upload, parts), { type: "NoSuchUpload" });
    await assert.rejects(send(container, upload, 1, "late"), { type: "NoSuchUpload" });
    assert.deepEqual(await space().containerUsage(container), { objects: 1, bytes: 3 * PART });
    assert.deepEqual(await bench.faults(), []);
  });

  it("are refused as a whole when a part is not as named, and go on", async () => {
    const container = await bench.container();
    const upload = await begin(container);
    const one = await send(container, upload, 1, "short");
    const two = await send(container, upload, 2, "last");
    await assert.rejects(complete(container, upload, [{ number: 1, etag: "wrong" }]), { type: "InvalidPart" });
    await assert.rejects(complete(container, upload, [{ number: 9, etag: one.etag }]), { type: "InvalidPart" });
    await assert.rejects(complete(container, upload, [two, one]), { type: "InvalidPartOrder" });
    await assert.rejects(complete(container, upload, [one, two]), { type: "EntityTooSmall" });
    await assert.rejects(complete(container, upload, []), { kind: "invalid" });
    const done = await complete(container, upload, [{ number: 2, etag: `"${two.etag}"` }]);
    assert.equal(await bench.read(container, done), "last");
    assert.deepEqual(await bench.faults(), []);
  });

  it("end once: completed or aborted, with parts still coming", async () => {
    const container = await bench.container();
    let completed = 0;
    for (let round = 0; round < 6; round += 1) {
      const upload = await begin(container, `key${round}`);
      const part = await send(container, upload, 1, "body");
      const [done, aborted] = await Promise.allSettled([
        complete(container, upload, [part]),
        space().abortUpload(origin(), container, upload),
        send(container, upload, 1, "late"),
        send(container, upload, 2, "late"),
      ]);
      const there = await space().findObject(container, `key${round}`);
      const wasCompleted = done.status === "fulfilled";
      completed += Number(wasCompleted);
      assert.equal(there !== null, wasCompleted);
      // a completion may also be refused because its part was just sent anew
      assert.ok(!(wasCompleted && aborted.status === "fulfilled"));
      assert.equal(await space().findUpload(container, `key${round}`, upload.id), null);
    }
    assert.equal((await space().containerUsage(container)).objects, completed);
    assert.deepEqual(await bench.faults(), []);
  });

  for (const whose of ["container", "account"] as const)
    it(`count in the quota of the ${whose} while they are not complete`, async () => {
      const container = await bench.container(whose === "container" ? { quotaBytes: 2 * PART } : {});
      if (whose === "account") await space().updateAccount(origin(), container.projectId, { quotaBytes: 2 * PART });
      const upload = await begin(container);
      const other = await begin(container, "other");
      const full = { kind: "overQuota", type: "QuotaExceeded" };
      const one = await send(container, upload, 1, "a".repeat(PART));
      await assert.rejects(send(container, other, 1, "b".repeat(PART + 1)), full);
      const two = await send(container, upload, 2, "b".repeat(PART));
      assert.deepEqual(await space().containerUsage(container), { objects: 0, bytes: 0 });
      await assert.rejects(send(container, other, 1, "c"), full, "of another upload");
      await assert.rejects(bench.put(container, "plain", "c"), full, "of an object");
      // what a client sends anew takes the place of what it sent before
      assert.deepEqual((await send(container, upload, 2, "b".repeat(PART))).etag, two.etag);
      await complete(container, upload, [one, two]);
      assert.deepEqual(await space().containerUsage(container), { objects: 1, bytes: 2 * PART });
      await assert.rejects(send(container, other, 1, "c"), full);
      await space().deleteObject(origin(), container, "key");
      await send(container, other, 1, "c".repeat(2 * PART));
      await space().abortUpload(origin(), container, other);
      await bench.put(container, "plain", "c".repeat(2 * PART));
      assert.deepEqual(await bench.faults(), []);
    });

  it("keep their container, and are listed by key, the oldest first", async () => {
    const container = await bench.container();
    const made = [];
    for (const key of ["b", "a/1", "a/1", "a/2", "c"]) made.push(await begin(container, key));
    const ids = made.map(({ id }) => id);
    await assert.rejects(space().deleteContainer(origin(), container), { type: "BucketNotEmpty" });
    const list = async (range: Parameters<Namespace["listUploads"]>[1]) => {
      const page = await space().listUploads(container, range);
      return [page.entries.map((entry) => ("prefix" in entry ? entry.prefix : ids.indexOf(entry.id))), page.truncated];
    };
    assert.deepEqual(await list({ limit: 10 }), [[1, 2, 3, 0, 4], false]);
    assert.deepEqual(await list({ limit: 2 }), [[1, 2], true]);
    assert.deepEqual(await list({ limit: 2, marker: "a/1", uploadIdMarker: ids[1] ?? "" }), [[2, 3], true]);
    assert.deepEqual(await list({ limit: 1, marker: "a/1", uploadIdMarker: ids[1] ?? "" }), [[2], true]);
    assert.deepEqual(await list({ limit: 9, marker: "a/1" }), [[3, 0, 4], false]);
    assert.deepEqual(await list({ limit: 9, delimiter: "/" }), [["a/", 0, 4], false]);
    assert.deepEqual(await list({ limit: 1, delimiter: "/" }), [["a/"], true]);
    assert.deepEqual(await list({ limit: 9, delimiter: "/", marker: "a/" }), [[0, 4], false]);
    assert.deepEqual(await list({ limit: 9, prefix: "a/", delimiter: "/" }), [[1, 2, 3], false]);
    for (const upload of made) await space().abortUpload(origin(), container, upload);
    await space().deleteContainer(origin(), container);
    assert.deepEqual(await bench.faults(), []);
  });

  it("of ten thousand parts become one object", async () => {
    const container = await bench.container();
    const upload = await begin(container);
    const { db } = bench.store;
    await db`
      insert into object_part (upload_id, number, sequence, size, etag)
      select ${upload.id}, n, 1000000 + n, ${PART}, 'e' || n from generate_series(1, 10000) n`;
    await db`
      insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
      select 1, decode(md5(n::text), 'hex'), 1000000 + n, 0, ${PART}, ${PART} from generate_series(1, 10000) n`;
    await db`select object_count_parts(${container.id}::bigint, ${10_000 * PART}::bigint)`;
    const parts = Array.from({ length: 10_000 }, (_, index) => ({ number: index + 1, etag: `e${index + 1}` }));
    const whole = await complete(container, upload, parts);
    assert.equal(whole.size, 10_000 * PART);
    assert.deepEqual(await bench.faults(), []);
  });
});
