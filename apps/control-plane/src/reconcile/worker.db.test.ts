import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";

import { systemOrigin } from "../events/append.ts";
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
