/** What the database's connections do when PostgreSQL ends them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { waitUntil } from "@andromede/base/waiting";
import { type Database, openDatabase } from "@andromede/platform/db/database";

import { type TestApp, createTestApp } from "../testing/test-app.ts";

let app: TestApp;
let killer: Database;
let db: Database;

before(async () => {
  app = await createTestApp();
  killer = openDatabase(app.app.config.database, { max: 1, applicationName: "killer" });
  db = openDatabase(app.app.config.database, { max: 6, applicationName: "victim" });
  await killer`create table thing (name text)`;
});
after(async () => {
  await db.end({ timeout: 1 });
  await killer.end({ timeout: 1 });
  await app.close();
});

/** Ends every connection of the pool, as a killed PostgreSQL does. */
async function killAll(): Promise<number> {
  const rows = await killer`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`;
  return rows.length;
}

/** Statements and transactions one after the other until `stopped`; how many went well, and how many failed. */
async function busy(stopped: () => boolean, counts: { well: number; failed: number }): Promise<void> {
  while (!stopped()) {
    try {
      await db`select ${"x".repeat(10)} as word, ${counts.well} as number`;
      await db.begin(async (sql) => {
        await Promise.all([sql`select 1`, sql`select ${counts.well}::int`]);
        await sql`select 2`;
      });
      counts.well += 1;
    } catch {
      counts.failed += 1;
      await delay(1);
    }
  }
}

test(
  "connections that end under load: every statement ends too, and new ones go well",
  { timeout: 60_000 },
  async () => {
    const counts = { well: 0, failed: 0 };
    let stopped = false;
    const workers = Array.from({ length: 24 }, () => busy(() => stopped, counts));
    for (let round = 0; round < 60; round += 1) {
      const well = counts.well;
      await waitUntil("statements that go well", () => counts.well > well + 24, { timeoutMs: 20_000, everyMs: 5 });
      await killAll();
    }
    stopped = true;
    await Promise.all(workers);
    assert.ok(counts.failed > 0);
    assert.equal((await db`select 1 as one`)[0]?.["one"], 1);
  },
);

test("a transaction whose connection ended runs nothing more", async () => {
  const transaction = db.begin(async (sql) => {
    await sql`insert into thing (name) values ('first')`;
    await killAll();
    // others make the pool connect again
    await waitUntil("connections", async () => (await db`select 1`).length === 1, { timeoutMs: 30_000 });
    await waitUntil("transactions", () => db.begin((other) => other`select 1`), { timeoutMs: 30_000 });
    await sql`insert into thing (name) values ('second')`;
  });
  await assert.rejects(transaction);
  await delay(100);
  assert.deepEqual([...(await killer`select name from thing`)], []);
});

test("a listener hears again after its connection ended, and is told that it may have missed something", async () => {
  const heard: string[] = [];
  let connected = 0;
  const listening = await db.listen(
    "news",
    (payload) => void heard.push(payload),
    () => void (connected += 1),
  );
  await killer`select pg_notify('news', 'one')`;
  await waitUntil("the first news", () => heard.includes("one"), { timeoutMs: 30_000 });
  await killAll();
  await waitUntil("the connection", () => connected === 2, { timeoutMs: 30_000 });
  await killer`select pg_notify('news', 'two')`;
  await waitUntil("the second news", () => heard.includes("two"), { timeoutMs: 30_000 });
  await listening.unlisten();
  await killer`select pg_notify('news', 'three')`;
  await db`select 1`;
  assert.deepEqual(heard, ["one", "two"]);
});

test("statements of a transaction that were waiting in line when its connection ended are not run on another", async () => {
  const outcomes: Promise<unknown>[] = [];
  const transaction = db.begin(async (sql) => {
    // the first is new to its connection, so that the others wait until it has been described and has ended
    const all = [
      sql`select pg_sleep(10), ${"waiting in line"}::text`,
      ...["a", "b", "c"].map((name) => sql`insert into thing (name) values (${name})`),
    ];
    outcomes.push(
      ...all.map((one) =>
        one.then(
          () => "went well",
          () => "failed",
        ),
      ),
    );
    await Promise.all(all);
  });
  transaction.catch(() => undefined);
  const sleeping = async (): Promise<boolean> =>
    (await killer`select 1 from pg_stat_activity where wait_event = 'PgSleep' and application_name = 'victim'`)
      .length === 1;
  await waitUntil("the statement to sleep", sleeping, { timeoutMs: 30_000 });
  await killAll();
  await assert.rejects(transaction);
  await db.begin((sql) => sql`select 1`);
  // as long as a retired pool may live
  const settled = await Promise.race([Promise.all(outcomes), delay(6_000, [] as unknown[])]);
  assert.ok(!settled.includes("went well"), settled.join(", "));
  assert.deepEqual([...(await killer`select name from thing`)], []);
});

test("connections that many transactions needed are given up once there are few", async () => {
  const transactions = async (): Promise<number> =>
    (
      await killer`
        select 1 from pg_stat_activity where application_name = 'victim' and state = 'idle' and query = 'commit'`
    ).length;
  const side = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => db.begin((sql) => sql`select pg_sleep(0.05)`)));
  await side(6);
  assert.equal(await transactions(), 3);
  await waitUntil("one connection", async () => (await transactions()) === 1, { timeoutMs: 30_000 });
  await side(6);
  assert.equal(await transactions(), 3);
});
