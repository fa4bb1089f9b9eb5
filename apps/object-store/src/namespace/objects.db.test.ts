import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";

import { type Bench, createBench } from "../testing/namespace-bench.ts";

describe("objects", () => {
  let bench: Bench;
  const origin = () => bench.originFor();
  const space = () => bench.store.namespace;
  before(async () => {
    bench = await createBench({ time: "manual", chunkBytes: 100_000 });
  });
  after(() => bench.stop());

  it("come back as they were put: empty, small, in chunks, in ranges", async () => {
    const container = await bench.container();
    const large = randomBytes(150_000).toString("hex");
    for (const body of ["", "small", large]) {
      const put = await bench.put(container, "a/key", body, { metadata: { color: "grün" }, details: { owner: "me" } });
      const found = await space().findObject(container, "a/key");
      assert.ok(found !== null);
      assert.deepEqual(found, put);
      assert.equal(await bench.read(container, found), body);
      assert.equal(found.etag.length, 32);
      assert.deepEqual(found.metadata, { color: "grün" });
    }
    const found = await space().findObject(container, "a/key");
    assert.ok(found !== null);
    assert.equal(await bench.read(container, found, { start: 99_990, end: 200_010 }), large.slice(99_990, 200_010));
    const small = await bench.put(container, "small", "0123456789");
    assert.equal(await bench.read(container, small, { start: 2, end: 5 }), "234");
    assert.deepEqual(await space().containerUsage(container), { objects: 2, bytes: 300_010 });
    assert.deepEqual(await bench.faults(), []);
  });

  it("are refused when the body is not what was said, and leave nothing", async () => {
    const container = await bench.container();
    const refuse = { check: () => assert.fail("a wrong digest") };
    await assert.rejects(bench.put(container, "key", "body", refuse), /wrong digest/);
    await assert.rejects(bench.put(container, "key", "x".repeat(90_000), refuse), /wrong digest/);
    await assert.rejects(bench.put(container, "key", "body", { size: 3 }), { kind: "invalid" });
    await assert.rejects(bench.put(container, "key", "body", { size: 5 }), { kind: "invalid" });
    await assert.rejects(bench.put(container, "key", "body", { maxBytes: 3 }), { kind: "tooLarge" });
    await assert.rejects(bench.put(container, "key", "body", { size: null, maxBytes: 3 }), { kind: "tooLarge" });
    for (const key of ["", "a\0b", "\ud800", "x".repeat(1_025), "\u{1F600}".repeat(257)])
      await assert.rejects(bench.put(container, key), (error: { kind: string }) =>
        ["invalid", "tooLarge"].includes(error.kind),
      );
    assert.equal(await space().findObject(container, "a\0b"), null);
    assert.equal(await space().findObject(container, "key"), null);
    assert.deepEqual(await bench.faults(), []);
  });

  it("are changed beside their bytes, and gone at once when their time is over", async () => {
    const container = await bench.container();
    const put = await bench.put(container, "key", "body", { metadata: { a: "1" } });
    bench.clock.advance(5_000);
    const tagged = await space().updateObject(origin(), container, put, { details: { tags: { a: "b" } } });
    assert.deepEqual(tagged.modifiedAt, put.modifiedAt);
    const posted = await space().updateObject(origin(), container, put, {
      metadata: { b: "2" },
      deleteAt: new Date(bench.clock.now() + 10_000),
    });
    assert.ok(posted.modifiedAt > put.modifiedAt);
    assert.deepEqual(await space().findObject(container, "key"), posted);
    assert.deepEqual(posted.details, { tags: { a: "b" } });
    const cleared = await space().updateObject(origin(), container, put, { details: { tags: null } });
    assert.deepEqual(cleared.details, {});
    bench.clock.advance(10_000);
    assert.equal(await space().findObject(container, "key"), null);
    await assert.rejects(space().updateObject(origin(), container, put, { metadata: {} }), { type: "NoSuchKey" });
    assert.deepEqual((await space().listObjects(container, { limit: 10 })).entries, []);
    await bench.put(container, "key", "again", { precondition: { ifNoneMatch: ["*"] } });
    assert.deepEqual(await space().containerUsage(container), { objects: 1, bytes: 5 });
    assert.deepEqual(await bench.faults(), []);
  });

  it("are sealed with the container's, a named or the customer's key, and with no other", async () => {
    const container = await bench.container();
    const named = await bench.put(container, "named", "named", {
      details: { encryption: { kind: "kms", keyId: "payroll" } },
    });
    assert.equal(await bench.read(container, named), "named");
    await assert.rejects(
      bench.read(container, { ...named, details: { encryption: { kind: "kms", keyId: "other" } } }),
      { type: "KMS.NotFoundException" },
    );
    await assert.rejects(bench.read(container, { ...named, details: {} }), /does not open/);
    const customerKey = randomBytes(32);
    const own = await bench.put(container, "own", "own", {
      customerKey,
      details: { encryption: { kind: "customer", keyMd5: "x", check: "y" } },
    });
    await assert.rejects(bench.read(container, own), { kind: "invalid" });
    const body = await space().readObject(container, own, { start: 0, end: 3, customerKey });
    assert.ok(Buffer.isBuffer(body) && body.toString() === "own");
    const [event] = await bench.store.db`select 1 from event where action = 'object.key.create'`;
    assert.ok(event !== undefined);
  });

  it("keep to conditions: none when there must be none, the very one that was seen", async () => {
    const container = await bench.container();
    const ifNone = { precondition: { ifNoneMatch: ["*"] } };
    const put = await bench.put(container, "key", "one", ifNone);
    await assert.rejects(bench.put(container, "key", "two", ifNone), { type: "PreconditionFailed", status: 412 });
    await bench.put(container, "key", "two", { precondition: { ifMatch: [put.etag] } });
    await assert.rejects(bench.put(container, "key", "three", { precondition: { ifMatch: [put.etag] } }), {
      type: "PreconditionFailed",
    });
    await assert.rejects(bench.put(container, "none", "x", { precondition: { ifMatch: ["*"] } }), {
      type: "NoSuchKey",
    });
    await assert.rejects(space().deleteObject(origin(), container, "key", { precondition: { ifMatch: [put.etag] } }), {
      type: "PreconditionFailed",
    });
    assert.deepEqual(await bench.faults(), []);
  });

  it("say so in the event log where the container asks for it", async () => {
    const container = await bench.container({ settings: { objectEvents: true } });
    await bench.put(container, "key");
    await space().deleteObject(origin(), container, "key");
    const events = await bench.store.db<{ action: string }[]>`
      select action from event where target_id = ${`${container.name}/key`} order by action`;
    assert.deepEqual(
      events.map(({ action }) => action),
      ["object.object.create", "object.object.delete"],
    );
  });

  it("are refused before a large body is read, when it would be in vain", async () => {
    const container = await bench.container({ quotaBytes: 100_000 });
    const put = await bench.put(container, "key", "small");
    let read = false;
    const unread = () => ({
      body: Readable.from(
        (function* () {
          read = true;
          yield Buffer.alloc(100_001);
        })(),
      ),
      size: 100_001,
    });
    await assert.rejects(bench.put(container, "large", "", unread()), { kind: "overQuota", type: "QuotaExceeded" });
    const conditions = [{ ifNoneMatch: ["*"] }, { ifMatch: ["other"] }, { ifNoneMatch: [put.etag] }];
    for (const precondition of conditions)
      await assert.rejects(bench.put(container, "key", "", { ...unread(), precondition }), {
        type: "PreconditionFailed",
      });
    assert.equal(read, false);
    await assert.rejects(bench.put(container, "unknown", "x".repeat(100_001), { size: null }), { kind: "overQuota" });
    assert.deepEqual(await bench.faults(), []);
  });
});
