/** Every statement that reads finds its rows by index, in tables that hold more than anybody could read through. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Database } from "@andromede/platform/db/database";

import { listEnded, listLifecycleRows, listOldUploads, findDueLifecycle } from "../maintenance/rows.queries.ts";
import { explain } from "../testing/explain.ts";
import { type Bench, createBench } from "../testing/namespace-bench.ts";
import { findContainerAndCurrent, isInUse, listContainerRows, sumAccount } from "./container.queries.ts";
import { findNewest, findVersion, listChunks, listPlanVersions } from "./object.queries.ts";
import { listLaterUploads, listPartRows, listUploadRows } from "./upload.queries.ts";

const now = new Date();
const span = { low: "k5", high: "k6" };
const page = { reverse: false, limit: 100 };

const STATEMENTS: { [name: string]: (db: Database, id: number) => Promise<unknown> } = {
  "a container and an object": (db) => findContainerAndCurrent(db, { projectId: "p7", name: "c7", global: true }, "k5"),
  "a version": (db, id) => findVersion(db, id, "k500", "v500"),
  "the null version": (db, id) => findVersion(db, id, "k501", "null"),
  "the newest version": (db, id) => findNewest(db, id, "k500"),
  "what a plan needs": (db, id) => listPlanVersions(db, id, ["k500", "k7", "none"], ["", "v7", ""]),
  "chunks of a range": (db) => listChunks(db, 500, { start: 0, end: 10 }),
  "containers of an account": (db) => listContainerRows(db, "p7", { low: "", high: "z" }, page),
  "an account's sum": (db) => sumAccount(db, "p7"),
  "is a container empty": (db, id) => isInUse(db, id + 1, now),
  uploads: (db, id) => listUploadRows(db, id, span, page),
  "uploads of a key": (db, id) => listLaterUploads(db, id, "k5", "", 10),
  parts: (db) => listPartRows(db, "u5", 0, 100),
  "what has come to its end": (db) => listEnded(db, now, 100),
  "a container with rules": (db) => findDueLifecycle(db, now),
  "versions for the rules": (db, id) => listLifecycleRows(db, id, { key: "k5", sequence: 0 }, 100),
  "abandoned uploads": (db, id) =>
    listOldUploads(db, id, { before: now, last: { initiatedAt: new Date(0), id: "" } }, 10),
};

describe("statements", () => {
  let bench: Bench;
  let id: number;
  before(async () => {
    bench = await createBench();
    id = (await bench.container()).id;
    const { db } = bench.store;
    await db`insert into object_account (project_id) select 'p' || n % 1000 from generate_series(0, 999) n`;
    await db`
      insert into object_container (project_id, name, global_name, wrapped_key, wrapped_name, created_by)
      select 'p' || n % 1000, 'c' || n, 'c' || n, 'k', 'n', 'u' from generate_series(0, 19999) n`;
    await db`insert into object_usage select id, s, 1, 1 from object_container, generate_series(0, 1) s`;
    await db`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at, delete_at)
      select ${id}, 'k' || n % 30000, n, case when n % 3 = 0 then 'null' else 'v' || n end, n >= 30000, 1, 'e', 't', now(),
        case when n % 500 = 0 then now() end
      from generate_series(0, 59999) n`;
    await db`
      insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
      select 1, decode(md5(n::text), 'hex'), n, 0, 1, 1 from generate_series(0, 29999) n`;
    await db`
      insert into object_upload (id, container_id, key, initiated_by, content_type)
      select 'u' || n, ${id}, 'k' || n, 'x', 'y' from generate_series(0, 9999) n`;
    await db`
      insert into object_part (upload_id, number, sequence, size, etag)
      select 'u' || n, 1, 100000 + n, 1, 'e' from generate_series(0, 9999) n`;
    await db`vacuum analyze`;
  });
  after(() => bench.stop());

  for (const [name, send] of Object.entries(STATEMENTS))
    it(`${name}: by index, few rows`, async () => {
      const plan = await explain(bench.store, (db) => send(db, id));
      assert.doesNotMatch(plan, /Seq Scan on object/, plan);
      const read = [...plan.matchAll(/Scan.* on object.*actual.*rows=(\d+)(?:.*loops=(\d+))?/g)];
      const rows = read.map(([, count, loops]) => Number(count) * Number(loops ?? 1));
      assert.ok(Math.max(0, ...rows) <= 300, plan);
      assert.doesNotMatch(plan, /Rows Removed by (Filter|Index Recheck): \d{3}/, plan);
    });
});
