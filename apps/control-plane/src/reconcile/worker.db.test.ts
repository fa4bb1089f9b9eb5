import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";

import { waitUntil } from "@andromede/base/waiting";
import { systemOrigin } from "@andromede/platform/events/append";

import { transact } from "../db/transaction.ts";
import { type TestApp, createTestApp } from "../testing/test-app.ts";
import { notifyOnly } from "./notify.ts";
import { type Outcome, type Reconciler, done, pollAfter, waitFor } from "./worker.ts";

describe("the reconcile engine", () => {
  const seen: string[] = [];
  let ready = false;
  const answers = new Map<string, () => Outcome>();
  const reconciler: Reconciler = {
    kind: "thing",
    reconcile(_app, id) {
      seen.push(id);
      return Promise.resolve((answers.get(id) ?? (() => done))());
    },
  };
  let test: TestApp;
  before(async () => {
    test = await createTestApp({ reconcilers: [reconciler] });
  });
  after(() => test.close());

  const enqueue = (...ids: string[]): Promise<void> =>
    transact(test.app, systemOrigin("test"), (tx) => {
      for (const id of ids) tx.enqueue(`thing/${id}`);
      return Promise.resolve();
    });

  it("runs a key once and forgets it", async () => {
    await enqueue("a");
    await test.drain();
    assert.deepEqual(seen, ["a"]);
    assert.equal((await test.app.db`select 1 from reconcile_queue`).length, 0);
  });

  it("looks again when what a key waited for is done", async () => {
    answers.set("child", () => (ready ? done : pollAfter(20, "the world is slow")));
    answers.set("parent", () => (ready ? done : waitFor("thing/child")));
    await enqueue("parent", "child");
    const settled = test.app.reconcile.settled("thing/parent", 5_000);
    ready = true;
    assert.equal(await settled, true);
    await test.drain();
  });

  it("tries a failing key again, and says why it is not ready", async () => {
    let failures = 0;
    answers.set("flaky", () => {
      if (failures++ < 2) throw new Error("the link is down");
      return done;
    });
    await enqueue("flaky");
    const settled = test.app.reconcile.settled("thing/flaky", 5_000);
    assert.equal(await settled, true);
    assert.equal(failures, 3);
  });

  it("hears of keys that a process without workers enqueued", async () => {
    // nothing is left to do: the worker sleeps until it is told, or for seconds
    await test.drain();
    const elsewhere = { ...test.app, reconcile: notifyOnly(test.app.db, silentLogger) };
    const settled = test.app.reconcile.settled("thing/elsewhere", 3_000);
    await transact(elsewhere, systemOrigin("test"), (tx) => {
      tx.enqueue("thing/elsewhere");
      return Promise.resolve();
    });
    assert.equal(await settled, true);
  });

  for (const [what, words, arrives] of [
    ["claimed, and whose claim it never heard of", "set lease_by =", true],
    ["done, and could not say so", "finished as (delete", false],
  ] as const) {
    it(`takes up again at once a key that it had ${what}`, async () => {
      const { Worker } = await import("./worker.ts");
      await test.drain();
      let lost = false;
      // the statement is lost on its way there, or its answer on its way back
      const lossy = new Proxy(test.app.db, {
        apply(target, self, args: [TemplateStringsArray]) {
          const send = (): Promise<unknown> => Reflect.apply(target as never, self, args) as Promise<unknown>;
          if (lost || !args[0].join("").includes(words)) return send();
          lost = true;
          return (arrives ? send() : Promise.resolve()).then(() => Promise.reject(new Error("the connection is gone")));
        },
      });
      const id = `lossy-${words.length}`;
      await test.app.db`insert into reconcile_queue (key, kind) values (${`other/${id}`}, 'other')`;
      let turns = 0;
      const other: Reconciler = {
        kind: "other",
        reconcile() {
          turns += 1;
          return Promise.resolve(done);
        },
      };
      const worker = new Worker([other], { seat: "lossy" });
      await worker.start({ ...test.app, db: lossy });
      const gone = async (): Promise<boolean> =>
        (await test.app.db`select 1 from reconcile_queue where key = ${`other/${id}`}`).length === 0;
      // far below a lease's time
      await waitUntil("the key to be done", async () => lost && turns > 0 && (await gone()), { timeoutMs: 30_000 });
      await worker.stop();
    });
  }

  it("takes over at once what a dead process of the same seat held", async () => {
    await test.app.db`insert into reconcile_queue (key, kind, lease_by, lease_until)
      values ('thing/orphan', 'thing', 'test', now() + interval '1 hour')`;
    const { Worker } = await import("./worker.ts");
    const successor = new Worker([reconciler], { seat: "test" });
    await successor.start(test.app);
    assert.equal(await successor.settled("thing/orphan", 5_000), true);
    await successor.stop();
  });
});

describe("a reconciler that rests between two turns of a key", () => {
  const restMs = 200;
  const turns: number[] = [];
  let seen = 0;
  const resting: Reconciler = {
    kind: "crowd",
    restMs,
    async reconcile(app) {
      turns.push(performance.now());
      seen = (await app.db`select from change`).length;
      return done;
    },
  };
  let test: TestApp;
  before(async () => {
    test = await createTestApp({ reconcilers: [resting] });
    await test.app.db`create table change (number int)`;
  });
  after(() => test.close());

  it("does several changes in one turn, and the last one always", async () => {
    for (let change = 0; change < 10; change += 1) {
      await transact(test.app, systemOrigin("test"), async (tx) => {
        await tx.sql`insert into change (number) values (${change})`;
        tx.enqueue("crowd/one");
      });
      if (change === 0) await waitUntil("the first turn", () => turns.length === 1, { timeoutMs: 10_000 });
    }
    await test.drain();
    assert.equal(seen, 10);
    for (const [index, turn] of turns.entries())
      if (index > 0) assert.ok(turn - (turns[index - 1] ?? 0) >= restMs - 1, turns.join(" "));
  });
});
