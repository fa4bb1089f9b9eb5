/** Lists of compute's smaller classes are index scans, however many projects there are. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { listServerGroups } from "../server-groups/server-group.queries.ts";
import { usageStatement } from "../usage/usage.queries.ts";
import { listServerDisks } from "./server-disk.queries.ts";

describe("lists of compute", () => {
  let test: TestApp;
  before(async () => {
    test = await createTestApp();
    const { db } = test.app;
    await db`
      insert into server_group (id, project_id, user_id, name, policy, created_at)
      select 'g' || n, 'p' || n % 500, 'u', 'g', 'affinity', now() from generate_series(1, 20000) n`;
    await db`
      insert into server_usage (server_id, project_id, name, flavor, launched_at, ended_at)
      select 's' || n, 'p' || n % 500, 's', '{}', now() - n * interval '1 minute', now() - (n - 1) * interval '1 minute'
      from generate_series(1, 20000) n`;
    await db`
      insert into server (id, project_id, user_id, name, hostname, flavor_id, flavor, image_id, seed, reservation_id, created_at, updated_at,
        power_nonce, task_since)
      select 's' || n, 'p' || n % 500, 'u', 's', 's', 'f', '{}', '', 'x', 'r', now(), now(), 'n', now() from generate_series(1, 20000) n`;
    await db`
      insert into server_disk (id, server_id, project_id, source_type, destination_type, volume_id, device_name, changed_at, created_at)
      select 'd' || n, 's' || n, 'p' || n % 500, 'volume', 'volume', 'v' || n, '/dev/vdb', now(), now() from generate_series(1, 20000) n`;
    await db`analyze`;
  });
  after(() => test.close());

  async function explain(statement: unknown): Promise<string> {
    const rows = await test.app.db<{ "QUERY PLAN": string }[]>`explain ${statement as never}`;
    return rows.map((row) => Object.values(row)[0]).join("\n");
  }
  const noScanOf = (plan: string, table: string): void =>
    assert.doesNotMatch(plan, new RegExp(`Seq Scan on ${table}( |$)`, "m"), plan);

  it("a project's server groups", async () => {
    const { db } = test.app;
    noScanOf(await explain(listServerGroups(db, "p1", { limit: 1000, offset: 0 })), "server_group");
    noScanOf(await explain(listServerGroups(db, null, { limit: 100, offset: 0 })), "server_group");
  });

  it("a server's disks", async () => {
    noScanOf(await explain(listServerDisks(test.app.db, "s1")), "server_disk");
  });

  it("what a project's servers used", async () => {
    const period = { start: new Date(Date.now() - 3_600_000), stop: new Date() };
    const page = { ...period, projectId: "p1", marker: undefined, limit: 1000 };
    const plan = await explain(usageStatement(test.app.db, page, null));
    noScanOf(plan, "server");
    noScanOf(plan, "server_usage");
  });
});
