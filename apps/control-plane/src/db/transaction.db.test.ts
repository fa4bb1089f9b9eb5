import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { systemOrigin } from "@andromede/platform/events/append";

import { type TestApp, createTestApp } from "../testing/test-app.ts";
import { transact } from "./transaction.ts";

let app: TestApp;
before(async () => {
  app = await createTestApp();
  await app.app.db`create table thing (name text)`;
});
after(() => app.close());

const names = async (): Promise<unknown[]> =>
  (await app.app.db`select name from thing order by name`).map((row) => row["name"]);

test("what runs side by side with a failure writes nothing after it", async () => {
  let reached = false;
  let late: Promise<void> = Promise.resolve();
  const failing = transact(app.app, systemOrigin("test"), async (tx) => {
    late = (async () => {
      await tx.sql`select pg_sleep(0.05)`.catch(() => undefined);
      reached = true;
      await tx.sql`insert into thing (name) values ('late')`;
    })();
    late.catch(() => undefined);
    await Promise.all([late, Promise.reject(new Error("no"))]);
  });
  await assert.rejects(failing, /no/);
  await assert.rejects(late, /the transaction is over/);
  assert.ok(reached);
  assert.deepEqual(await names(), []);
});

test("many transactions beside many statements all go through", async () => {
  const work = Array.from({ length: 60 }, (_, index) => [
    transact(app.app, systemOrigin("test"), async (tx) => {
      await Promise.all([tx.sql`insert into thing (name) values (${`t${index}`})`, tx.sql`select 1`]);
    }),
    ...Array.from({ length: 20 }, () => app.app.db`select repeat('x', 2000)`),
  ]);
  await Promise.all(work.flat());
  assert.equal((await names()).length, 60);
});
