import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { insertEvents, systemOrigin } from "@andromede/platform/events/append";

import { verifyEvents } from "../commands/verify-events.ts";
import { type TestApp, createTestApp } from "../testing/test-app.ts";
import { listEvents } from "./list-events.ts";
import { startSequencer } from "./sequencer.ts";
import { rememberCheckpoint } from "./remembered-checkpoint.ts";
import type { Problem, VerifyReport } from "./verify.ts";

let cloud: TestApp;
before(async () => {
  cloud = await createTestApp();
});
after(() => cloud.close());

async function append(count: number, action = "compute.server.create"): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({
    action,
    target: { type: "server", id: `s-${index}`, projectId: "p1" },
    detail: { index },
  }));
  await insertEvents(cloud.app.db, systemOrigin("test"), events, cloud.app.clock.now());
}

/** Until every event has its place; the sequencer is stopped then. */
async function sequence(): Promise<void> {
  const sequencer = startSequencer(cloud.app);
  try {
    await waitUntil("places for all events", allPlaced, { timeoutMs: 20_000, everyMs: 10 });
  } finally {
    await sequencer.stop();
  }
}

async function allPlaced(): Promise<boolean> {
  const [row] = await cloud.app.db<{ n: number }[]>`select count(*)::int as n from event where leaf_index is null`;
  return row?.n === 0;
}

async function verify(): Promise<{ code: number; report: VerifyReport }> {
  let printed = "";
  const code = await verifyEvents(cloud.app.config, (text) => {
    printed += text;
  });
  return { code, report: JSON.parse(printed) as VerifyReport };
}

/** What verification says while `change` is in force; everything is as before afterwards. */
async function whileTampered(change: string, undo?: () => Promise<void>): Promise<Problem[]> {
  const tables = ["event", "event_tile", "event_checkpoint"];
  const { db } = cloud.app;
  for (const table of tables) await db.unsafe(`create table ${table}_kept as table ${table}`);
  try {
    await db.unsafe(change);
    const { code, report } = await verify();
    assert.equal(code, 1, change);
    assert.equal(report.ok, false);
    assert.equal(report.problemCount, report.problems.length);
    return report.problems;
  } finally {
    for (const table of tables) {
      await db.unsafe(
        `delete from ${table}; insert into ${table} select * from ${table}_kept; drop table ${table}_kept`,
      );
    }
    await undo?.();
    assert.equal((await verify()).code, 0, "whole again");
  }
}

const idAt = async (index: number): Promise<string> => {
  const [row] = await cloud.app.db<{ id: string }[]>`select id from event where leaf_index = ${index}`;
  return row?.id ?? "";
};

