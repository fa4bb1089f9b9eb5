import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type TestApp, createTestApp } from "../testing/test-app.ts";
import { claimKeys, finishKey, insertKeys } from "./queue.ts";

let cloud: TestApp;
before(async () => {
  cloud = await createTestApp();
});
after(() => cloud.close());

it("a key that is enqueued while it is being finished is due again at once", async () => {
  const { db } = cloud.app;
  await insertKeys(db, ["test/a"]);
  const [claimed] = await claimKeys(db, "seat", ["test"], 1, 60_000);
  assert.ok(claimed);
  let finishing: Promise<boolean> | undefined;
  await db.begin(async (sql) => {
    await insertKeys(sql, ["test/a"]);
    finishing = finishKey(db, claimed);
    await waitUntil(
      "the finishing to wait for us",
      async () => {
        const [row] = await db<{ n: number }[]>`
        select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return row?.n === 1;
      },
      { timeoutMs: 5_000, everyMs: 5 },
    );
  });
  assert.equal(await finishing, true);
  assert.equal((await claimKeys(db, "other", ["test"], 1, 60_000)).length, 1);
});
