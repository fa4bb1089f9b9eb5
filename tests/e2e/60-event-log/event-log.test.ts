import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { type Cloud, useCloud } from "../support/cloud.ts";

type Verdict = { ok: boolean; size: number; problems: { id?: string; index?: number; problem: string }[] };

describe("the event log", () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await useCloud();
  });

  const verify = async (): Promise<{ code: number; verdict: Verdict }> => {
    const finished = await cloud.tryAndromede("events", "verify", "--json");
    return { code: finished.code, verdict: JSON.parse(finished.stdout) as Verdict };
  };

  it("verifies", async () => {
    const { code, verdict } = await verify();
    assert.equal(code, 0, JSON.stringify(verdict));
    assert.ok(verdict.size > 0);
  });

  it("names a row that a superuser edited", async () => {
    const id = (
      await cloud.sql("select id from event where leaf_index is not null order by leaf_index limit 1 offset 3")
    ).trim();
    const body = (await cloud.sql(`select body from event where id = '${id}'`)).trimEnd();
    await cloud.sql(
      `update event set body = replace(body, '"outcome":"success"', '"outcome":"failure"') where id = '${id}'`,
    );
    const { code, verdict } = await verify();
    assert.equal(code, 1);
    assert.ok(
      verdict.problems.some((problem) => problem.id === id),
      JSON.stringify(verdict),
    );
    await cloud.sql(`update event set body = $body$${body}$body$ where id = '${id}'`);
    assert.equal((await verify()).code, 0);
  });

  it("names a row that a superuser deleted", async () => {
    const id = (
      await cloud.sql("select id from event where leaf_index is not null order by leaf_index limit 1 offset 5")
    ).trim();
    const index = Number(await cloud.sql(`select leaf_index from event where id = '${id}'`));
    await cloud.sql(`create table event_kept as select * from event where id = '${id}'`);
    await cloud.sql(`delete from event where id = '${id}'`);
    const { code, verdict } = await verify();
    assert.equal(code, 1);
    assert.ok(
      verdict.problems.some((problem) => problem.id === id || problem.index === index),
      JSON.stringify(verdict),
    );
    await cloud.sql("insert into event select * from event_kept; drop table event_kept");
    assert.equal((await verify()).code, 0);
  });
});