describe("the event log", () => {
  it("is whole when it is empty", async () => {
    const { code, report } = await verify();
    assert.equal(code, 0);
    assert.deepEqual([report.size, report.checkpoint], [0, null]);
  });

  it("gives each event one place, over restarts and with a rival", async () => {
    await append(3);
    await sequence();
    await append(700);
    const [one, other] = [startSequencer(cloud.app), startSequencer(cloud.app)];
    await append(1_500, "compute.server.delete");
    await waitUntil("places for all events", allPlaced, { timeoutMs: 20_000, everyMs: 10 });
    await Promise.all([one.stop(), other.stop()]);
    const [row] = await cloud.app.db<{ n: number; lowest: number; highest: number }[]>`
      select count(*)::int as n, min(leaf_index) as lowest, max(leaf_index) as highest from event`;
    assert.deepEqual({ ...row }, { n: 2_203, lowest: 0, highest: 2_202 });
    const { code, report } = await verify();
    assert.deepEqual([code, report.problems, report.size], [0, [], 2_203]);
    assert.equal(report.checkpoint?.size, 2_203);
  });

  it("takes in an event whose transaction was open while younger ones got their places", async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const open = Promise.withResolvers<void>();
    const slow = cloud.app.db.begin(async (sql) => {
      await insertEvents(
        sql,
        systemOrigin("slow"),
        [{ action: "test.slow.commit", target: { type: "t", id: "slow" } }],
        cloud.app.clock.now() - 5_000,
      );
      open.resolve();
      await held;
    });
    await open.promise;
    await append(2);
    await sequence();
    letGo();
    await slow;
    assert.equal((await verify()).code, 0, "an event that waits for its place is no problem");
    await sequence();
    const { code, report } = await verify();
    assert.deepEqual([code, report.size, report.unsequenced], [0, 2_206, 0]);
  });

  it("names an event whose row was edited", async () => {
    const id = await idAt(1_000);
    const columns = await whileTampered(`update event set user_id = 'mallory' where leaf_index = 1000`);
    assert.deepEqual(
      columns.map(({ id: one, index, problem }) => [one, index, problem]),
      [[id, 1000, "its column user_id differ from its body"]],
    );
    const body = await whileTampered(`update event set body = replace(body, 's-', 'x-') where leaf_index = 1000`);
    assert.ok(body.every((problem) => problem.id === id && problem.index === 1000));
    assert.ok(body.some(({ problem }) => /disagree: its row was changed/.test(problem)));
    const thorough = await whileTampered(`
      update event set body = replace(body, 's-', 'x-'), target_id = replace(target_id, 's-', 'x-') where leaf_index = 1000;
      update event set leaf_hash = sha256('\\x00'::bytea || convert_to(body, 'UTF8')) where leaf_index = 1000`);
    assert.deepEqual(
      thorough.map(({ id: one, index, problem }) => [one, index, problem]),
      [[id, 1000, "the event and the log's tile disagree: its row was changed"]],
    );
  });

  it("names an event that was deleted, first, last or between", async () => {
    for (const index of [0, 300, 2_205]) {
      const id = await idAt(index);
      const problems = await whileTampered(`delete from event where leaf_index = ${index}`);
      assert.deepEqual(
        problems.map((problem) => [problem.id, problem.index, problem.problem]),
        [[id, index, "the event was deleted"]],
      );
      if (index > 0) assert.match(String(problems[0]?.after), /^\d{4}-/);
    }
  });

  it("names an event that lost its place, or that another took", async () => {
    const id = await idAt(5);
    const lost = await whileTampered("update event set leaf_index = null where leaf_index = 5");
    assert.ok(lost.some((problem) => problem.id === id && problem.problem === "the event was deleted"));
    const swapped = await whileTampered(`
      update event set leaf_index = -1 where leaf_index = 5; update event set leaf_index = 5 where leaf_index = 6; update event set leaf_index = 6 where leaf_index = -1`);
    assert.ok(swapped.some((problem) => problem.index === 5 && problem.problem === `another event stood here: ${id}`));
  });

  it("notices an end that was cut off, however thoroughly", async () => {
    const rows = await whileTampered("delete from event where leaf_index >= 2203");
    assert.deepEqual(
      rows.map(({ index }) => index),
      [2203, 2204, 2205],
    );
    const cut =
      "delete from event where leaf_index >= 2048; delete from event_tile where level = 0 and tile_index >= 8; ";
    assert.ok((await whileTampered(cut)).some(({ problem }) => problem === "tile 0/8 is gone"));
    const all = await whileTampered("truncate event; truncate event_tile; truncate event_checkpoint");
    assert.deepEqual(
      all.map(({ index, problem }) => [index, problem]),
      [[0, "the entries 0 to 2205 are gone, with their tiles and checkpoints: the log once had 2206"]],
    );
    const unsigned = await whileTampered("delete from event_checkpoint where size > 2000");
    assert.ok(unsigned.some(({ problem }) => /a checkpoint was removed/.test(problem)));
  });

  it("names a tile that was edited, and knows that the event was not", async () => {
    const id = await idAt(300);
    const problems = await whileTampered(
      `update event_tile set hashes = overlay(hashes placing '\\x0000000000000000'::bytea from ${(300 % 256) * 32 + 1}) where level = 0 and tile_index = 1`,
    );
    assert.ok(
      problems.some((problem) => problem.id === id && /the tile was changed, its row was not/.test(problem.problem)),
      JSON.stringify(problems),
    );
    const inner = await whileTampered(
      "update event_tile set hashes = overlay(hashes placing '\\x00'::bytea from 65) where level = 1",
    );
    assert.deepEqual(
      inner.map(({ problem }) => problem),
      ["tile 1/0 does not fit the entries 512 to 767"],
    );
    const gone = await whileTampered("delete from event_tile where level = 1");
    assert.deepEqual(
      gone.map(({ problem }) => problem),
      ["tile 1/0 is gone"],
    );
  });

  it("notices a replaced row and tile by the signed checkpoint", async () => {
    const problems = await whileTampered(`
      update event set body = replace(body, 's-', 'x-'), target_id = replace(target_id, 's-', 'x-') where leaf_index = 2204;
      update event set leaf_hash = sha256('\\x00'::bytea || convert_to(body, 'UTF8')) where leaf_index = 2204;
      update event_tile set hashes = overlay(hashes placing (select leaf_hash from event where leaf_index = 2204) from ${(2204 % 256) * 32 + 1}) where level = 0 and tile_index = 8`);
    assert.ok(
      problems.some(({ problem }) => problem.startsWith("checkpoint 2205 does not fit: of the entries 2203 to 2204")),
      JSON.stringify(problems),
    );
  });

  it("notices a checkpoint that was edited, forged or put elsewhere", async () => {
    const cases = [
      ["update event_checkpoint set root = sha256('x') where size = 3", /checkpoint 3: its columns differ/],
      [
        "update event_checkpoint set note = replace(note, E'\\n3\\n', E'\\n4\\n') where size = 3",
        /checkpoint 3: .*signature is not ours/,
      ],
      ["update event_checkpoint set size = 4 where size = 3", /checkpoint 4: its columns differ/],
      ["update event_checkpoint set note = '' where size = 2206", /checkpoint 2206: .*not a signed note/],
    ] as const;
    for (const [change, expected] of cases) {
      const problems = await whileTampered(change);
      assert.ok(
        problems.some(({ problem }) => expected.test(problem)),
        JSON.stringify(problems),
      );
    }
  });

  it("is not continued once its tiles do not fit its checkpoint", async () => {
    const { db } = cloud.app;
    await db`create table kept as table event_tile`;
    await db`update event_tile set hashes = overlay(hashes placing '\\x00'::bytea from 1) where level = 0 and tile_index = 8`;
    await append(1);
    const said: string[] = [];
    const log = {
      ...cloud.app.log,
      error: (_: unknown, text: string) => said.push(text),
      warn: () => undefined,
    } as never;
    const sequencer = startSequencer({ ...cloud.app, log });
    await waitUntil("a complaint", () => said.length > 0, { timeoutMs: 30_000, everyMs: 10 });
    await sequencer.stop();
    assert.equal(await allPlaced(), false);
    await db.unsafe("delete from event_tile; insert into event_tile select * from kept; drop table kept");
    await sequence();
    assert.equal((await verify()).code, 0);
  });

  it("tells when what is remembered is no checkpoint of ours", async () => {
    const note = (await verify()).report.checkpoint?.note ?? "";
    await rememberCheckpoint(cloud.app.config, note.replace("events\n", "others\n"));
    assert.match((await verify()).report.problems[0]?.problem ?? "", /remembered outside the database cannot be used/);
    await rememberCheckpoint(cloud.app.config, note);
    assert.equal((await verify()).code, 0);
  });
});

describe("listed events", () => {
  it("are a project's own, in order, in pages", async () => {
    const { db, clock } = cloud.app;
    const since = new Date(clock.now() - 1);
    for (const id of ["a", "b", "c"]) {
      await insertEvents(
        db,
        systemOrigin("test"),
        [{ action: "network.port.update", target: { type: "port", id, projectId: "p2" } }],
        clock.now(),
      );
    }
    const first = await listEvents(db, { projectId: "p2", since, marker: null, limit: 2 });
    assert.deepEqual(first.map(({ target }) => target.id).toSorted().length, 2);
    const rest = await listEvents(db, { projectId: "p2", since, marker: first[1]?.id ?? "", limit: 2 });
    assert.deepEqual([...first, ...rest].map(({ target }) => target.id).toSorted(), ["a", "b", "c"]);
    assert.ok((await listEvents(db, { projectId: null, since: null, marker: null, limit: 5_000 })).length > 2_206);
    await assert.rejects(listEvents(db, { projectId: null, since: null, marker: "x", limit: 1 }), /Invalid marker/);
  });
});
