import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import type { Database } from "@andromede/platform/db/database";

import { type TestApp, createTestApp } from "../testing/test-app.ts";
import { type ClaimedKey, claimKeys, finishKey, insertKeys, postponeKey } from "./queue.ts";

const LEASE_MS = 60_000;

async function countWaiting(db: Database): Promise<number> {
  const [row] = await db<{ n: number }[]>`
    select count(*)::int as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%reconcile_queue%'`;
  return row?.n ?? 0;
}

describe("the reconcile queue, while somebody's transaction enqueues a key that is being worked on", () => {
  let test: TestApp;
  before(async () => {
    test = await createTestApp();
  });
  after(() => test.close());

  /** Calls `work` while a transaction that has enqueued the key is open; commits once `work`'s statement waits for it. */
  async function whileEnqueuing<T>(key: `thing/${string}`, work: (claimed: ClaimedKey) => Promise<T>): Promise<T> {
    const { db } = test.app;
    await insertKeys(db, [key]);
    const [claimed] = await claimKeys(db, "seat", ["thing"], 1, LEASE_MS);
    assert.ok(claimed);
    let working: Promise<T> | undefined;
    await db.begin(async (sql) => {
      await insertKeys(sql, [key]);
      working = work(claimed);
      await waitUntil("the statement that waits", async () => (await countWaiting(db)) === 1, { timeoutMs: 30_000 });
    });
    return working as Promise<T>;
  }

  const claimAgain = (): Promise<ClaimedKey[]> => claimKeys(test.app.db, "seat", ["thing"], 1, LEASE_MS);

  it("a finished key is due again at once", async () => {
    assert.equal(await whileEnqueuing("thing/finished", (claimed) => finishKey(test.app.db, claimed)), true);
    const [again] = await claimAgain();
    assert.equal(again?.key, "thing/finished");
    assert.equal(await finishKey(test.app.db, again), false);
  });

  it("a postponed key is due again at once", async () => {
    const postpone = (claimed: ClaimedKey): Promise<boolean> =>
      postponeKey(test.app.db, claimed, { delayMs: LEASE_MS, why: "the world is slow" });
    assert.equal(await whileEnqueuing("thing/postponed", postpone), true);
    const [again] = await claimAgain();
    assert.equal(again?.key, "thing/postponed");
    assert.equal(await finishKey(test.app.db, again), false);
  });
});
