import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Container, LifecycleRule } from "../namespace/container.model.ts";
import type { ListedObject } from "../namespace/namespace.ts";
import { type Bench, createBench } from "../testing/namespace-bench.ts";
import { expireObjects } from "./expire.ts";
import { runLifecycle } from "./lifecycle.ts";

const DAY_MS = 86_400_000;

describe("rows are kept", () => {
  let bench: Bench;
  const space = () => bench.store.namespace;
  const origin = () => bench.originFor();
  before(async () => {
    bench = await createBench({ time: "manual" });
  });
  after(() => bench.stop());

  const inMs = (ms: number): Date => new Date(bench.clock.now() + ms);
  const versionsOf = async (container: Container): Promise<string[]> =>
    ((await space().listVersions(container, { limit: 1_000 })).entries as ListedObject[]).map(
      ({ key, size, isDeleteMarker }) => `${key}:${isDeleteMarker ? "deleted" : size}`,
    );
  const rule = (fields: Partial<LifecycleRule>): LifecycleRule => ({ id: "r", enabled: true, filter: {}, ...fields });

  it("what has come to its end is removed, unless its end was put off or it was written anew", async () => {
    const container = await bench.container();
    const versioned = await bench.container({ settings: { versioning: "enabled" } });
    for (let index = 0; index < 230; index += 1)
      await bench.put(container, `many/${index}`, "x", { deleteAt: inMs(1_000) });
    const put = await bench.put(container, "later", "x", { deleteAt: inMs(1_000) });
    await space().updateObject(origin(), container, put, { deleteAt: inMs(DAY_MS) });
    await bench.put(container, "anew", "x", { deleteAt: inMs(1_000) });
    await bench.put(container, "anew", "anew");
    await bench.put(container, "large", "x".repeat(100_000), { deleteAt: inMs(1_000) });
    await bench.put(versioned, "kept", "kept", { deleteAt: inMs(1_000) });
    assert.equal(await expireObjects(bench.store), 0);
    bench.clock.advance(1_000);
    assert.equal(await expireObjects(bench.store), 232);
    assert.deepEqual(await versionsOf(container), ["anew:4", "later:1"]);
    assert.deepEqual(await versionsOf(versioned), ["kept:deleted", "kept:4"]);
    assert.deepEqual(await space().containerUsage(container), { objects: 2, bytes: 5 });
    assert.deepEqual(await bench.faults(), []);
  });

  it("lifecycle rules end current objects after their days, at midnight, by prefix, size and tags", async () => {
    const lifecycle = [
      rule({ filter: { prefix: "logs/" }, expirationDays: 2 }),
      rule({ id: "big", filter: { sizeOver: 50, tags: { temp: "yes" } }, expirationDays: 1 }),
      rule({ id: "off", enabled: false, expirationDays: 1 }),
    ];
    const container = await bench.container({ settings: { lifecycle } });
    await bench.put(container, "logs/1");
    await bench.put(container, "other");
    await bench.put(container, "big", "x".repeat(60), { details: { tags: { temp: "yes", a: "b" } } });
    await bench.put(container, "big untagged", "x".repeat(60));
    await bench.put(container, "small", "x", { details: { tags: { temp: "yes" } } });
    assert.equal((await runLifecycle(bench.store)).objects, 0);
    assert.deepEqual(await runLifecycle(bench.store), { containers: 0, objects: 0, uploads: 0 }, "once a day");
    bench.clock.advance(2 * DAY_MS);
    await runLifecycle(bench.store);
    assert.deepEqual(await versionsOf(container), ["big untagged:60", "logs/1:4", "other:4", "small:1"]);
    bench.clock.advance(DAY_MS);
    await runLifecycle(bench.store);
    assert.deepEqual(await versionsOf(container), ["big untagged:60", "other:4", "small:1"]);
    await space().updateContainer(origin(), container, {
      settings: { lifecycle: [rule({ expirationDate: inMs(-DAY_MS).toISOString() })] },
    });
    assert.equal((await runLifecycle(bench.store)).objects, 3, "new rules are seen to at once");
    assert.deepEqual(await bench.faults(), []);
  });

  it("older versions go after their days, but for so many, and delete markers with nothing under them", async () => {
    const lifecycle = [rule({ noncurrentDays: 1, noncurrentKept: 2, expiredDeleteMarker: true })];
    const container = await bench.container({ settings: { versioning: "enabled", lifecycle, objectLock: {} } });
    const retention = { mode: "COMPLIANCE" as const, until: inMs(100 * DAY_MS).toISOString() };
    for (let size = 1; size <= 6; size += 1)
      await bench.put(container, "a", "x".repeat(size), size === 2 ? { details: { retention } } : {});
    await bench.put(container, "b", "x");
    await space().deleteObject(origin(), container, "b");
    await space().deleteObject(origin(), container, "never there");
    assert.equal((await runLifecycle(bench.store)).objects, 1, "the marker of what never was");
    bench.clock.advance(2 * DAY_MS);
    await runLifecycle(bench.store);
    assert.deepEqual(await versionsOf(container), ["a:6", "a:5", "a:4", "a:2", "b:deleted", "b:1"]);
    await space().updateContainer(origin(), container, {
      settings: { lifecycle: [rule({ noncurrentDays: 1, expiredDeleteMarker: true })] },
    });
    await runLifecycle(bench.store);
    assert.deepEqual(await versionsOf(container), ["a:6", "a:2", "b:deleted"]);
    bench.clock.advance(DAY_MS);
    await runLifecycle(bench.store);
    assert.deepEqual(await versionsOf(container), ["a:6", "a:2"], "the lock outlasts every rule");
    assert.deepEqual(await bench.faults(), []);
  });

  it("a key's versions are counted over the borders of pages", async () => {
    const container = await bench.container({ settings: { versioning: "enabled" } });
    await bench.store.db`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at)
      select ${container.id}, 'key' || n / 1500, 1000000 + n, 'v' || n, n % 1500 = 1499, 1, 'e', 't',
        ${inMs(0)} + n * interval '1 ms'
      from generate_series(0, 4499) n`;
    await bench.store.db`insert into object_usage values (${container.id}, 0, 4500, 4500)`;
    await space().updateContainer(origin(), container, {
      settings: { lifecycle: [rule({ noncurrentDays: 1, noncurrentKept: 1450 })] },
    });
    bench.clock.advance(3 * DAY_MS);
    assert.equal((await runLifecycle(bench.store)).objects, 3 * 49);
    assert.deepEqual(await space().containerUsage(container), { objects: 3 * 1_451, bytes: 3 * 1_451 });
    assert.deepEqual(await bench.faults().then((found) => found.filter((one) => !one.includes("lost bytes"))), []);
  });

  it("uploads that nobody completes are aborted", async () => {
    const container = await bench.container({
      settings: { lifecycle: [rule({ filter: { prefix: "a" }, abortUploadDays: 1 })] },
    });
    const upload = (key: string) =>
      space().createUpload(origin(), container, { key, contentType: "x", metadata: {}, details: {} });
    await Promise.all([upload("a1"), upload("a2"), upload("b")]);
    bench.clock.advance(DAY_MS / 2);
    assert.equal((await runLifecycle(bench.store)).uploads, 0);
    bench.clock.advance(2 * DAY_MS);
    assert.equal((await runLifecycle(bench.store)).uploads, 2);
    const { entries } = await space().listUploads(container, { limit: 10 });
    assert.deepEqual(
      entries.map((entry) => ("key" in entry ? entry.key : "")),
      ["b"],
    );
  });

  it("what goes by itself is in the container's access log", async () => {
    const lifecycle = [rule({ expirationDays: 1, noncurrentDays: 2, abortUploadDays: 1 })];
    const logging = { target: "logs", prefix: "" };
    const container = await bench.container({ settings: { versioning: "enabled", lifecycle, logging } });
    const plain = await bench.container({ settings: { logging } });
    const silent = await bench.container({ settings: { lifecycle } });
    await bench.put(container, "old one", "x");
    await bench.put(silent, "old one", "x");
    await bench.put(plain, "ends", "x", { deleteAt: inMs(1_000) });
    const upload = { key: "begun", contentType: "x", metadata: {}, details: {} };
    await space().createUpload(origin(), container, upload);
    bench.clock.advance(2 * DAY_MS);
    await expireObjects(bench.store);
    await runLifecycle(bench.store);
    bench.clock.advance(3 * DAY_MS);
    await runLifecycle(bench.store);
    const rows = await bench.store.db<{ lines: string; bucket: string }[]>`
      select lines, bucket from object_access_log order by id`;
    const told = rows.flatMap(({ lines, bucket }) =>
      lines
        .split("\n")
        .slice(0, -1)
        .map((line) => {
          const found = / - (AmazonS3) - (\S+) (\S+) - - - - - - - "-" "-" (\S+) /.exec(line);
          return [bucket, ...(found ?? [line]).slice(1)].join(" ");
        }),
    );
    const { name } = container;
    const [version = ""] = /[0-9a-f]{32}/.exec(told.at(-1) ?? "") ?? [];
    assert.deepEqual(told, [
      `${plain.name} AmazonS3 SWIFT.EXPIRE.OBJECT ends -`,
      `${name} AmazonS3 S3.CREATE.DELETEMARKER old%20one -`,
      `${name} AmazonS3 S3.DELETE.UPLOAD begun -`,
      `${name} AmazonS3 S3.EXPIRE.OBJECT old%20one ${version}`,
    ]);
    assert.notEqual(version, "");
  });
});
