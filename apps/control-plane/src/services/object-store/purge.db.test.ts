import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { systemOrigin } from "@andromede/platform/events/append";

import { transact } from "../../db/transaction.ts";
import { type TestApp, createTestApp } from "../../testing/test-app.ts";
import { objectStoreClasses } from "./classes.ts";
import { objectStoreReconcilers } from "./reconcilers.ts";

describe("a container that is purged", () => {
  let test: TestApp;
  before(async () => {
    test = await createTestApp({ reconcilers: objectStoreReconcilers });
    await test.app.db`insert into object_account (project_id) values ('p')`;
  });
  after(() => test.close());

  async function container(name: string, settings: object = {}): Promise<string> {
    const [row] = await test.app.db<{ id: number }[]>`
      insert into object_container (project_id, name, global_name, wrapped_key, wrapped_name, settings, created_by)
      values ('p', ${name}, ${name}, 'key', 'name', ${test.app.db.json(settings as never)}, 'user') returning id`;
    return String(row?.id);
  }

  /** In chunks, each version one. */
  async function fill(id: string, count: number, details: object | null = null): Promise<void> {
    const { db } = test.app;
    await db`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at, details)
      select ${id}::bigint, 'k' || n, nextval('object_sequence'), 'null', true, 1, 'e', 't', now(),
        ${details === null ? null : db.json(details as never)}::jsonb
      from generate_series(1, ${count}) n`;
    await db`
      insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
      select 1, decode(md5(sequence::text), 'hex'), sequence, 0, 1, 1 from object where container_id = ${id}::bigint`;
    await db`insert into object_usage values (${id}::bigint, 0, ${count}, ${count})`;
  }

  const entry = objectStoreClasses.find(({ name }) => name === "object.container");
  const remove = (id: string): Promise<void> =>
    transact(test.app, systemOrigin("purge"), async (tx) => entry?.remove?.(test.app, tx, id));

  it("goes with all that is in it, some rows a turn, and its bytes are the collector's", async () => {
    const id = await container("full");
    await fill(id, 4_500);
    const { db } = test.app;
    await db`insert into object_upload (id, container_id, key, initiated_by, content_type) values ('u', ${id}::bigint, 'k', 'x', 'y')`;
    await db`insert into object_part (upload_id, number, sequence, size, etag) values ('u', 1, 9000000, 1, 'e')`;
    await db`
      insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
      values (1, 'part', 9000000, 0, 1, 1)`;
    await remove(id);
    await remove(id);
    const [free] = await db<
      { name: string | null }[]
    >`select global_name as name from object_container where id = ${id}::bigint`;
    assert.ok(free?.name === null || free === undefined, "its name is free at once");
    await test.drain();
    assert.deepEqual(await entry?.list(test.app, "p"), []);
    const [left] = await db<{ objects: number; uploads: number; usage: number; owned: number; garbage: number }[]>`
      select (select count(*)::int from object) as objects, (select count(*)::int from object_upload) as uploads,
        (select count(*)::int from object_usage) as usage,
        (select count(*)::int from object_chunk where owner is not null) as owned,
        (select count(*)::int from object_chunk where garbage_at is not null) as garbage`;
    assert.deepEqual({ ...left }, { objects: 0, uploads: 0, usage: 0, owned: 0, garbage: 4_501 });
    const events = await db`select 1 from event where action = 'object.container.delete'`;
    assert.equal(events.length, 1);
  });

  it("stays whole while anything in it is locked, whoever asks", async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const id = await container("locked", { versioning: "enabled", objectLock: {} });
    await fill(id, 1, { retention: { mode: "COMPLIANCE", until } });
    await assert.rejects(remove(id), { kind: "conflict" });
    await test.app.db`update object set details = '{"legalHold": true}'`;
    await assert.rejects(remove(id), /legal hold/);
    const [row] = await test.app.db`select 1 from object_container where id = ${id}::bigint and removed_at is null`;
    assert.ok(row !== undefined);
    await test.app.db`
      update object set details = ${test.app.db.json({ retention: { mode: "GOVERNANCE", until }, legalHold: false })}`;
    await remove(id);
    await test.drain();
    assert.deepEqual(await entry?.list(test.app, "p"), []);
  });

  it("is not emptied when nobody asked", async () => {
    const id = await container("kept");
    await fill(id, 1);
    const [reconciler] = objectStoreReconcilers;
    assert.deepEqual(await reconciler?.reconcile(test.app, id), { done: true });
    assert.equal((await test.app.db`select 1 from object where container_id = ${id}::bigint`).length, 1);
  });
});
