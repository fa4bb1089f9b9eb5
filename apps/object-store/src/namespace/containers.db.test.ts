import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Bench, createBench } from "../testing/namespace-bench.ts";

describe("containers", () => {
  let bench: Bench;
  const origin = () => bench.originFor();
  const space = () => bench.store.namespace;
  before(async () => {
    bench = await createBench({ time: "manual" });
  });
  after(() => bench.stop());

  it("are changed by what is named, and every process sees it with its next request", async () => {
    const container = await bench.container({ metadata: { a: "1", b: "2" }, settings: { readAcl: ".r:*" } });
    const { projectId, name } = container;
    for (const by of [space(), bench.second]) assert.deepEqual(await by.findContainer(projectId, name), container);
    const changed = await space().updateContainer(origin(), container, {
      metadata: { a: null, c: "3" },
      settings: { readAcl: null, writeAcl: "x" },
      quotaBytes: 7,
    });
    assert.deepEqual(changed.metadata, { b: "2", c: "3" });
    assert.deepEqual(changed.settings, { writeAcl: "x" });
    assert.ok(changed.updatedAt > container.updatedAt);
    for (const by of [bench.second, space()]) {
      assert.deepEqual(await by.findContainer(projectId, name), changed);
      assert.deepEqual(await by.findBucket(projectId, name, "key"), changed);
      assert.deepEqual(await by.findGlobalContainer(name), changed);
    }
    await bench.second.deleteContainer(origin(), container);
    assert.equal(await space().findContainer(projectId, name), null);
    await assert.rejects(space().updateContainer(origin(), container, {}), { type: "NoSuchBucket" });
    await assert.rejects(space().deleteContainer(origin(), container), { type: "NoSuchBucket" });
    await assert.rejects(bench.put(container, "key"), { type: "NoSuchBucket" });
    const events = await bench.store.db<{ action: string }[]>`
      select action from event where target_id = ${name} order by action`;
    const verbs = ["create", "delete", "update"].map((verb) => `object.container.${verb}`);
    assert.deepEqual(
      events.map(({ action }) => action),
      verbs,
    );
  });

  it("give the object that is asked for next, as it was when they were found, and once", async () => {
    const container = await bench.container();
    const put = await bench.put(container, "key", "one");
    const { projectId, name } = container;
    const found = await space().findContainer(projectId, name, "key");
    assert.ok(found !== null);
    assert.deepEqual(await space().findObject(found, "key"), put);
    const second = await bench.put(container, "key", "two", {}, bench.second);
    assert.deepEqual(await space().findObject(found, "key"), second, "the second look is a look");
    const again = await space().findBucket(projectId, name, "key");
    assert.ok(again !== null);
    const third = await bench.put(again, "key", "three");
    assert.deepEqual(await space().findObject(again, "key"), third, "who changes something sees it");
    const none = await space().findContainer(projectId, name, "none");
    assert.ok(none !== null);
    assert.equal(await space().findObject(none, "none"), null);
    assert.equal((await space().findObject(none, "key"))?.etag, third.etag);
  });

  it("are made once: again is a change, with S3's claim if it is still free", async () => {
    const make = (projectId: string, globalName: "claim" | "try", change = {}) =>
      space().createContainer(origin(), projectId, "shared-name", { globalName, change });
    const swift = await make("one", "try", { metadata: { a: "1" } });
    assert.ok(swift.created && swift.container.globalName === "shared-name");
    const again = await make("one", "try", { metadata: { b: "2" } });
    assert.ok(!again.created);
    assert.deepEqual(again.container.metadata, { a: "1", b: "2" });
    const other = await make("two", "try");
    assert.ok(other.created && other.container.globalName === null);
    await assert.rejects(make("two", "claim"), { type: "BucketAlreadyExists" });
    await assert.rejects(make("three", "claim"), { type: "BucketAlreadyExists" });
    assert.equal(await space().findContainer("three", "shared-name"), null);
    assert.equal((await space().findBucket("two", "shared-name"))?.projectId, "two", "one's own first");
    assert.equal((await space().findBucket("three", "shared-name"))?.projectId, "one");
    assert.equal((await space().findBucket(null, "shared-name"))?.projectId, "one");
    await space().deleteContainer(origin(), again.container);
    assert.equal((await make("two", "claim")).container.globalName, "shared-name", "free again");
    const odd = await space().createContainer(origin(), "one", "Not a bucket/é", { globalName: "try" });
    assert.equal(odd.container.globalName, null);
    await assert.rejects(space().createContainer(origin(), "one", "a\0", { globalName: "try" }), { kind: "invalid" });
    assert.equal(await space().findContainer("one", "a\0"), null);
  });

  it("go when only what has come to its end is in them", async () => {
    const container = await bench.container();
    const deleteAt = new Date(bench.clock.now() + 1_000);
    await bench.put(container, "packed", "x", { deleteAt });
    await bench.put(container, "chunked", "x".repeat(100_000), { deleteAt });
    await assert.rejects(space().deleteContainer(origin(), container), { type: "BucketNotEmpty" });
    bench.clock.advance(1_000);
    await space().deleteContainer(origin(), container);
    assert.deepEqual(await bench.faults(), []);
  });

  it("are read by nobody, a moment after their project's key was destroyed", async () => {
    const container = await bench.container();
    const put = await bench.put(container, "key", "secret");
    const named = await bench.put(container, "named", "secret", {
      details: { encryption: { kind: "kms", keyId: "key" } },
    });
    assert.equal(await bench.read(container, put), "secret");
    await bench.store.keys.destroyProjectKey(bench.store.db, container.projectId);
    const isClosed = (object: typeof put) =>
      bench.read(container, object).then(
        () => false,
        (error: { kind?: string }) => error.kind === "conflict",
      );
    for (const object of [put, named])
      await waitUntil("the key to be forgotten", () => isClosed(object), { timeoutMs: 10_000, everyMs: 100 });
    await assert.rejects(bench.put(container, "key"), { kind: "conflict" });
    await assert.rejects(space().createContainer(origin(), container.projectId, "another", { globalName: "try" }), {
      kind: "conflict",
    });
  });

  it("that a purge has begun to empty are not there", async () => {
    const container = await bench.container();
    await bench.put(container, "key");
    await bench.store.db`update object_container set removed_at = now() where id = ${container.id}`;
    assert.equal(await space().findContainer(container.projectId, container.name), null);
    await assert.rejects(bench.put(container, "other"), { type: "NoSuchBucket" });
    await assert.rejects(bench.put(container, "other", "x", { precondition: { ifNoneMatch: ["*"] } }), {
      type: "NoSuchBucket",
    });
    await assert.rejects(space().deleteObject(origin(), container, "key"), { type: "NoSuchBucket" });
    await assert.rejects(
      space().createContainer(origin(), container.projectId, container.name, { globalName: "try" }),
      { kind: "conflict" },
    );
    assert.equal((await space().accountUsage(container.projectId)).containers, 0);
    await bench.store.db`update object_container set removed_at = null where id = ${container.id}`;
  });

  it("have an account, made when it is asked for", async () => {
    const fresh = await space().account("fresh");
    assert.deepEqual(fresh.metadata, {});
    const changed = await space().updateAccount(origin(), "fresh", { metadata: { a: "b" }, quotaObjects: 5 });
    assert.deepEqual(await bench.second.account("fresh"), changed);
    const cleared = await space().updateAccount(origin(), "fresh", { metadata: { a: null }, quotaObjects: null });
    assert.deepEqual([cleared.metadata, cleared.quotaObjects], [{}, null]);
    assert.deepEqual(await space().accountUsage("nobody"), { containers: 0, objects: 0, bytes: 0 });
  });
});
