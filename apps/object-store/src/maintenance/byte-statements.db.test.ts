/** What the collector and the scrub look for is found by index, in tables that hold more than anybody could read through. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Database } from "@andromede/platform/db/database";

import { type TestBytes, createTestBytes } from "../bytes/testing/test-bytes.ts";
import type { Store } from "../store.ts";
import { explain } from "../testing/explain.ts";
import {
  listGarbageChunks,
  listNamed,
  listOpenPacks,
  listPacked,
  listPacks,
  listUnsweptWriters,
} from "./collect.queries.ts";
import { listChunksToScrub, listPacksToScrub } from "./scrub.queries.ts";

const address = (n: number): string => n.toString(16).padStart(64, "0");

const STATEMENTS: { [name: string]: (db: Database) => Promise<unknown> } = {
  "writers to sweep": (db) => listUnsweptWriters(db),
  "which chunks are named": (db) => listNamed(db, 7, [address(7), address(1007), address(3)]),
  "a writer's open packs": (db) => listOpenPacks(db, 7),
  "garbage chunks": (db) => listGarbageChunks(db, 60, 200),
  "what is alive in packs": (db) => listPacks(db, 0, 5),
  "a pack's bodies, from the middle": (db) => listPacked(db, 3, 1_000_000, 20),
  "chunks to scrub": (db) => listChunksToScrub(db, "2020-01-02", 100),
  "packs to scrub": (db) => listPacksToScrub(db, "2020-01-02", 100),
};

describe("statements of the collector and the scrub", () => {
  let test: TestBytes;
  let store: Store;
  before(async () => {
    test = await createTestBytes();
    store = { config: { database: test.database } } as Store;
    const { db } = test;
    await db`
      insert into object_writer (ended_at, swept_at)
      select now(), case when n % 1000 > 0 then now() end from generate_series(1, 20000) n`;
    await db`
      insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes, garbage_at, scrubbed_at)
      select n % 1000, decode(lpad(to_hex(n), 64, '0'), 'hex'), n, 0, 1, 1,
        case when n % 500 = 0 then now() - interval '1 hour' end, case when n % 300 = 0 then '2020-01-01' else now() end
      from generate_series(0, 29999) n`;
    await db`
      insert into object_pack (writer_id, sealed_bytes, scrubbed_at)
      select w.id, case when n % 100 > 0 then 1 end, case when n % 300 = 0 then '2020-01-01' else now() end
      from generate_series(1, 20000) n, lateral (select id from object_writer offset n % 1000 limit 1) w`;
    await db`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at, pack_id, pack_offset)
      select 1, 'k' || n, n, 'null', true, 1, 'e', 't', now(), n % 1000, n * 100 from generate_series(0, 49999) n`;
    await db`vacuum analyze`;
  });
  after(() => test.stop());

  for (const [name, send] of Object.entries(STATEMENTS)) {
    it(`${name}: by index, few rows`, async () => {
      const plan = await explain(store, send);
      assert.doesNotMatch(plan, /Seq Scan on object/, plan);
      const rows = [...plan.matchAll(/Scan.* on object.*actual.*rows=(\d+)(?:.*loops=(\d+))?/g)].map(
        ([, count, loops]) => Number(count) * Number(loops ?? 1),
      );
      assert.ok(Math.max(0, ...rows) <= 300, plan);
      assert.doesNotMatch(plan, /Rows Removed by (Filter|Index Recheck): \d{3}/, plan);
    });
  }
});
