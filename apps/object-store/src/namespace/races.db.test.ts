import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import postgres from "postgres";

import { type Bench, createBench } from "../testing/namespace-bench.ts";
import type { Container } from "./container.model.ts";

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> =>
  Promise.allSettled(Array.from({ length: count }, (_, index) => make(index)));
const kept = <T>(results: PromiseSettledResult<T>[]): T[] =>
  results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
const refusals = (results: PromiseSettledResult<unknown>[]): string[] =>
  results.flatMap((result) =>
    result.status === "rejected" ? [String((result.reason as { type?: unknown }).type ?? result.reason)] : [],
  );

/** Small ones go together, others by themselves, some in chunks: all the ways that a write can go. */
const bodyOf = (index: number): string => "x".repeat([10, 70_000, 300][index % 3] ?? 0) + String(index);

describe("races", () => {
  let bench: Bench;
  const origin = () => bench.originFor();
  /** Two processes, by turns. */
  const space = (index = 0) => (index % 2 === 0 ? bench.store.namespace : bench.second);
  before(async () => {
    bench = await createBench();
  });
  after(() => bench.stop());

  it("of 32 writes of one key have one winner, whose bytes are read", async () => {
    const container = await bench.container();
    const results = await times(32, (index) => bench.put(container, "key", bodyOf(index), {}, space(index)));
    assert.equal(kept(results).length, 32, refusals(results).join());
    const found = await space().findObject(container, "key");
    assert.ok(found !== null);
    assert.equal(found.sequence, Math.max(...kept(results).map(({ sequence }) => sequence)));
    const body = await bench.read(container, found);
    assert.ok(Array.from({ length: 32 }, (_, index) => bodyOf(index)).includes(body));
    assert.deepEqual(await space().containerUsage(container), { objects: 1, bytes: body.length });
    assert.deepEqual(await bench.faults(), []);
  });

  it("of 32 writes with versioning keep all 32, the newest current", async () => {
    const container = await bench.container({ settings: { versioning: "enabled" } });
    const results = kept(await times(32, (index) => bench.put(container, "key", bodyOf(index), {}, space(index))));
    assert.equal(results.length, 32);
    const { entries } = await space().listVersions(container, { limit: 100 });
    assert.equal(entries.length, 32);
    const newest = results.toSorted((a, b) => b.sequence - a.sequence)[0];
    assert.equal((await space().findObject(container, "key"))?.versionId, newest?.versionId);
    assert.deepEqual(await bench.faults(), []);
  });

  it("of writes that must find nothing have one winner", async () => {
    const container = await bench.container();
    const results = await times(32, (index) =>
      bench.put(
        container,
        "key",
        bodyOf(index),
        index % 4 === 3 ? {} : { precondition: { ifNoneMatch: ["*"] } },
        space(index >> 1),
      ),
    );
    assert.ok(kept(results).length >= 8 && kept(results).length <= 9, String(kept(results).length));
    assert.ok(refusals(results).every((type) => type === "PreconditionFailed"));
    assert.deepEqual(await bench.faults(), []);
  });

  it("of writes, deletions, changes and versioning switched on and off leave rows that add up", async () => {
    const container = await bench.container();
    const results = await times(120, async (index) => {
      const key = `key${index % 4}`;
      switch (index % 6) {
        case 0:
        case 1:
        case 2:
          return bench.put(container, key, bodyOf(index), {}, space(index));
        case 3:
          return space(index).deleteObject(origin(), container, key);
        case 4: {
          const { entries } = await space().listVersions(container, { limit: 3 });
          const targets = entries.flatMap((entry) =>
            "key" in entry ? [{ key: entry.key, versionId: entry.versionId }] : [],
          );
          return space().deleteObjects(origin(), container, [...targets, { key }, { key }]);
        }
        default:
          return space().updateContainer(origin(), container, {
            settings: { versioning: index % 4 < 2 ? "enabled" : "suspended" },
          });
      }
    });
    assert.deepEqual(refusals(results), []);
    assert.deepEqual(await bench.faults(), []);
  });

  it("of writes and the container's deletion leave no object without a container", async () => {
    const rounds = await times(12, async (round) => {
      const container = await bench.container(round % 2 === 0 ? {} : { settings: { versioning: "enabled" } });
      const results = await times<unknown>(8, (index) =>
        index === round % 8
          ? space(round).deleteContainer(origin(), container)
          : bench.put(container, `k${index}`, bodyOf(index), {}, space(index)),
      );
      return { container, results };
    });
    let gone = 0;
    for (const { container, results } of kept<{ container: Container; results: PromiseSettledResult<unknown>[] }>(
      rounds,
    )) {
      const found = await space().findContainer(container.projectId, container.name);
      if (found === null) gone += 1;
      const rows = await bench.store.db`select 1 from object where container_id = ${container.id}`;
      assert.equal(rows.length > 0, found !== null);
      assert.ok(
        refusals(results).every((type) => ["NoSuchBucket", "BucketNotEmpty"].includes(type)),
        refusals(results).join(),
      );
    }
    assert.ok(gone < 12);
    assert.deepEqual(await bench.faults(), []);
  });

  it("for the last room of a container or an account are lost by all but those who fit", async () => {
    const byContainer = await bench.container({ quotaBytes: 1_000 });
    const results = await times(32, (index) => bench.put(byContainer, `k${index}`, "x".repeat(100), {}, space(index)));
    assert.equal(kept(results).length, 10);
    assert.ok(refusals(results).every((type) => type === "QuotaExceeded"));
    assert.equal((await space().containerUsage(byContainer)).bytes, 1_000);
    await bench.put(byContainer, "k0", "x".repeat(50)).catch(() => undefined);

    const first = await bench.container();
    const second = await bench.container({ settings: { versioning: "enabled" } }, first.projectId);
    await space().updateAccount(origin(), first.projectId, { quotaObjects: 7 });
    const both = await times(32, (index) =>
      bench.put(index % 2 === 0 ? first : second, `k${index}`, bodyOf(index), {}, space(index >> 1)),
    );
    assert.equal(kept(both).length, 7);
    const usage = await space().accountUsage(first.projectId);
    assert.equal(usage.objects, 7);
    assert.equal(usage.containers, 2);
    const { entries } = await space().listContainers(first.projectId, { limit: 10 });
    assert.equal(
      entries.reduce((sum, entry) => sum + ("objects" in entry ? entry.objects : 0), 0),
      7,
    );
    assert.deepEqual(await bench.faults(), []);
  });

  it("for a name in S3's name space have one owner", async () => {
    const name = "one-name-for-all";
    const results = await times(16, (index) =>
      space().createContainer(origin(), `project${index}`, name, { globalName: index % 2 === 0 ? "claim" : "try" }),
    );
    const made = kept(results).map(({ container }) => container);
    assert.equal(made.filter(({ globalName }) => globalName === name).length, 1);
    assert.ok(refusals(results).every((type) => type === "BucketAlreadyExists"));
    assert.equal((await space().findGlobalContainer(name))?.globalName, name);
    const again = await times(8, () =>
      space().createContainer(origin(), "one-project", "mine", { globalName: "claim" }),
    );
    assert.equal(kept(again).filter(({ created }) => created).length, 1);
    assert.equal(kept(again).length, 8);
  });

  it("of plain writes and a switch to versioning lose no version that was acknowledged after it", async () => {
    for (let round = 0; round < 6; round += 1) {
      const container = await bench.container();
      const stale = { ...container };
      const writes = times(24, (index) => bench.put(stale, "key", `${index}`, {}, space(index)));
      const enabled = await space().updateContainer(origin(), container, { settings: { versioning: "enabled" } });
      const later = await times(8, (index) => bench.put(enabled, "key", `later ${index}`, {}, space(index)));
      const all = [...kept(await writes), ...kept(later)];
      assert.equal(all.length, 32);
      const { entries } = await space().listVersions(container, { limit: 100 });
      const there = new Set(entries.map((entry) => ("versionId" in entry ? entry.versionId : "")));
      for (const { versionId } of all) assert.ok(there.has(versionId), versionId);
    }
    assert.deepEqual(await bench.faults(), []);
  });

  it("of a retention and a deletion end in one of both", async () => {
    const settings = { versioning: "enabled" as const, objectLock: {} };
    const container = await bench.container({ settings });
    const retention = { mode: "COMPLIANCE" as const, until: new Date(Date.now() + 3_600_000).toISOString() };
    for (let round = 0; round < 12; round += 1) {
      const put = await bench.put(container, "key", "body");
      const { versionId } = put;
      const [locked, deleted] = await Promise.allSettled([
        space(round).updateObject(origin(), container, put, { details: { retention } }),
        space(round + 1).deleteObject(origin(), container, "key", { versionId }),
      ]);
      assert.notEqual(locked.status, deleted.status);
      const found = await space().findObject(container, "key", versionId);
      assert.equal(found !== null, locked.status === "fulfilled");
    }
    assert.deepEqual(await bench.faults(), []);
  });

  it("with the end of the database's connections lose nothing that was acknowledged, and keep nothing by halves", async () => {
    const containers = [await bench.container(), await bench.container({ settings: { versioning: "enabled" } })];
    const { config } = bench.store;
    assert.ok("socketDir" in config.database);
    const { socketDir: host, port, name: database, user: username } = config.database;
    const killer = postgres({ host, port, database, username, max: 1 });
    /** Of each key what was acknowledged last; null: its deletion. undefined: nobody knows. */
    const known = new Map<string, string | null | undefined>();
    let acknowledged = 0;
    let failed = 0;
    const client = async (index: number): Promise<void> => {
      const container = containers[index % 2];
      assert.ok(container !== undefined);
      for (let time = 0; time < 40; time += 1) {
        const key = `k${index}/${time % 5}`;
        const body = `${bodyOf(time)} of ${index}`;
        try {
          if (time % 4 === 3) await space(index >> 1).deleteObject(origin(), container, key);
          else await bench.put(container, key, body, {}, space(index >> 1));
          known.set(`${container.id} ${key}`, time % 4 === 3 ? null : body);
          acknowledged += 1;
        } catch {
          known.set(`${container.id} ${key}`, undefined);
          failed += 1;
        }
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, (_, index) => client(index)));
    let done = false;
    void clients.finally(() => (done = true));
    try {
      for (let time = 1; !done && time <= 6; time += 1) {
        await waitUntil("some writes", () => done || acknowledged > time * 30, { timeoutMs: 30_000, everyMs: 1 });
        await killer`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
      }
      await clients;
    } finally {
      await killer.end();
    }
    assert.ok(failed > 0 && acknowledged > 100, `${failed} failed, ${acknowledged} were acknowledged`);
    for (const container of containers)
      for (let index = 0; index < 8; index += 1)
        for (let place = 0; place < 5; place += 1) {
          const key = `k${index}/${place}`;
          const last = known.get(`${container.id} ${key}`);
          if (last === undefined) continue;
          const found = await space().findObject(container, key);
          assert.equal(found === null ? null : await bench.read(container, found), last, key);
        }
    assert.deepEqual(await bench.faults(), []);
  });
});
