import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { type Bench, createBench } from "../testing/namespace-bench.ts";
import type { Container } from "./container.model.ts";
import type { ListedObject } from "./namespace.ts";

const DAY_MS = 86_400_000;

describe("versions", () => {
  let bench: Bench;
  const origin = () => bench.originFor();
  const space = () => bench.store.namespace;
  before(async () => {
    bench = await createBench({ time: "manual" });
  });
  after(() => bench.stop());

  const versionsOf = async (container: Container): Promise<ListedObject[]> =>
    (await space().listVersions(container, { limit: 100 })).entries as ListedObject[];

  it("are all kept, and can be read, until each is deleted by its id", async () => {
    const container = await bench.container({ settings: { versioning: "enabled" } });
    const [one, two] = [await bench.put(container, "key", "one"), await bench.put(container, "key", "two")];
    assert.notEqual(one.versionId, two.versionId);
    assert.equal((await space().findObject(container, "key"))?.versionId, two.versionId);
    const old = await space().findObject(container, "key", one.versionId);
    assert.ok(old !== null && !old.isCurrent);
    assert.equal(await bench.read(container, old), "one");
    const marker = await space().deleteObject(origin(), container, "key");
    assert.ok(marker.existed && marker.isDeleteMarker && marker.versionId !== null);
    assert.equal(await space().findObject(container, "key"), null);
    assert.equal((await space().findDeleteMarker(container, "key"))?.versionId, marker.versionId);
    assert.deepEqual((await space().listObjects(container, { limit: 10 })).entries, []);
    assert.deepEqual(
      (await versionsOf(container)).map(({ versionId, isLatest, isDeleteMarker }) => [
        versionId,
        isLatest,
        isDeleteMarker,
      ]),
      [
        [marker.versionId, true, true],
        [two.versionId, false, false],
        [one.versionId, false, false],
      ],
    );
    assert.deepEqual(await space().containerUsage(container), { objects: 2, bytes: 6 });
    await space().deleteObject(origin(), container, "key", { versionId: marker.versionId });
    assert.equal((await space().findObject(container, "key"))?.versionId, two.versionId, "it is back");
    assert.equal(await space().findDeleteMarker(container, "key"), null);
    await space().deleteObject(origin(), container, "key", { versionId: two.versionId });
    assert.equal((await space().findObject(container, "key"))?.versionId, one.versionId);
    assert.deepEqual(await space().deleteObject(origin(), container, "key", { versionId: "none" }), {
      existed: false,
      versionId: "none",
      isDeleteMarker: false,
    });
    await space().deleteObject(origin(), container, "key", { versionId: one.versionId });
    assert.deepEqual(await versionsOf(container), []);
    assert.deepEqual(await space().containerUsage(container), { objects: 0, bytes: 0 });
    assert.deepEqual(await bench.faults(), []);
  });

  it("that were there before are called null, and are the only ones that are replaced while versioning is suspended", async () => {
    const container = await bench.container();
    await bench.put(container, "key", "before");
    const enabled = await space().updateContainer(origin(), container, { settings: { versioning: "enabled" } });
    const kept = await bench.put(enabled, "key", "kept");
    assert.equal((await space().findObject(enabled, "key", "null"))?.size, 6);
    const suspended = await space().updateContainer(origin(), enabled, { settings: { versioning: null } });
    assert.equal(suspended.settings.versioning, "suspended", "there may be versions for ever");
    await bench.put(suspended, "key", "replaced");
    await bench.put(suspended, "key", "now");
    assert.deepEqual(
      (await versionsOf(container)).map(({ versionId, size, isCurrent }) => [versionId, size, isCurrent]),
      [
        ["null", 3, true],
        [kept.versionId, 4, false],
      ],
    );
    const marker = await space().deleteObject(origin(), container, "key");
    assert.deepEqual(marker, { existed: true, versionId: "null", isDeleteMarker: true });
    await space().deleteObject(origin(), container, "key");
    assert.equal((await versionsOf(container)).length, 2, "one delete marker called null");
    await space().deleteObject(origin(), container, "key", { versionId: "null" });
    assert.equal((await space().findObject(container, "key"))?.versionId, kept.versionId);
    assert.deepEqual(await bench.faults(), []);
  });

  it("under a lock are deleted by nobody, through no function, before its time", async () => {
    const container = await bench.container({ settings: { versioning: "enabled", objectLock: {} } });
    const until = new Date(bench.clock.now() + DAY_MS).toISOString();
    const later = new Date(bench.clock.now() + 2 * DAY_MS).toISOString();
    const put = await bench.put(container, "key", "kept", { details: { retention: { mode: "COMPLIANCE", until } } });
    const { versionId } = put;
    const bypassGovernance = true;
    const isKept = async (): Promise<void> => {
      await assert.rejects(space().deleteObject(origin(), container, "key", { versionId, bypassGovernance }), {
        kind: "forbidden",
        type: "AccessDenied",
      });
      const [answer] = await space().deleteObjects(origin(), container, [{ key: "key", versionId }], {
        bypassGovernance,
      });
      assert.ok(answer !== undefined && "error" in answer);
      await assert.rejects(space().deleteContainer(origin(), container), { type: "BucketNotEmpty" });
      const found = await space().findObject(container, "key", versionId);
      assert.ok(found !== null);
      assert.equal(await bench.read(container, found), "kept");
    };
    await isKept();
    const change = (retention: typeof put.details.retention | null) =>
      space().updateObject(origin(), container, put, { details: { retention: retention ?? null }, bypassGovernance });
    const denied = { kind: "forbidden" };
    await assert.rejects(change(null), denied);
    await assert.rejects(change({ mode: "GOVERNANCE", until: later }), denied);
    await assert.rejects(change({ mode: "COMPLIANCE", until: new Date(bench.clock.now() + 1).toISOString() }), denied);
    await change({ mode: "COMPLIANCE", until: later });
    const off = { settings: { objectLock: null } };
    await assert.rejects(space().updateContainer(origin(), container, off), { type: "InvalidBucketState" });
    await assert.rejects(space().updateContainer(origin(), container, { settings: { versioning: "suspended" } }), {
      type: "InvalidBucketState",
    });
    await space().deleteObject(origin(), container, "key");
    await bench.put(container, "key", "over it");
    bench.clock.advance(DAY_MS + 1);
    await isKept();
    bench.clock.advance(DAY_MS);
    await space().updateObject(origin(), container, put, { details: { legalHold: true } });
    await isKept();
    await space().updateObject(origin(), container, put, { details: { legalHold: false } });
    await space().deleteObject(origin(), container, "key", { versionId });
    assert.equal(await space().findObject(container, "key", versionId), null);
    assert.deepEqual(await bench.faults(), []);
  });

  it("under a lock keep what is beside their bytes, too", async () => {
    const container = await bench.container({ settings: { versioning: "enabled", objectLock: {} } });
    const until = new Date(bench.clock.now() + DAY_MS).toISOString();
    const locks = [{ legalHold: true }, { retention: { mode: "COMPLIANCE" as const, until } }];
    for (const [index, details] of locks.entries()) {
      const put = await bench.put(container, `key${index}`, "kept", { details });
      for (const change of [
        { metadata: { a: "b" } },
        { contentType: "text/other" },
        { deleteAt: new Date(bench.clock.now() + 1) },
        { details: { dlo: "other/else" } },
        { details: { headers: { "content-encoding": "gzip" } } },
      ])
        await assert.rejects(space().updateObject(origin(), container, put, change), {
          kind: "forbidden",
          type: "AccessDenied",
        });
      await space().updateObject(origin(), container, put, { details: { tags: { a: "b" } } });
    }
    assert.deepEqual(await bench.faults(), []);
  });

  it("stay in the way of their container's deletion when Swift's end of the newest has come", async () => {
    const container = await bench.container({ settings: { versioning: "enabled", objectLock: {} } });
    const until = new Date(bench.clock.now() + DAY_MS).toISOString();
    const retention = { mode: "COMPLIANCE" as const, until };
    const deleteAt = new Date(bench.clock.now() + 1);
    const put = await bench.put(container, "only", "kept", { details: { retention }, deleteAt });
    bench.clock.advance(2);
    assert.equal(await space().findObject(container, "only"), null, "hidden");
    const found = await space().findObject(container, "only", put.versionId);
    assert.ok(found !== null);
    assert.equal(await bench.read(container, found), "kept");
    await space().updateObject(origin(), container, found, { details: { legalHold: true } });
    await assert.rejects(space().deleteContainer(origin(), container), { type: "BucketNotEmpty" });
    const rows = await bench.store.db`select 1 from object where container_id = ${container.id}`;
    assert.equal(rows.length, 1);
  });

  it("under GOVERNANCE give way to those who may, and get the container's default", async () => {
    const rule = { default: { mode: "GOVERNANCE" as const, days: 1 } };
    const container = await bench.container({ settings: { versioning: "enabled", objectLock: rule } });
    const put = await bench.put(container, "key");
    assert.equal(put.details.retention?.mode, "GOVERNANCE");
    assert.equal(Date.parse(put.details.retention.until), bench.clock.now() + DAY_MS);
    const { versionId } = put;
    await assert.rejects(space().deleteObject(origin(), container, "key", { versionId }), { kind: "forbidden" });
    const weaken = { details: { retention: null } };
    await assert.rejects(space().updateObject(origin(), container, put, weaken), { kind: "forbidden" });
    await space().updateObject(origin(), container, put, { ...weaken, bypassGovernance: true });
    const second = await bench.put(container, "key");
    await space().deleteObject(origin(), container, "key", { versionId: second.versionId, bypassGovernance: true });
    const plain = await bench.container();
    const retention = { mode: "GOVERNANCE" as const, until: new Date(bench.clock.now() + 1).toISOString() };
    await assert.rejects(bench.put(plain, "key", "x", { details: { retention } }), { type: "InvalidRequest" });
    const unlocked = await bench.put(plain, "key");
    await assert.rejects(space().updateObject(origin(), plain, unlocked, { details: { legalHold: true } }), {
      type: "InvalidRequest",
    });
    assert.deepEqual(await bench.faults(), []);
  });
});
