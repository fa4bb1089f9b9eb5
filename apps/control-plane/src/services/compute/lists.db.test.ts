/** No list of compute's reads a table that grows with customers' resources from end to end. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type postgres from "postgres";

import { type Explained, explainedConnection } from "../../testing/explained.ts";
import { type TestApp, createTestApp } from "../../testing/test-app.ts";
import { listActions, listServersWithActions } from "./actions/action.queries.ts";
import { listFlavorAccess, listFlavorsShared } from "./flavors/flavor.queries.ts";
import { listHostUse, listMissing, listOrphans, listServersOn, listUnsettledOn } from "./hosts/host.queries.ts";
import { listKeypairs } from "./keypairs/keypair.queries.ts";
import { listMigrations } from "./migrations/migration.queries.ts";
import { groupsOfServers, listServerGroupIds, listServerGroups } from "./server-groups/server-group.queries.ts";
import { listProjectServerIds, listServers, listUnsettledIds, listVersionedServers } from "./servers/server.queries.ts";
import { listSnapshots } from "./snapshots/snapshot.queries.ts";
import { listServerUsages } from "./usage/usage.queries.ts";
import { listDiskIdsOfProject, listServerDisks, volumesOfServers } from "./volumes/server-disk.queries.ts";

let app: TestApp;
let explained: Explained;

/** 2,000 projects with 8 servers each on 400 hosts, and what hangs on a server. */
async function seed(sql: postgres.Sql): Promise<void> {
  const all = sql`generate_series(1, 2000) p, generate_series(1, 8) i`;
  await sql`
    insert into server (id, project_id, user_id, name, hostname, flavor_id, flavor, image_id, seed, reservation_id, created_at, updated_at,
      power_nonce, task_since, host, observed_generation, observed_state, observed_launched_at, observed_at)
    select 's' || p || '-' || i, 'p' || p, 'u' || p, 's', 's', 'f', '{"vcpus":1,"ramMib":1,"diskGib":1,"ephemeralGib":0}', '', 'x', 'r',
      now() - p * interval '1 second', now(), 'n', now(), 'h' || p % 400, 1, 'running', now(), now() from ${all}`;
  await sql`
    insert into server_action (server_id, project_id, user_id, request_id, action, started_at, updated_at, finished_at)
    select 's' || p || '-' || i, 'p' || p, 'u', 'req' || n, 'create', now(), now(), now() from ${all}, generate_series(1, 3) n`;
  await sql`
    insert into server_migration (uuid, server_id, user_id, kind, status, source_host, dest_host, old_flavor_id, new_flavor_id, created_at, updated_at)
    select 'm' || p || '-' || i, 's' || p || '-' || i, 'u', 'resize', 'confirmed', 'h' || p % 400, 'h1', 'f', 'f', now(), now() from ${all}`;
  await sql`
    insert into server_disk (id, server_id, project_id, source_type, destination_type, volume_id, device_name, changed_at, created_at)
    select 'd' || p || '-' || i, 's' || p || '-' || i, 'p' || p, 'volume', 'volume', 'v' || p || '-' || i, '/dev/vdb', now(), now() from ${all}`;
  await sql`
    insert into server_group (id, project_id, user_id, name, policy, created_at)
    select 'g' || p || '-' || i, 'p' || p, 'u', 'g', 'affinity', now() from ${all}`;
  await sql`insert into server_group_member (server_id, group_id) select 's' || p || '-' || i, 'g' || p || '-' || i from ${all}`;
  await sql`
    insert into server_usage (server_id, project_id, name, flavor, launched_at, ended_at)
    select 'gone' || p || '-' || i, 'p' || p, 's', '{}', now() - p * interval '2 minutes', now() - p * interval '1 minute' from ${all}`;
  await sql`
    insert into keypair (user_id, name, type, public_key, fingerprint, created_at)
    select 'u' || p, 'k' || i, 'ssh', 'key', 'f', now() from ${all}`;
  await sql`
    insert into flavor (id, name, vcpus, ram_mib, disk_gib, is_public, created_at) select 'f' || p, 'f' || p, 1, 1, 1, false, now()
    from generate_series(1, 200) p`;
  await sql`insert into flavor_access (flavor_id, project_id) select 'f' || (1 + p % 200), 'p' || p || '-' || i from ${all}`;
}

before(async () => {
  app = await createTestApp();
  explained = explainedConnection(app.app.config.database);
  await seed(explained.sql);
  await explained.begin();
});
after(async () => {
  await explained.close();
  await app.close();
});

const page = { filter: { projectId: "p7", equal: {}, matching: {} }, sort: [], marker: undefined, limit: 1000 };
const hour = { start: new Date(Date.now() - 3_600_000), stop: new Date() };

const CASES: [string, (sql: postgres.Sql) => PromiseLike<unknown>][] = [
  ["servers of a project", (sql) => listServers(sql, page)],
  ["the next page of servers", (sql) => listServers(sql, { ...page, marker: "s7-3", limit: 3 })],
  [
    "servers of all projects",
    (sql) => listServers(sql, { ...page, filter: { ...page.filter, projectId: null }, limit: 100 }),
  ],
  ["what is shown of servers", (sql) => listVersionedServers(sql, ["s7-1", "s7-2", "s9-1"])],
  ["ids of a project's servers", (sql) => listProjectServerIds(sql, "p7")],
  ["servers that are not where they should be", (sql) => listUnsettledIds(sql)],
  ["actions of a server", (sql) => listActions(sql, "s7-1", { marker: undefined, limit: 100 } as never)],
  ["the next page of actions", (sql) => listActions(sql, "s7-1", { marker: "req2", limit: 100 } as never)],
  ["servers with actions", (sql) => listServersWithActions(sql, "p7")],
  ["migrations", (sql) => listMigrations(sql, { equal: {}, limit: 100 })],
  ["migrations of a server", (sql) => listMigrations(sql, { equal: { serverId: "s7-1" }, limit: 100 })],
  ["the next page of migrations", (sql) => listMigrations(sql, { equal: {}, limit: 100, marker: "m7-1" })],
  ["images being made", (sql) => listSnapshots(sql)],
  ["key pairs", (sql) => listKeypairs(sql, "u7", { marker: "k3", limit: 100 })],
  ["who may use a flavor", (sql) => listFlavorAccess(sql, "f7")],
  ["flavors shared with a project", (sql) => listFlavorsShared(sql, "p7-1")],
  ["guests nobody knows", (sql) => listOrphans(sql, "h7", ["s7-1", "s407-1", "x"])],
  ["guests a host did not report", (sql) => listMissing(sql, "h7", ["s7-1"], new Date())],
  ["servers of a host on their way", (sql) => listUnsettledOn(sql, "h7")],
  ["what projects take of a host", (sql) => listHostUse(sql, "h7")],
  ["servers of hosts", (sql) => listServersOn(sql, ["h7", "h8"])],
  ["server groups", (sql) => listServerGroups(sql, "p7", { limit: 1000, offset: 0 })],
  ["server groups of all projects", (sql) => listServerGroups(sql, null, { limit: 100, offset: 0 })],
  ["ids of server groups", (sql) => listServerGroupIds(sql, "p7")],
  ["groups of servers", (sql) => groupsOfServers(sql, ["s7-1", "s8-1"])],
  ["disks of a server", (sql) => listServerDisks(sql, "s7-1")],
  ["ids of a project's disks", (sql) => listDiskIdsOfProject(sql, "p7")],
  ["volumes of servers", (sql) => volumesOfServers(sql, ["s7-1", "s8-1"])],
  ["usage of a project", (sql) => listServerUsages(sql, { ...hour, projectId: "p7", marker: undefined, limit: 1000 })],
];

/** Few, whoever and whatever there is in the cloud: an image being made goes once it is made. */
const SMALL = ["server_snapshot", "compute_host", "flavor"];

for (const [name, send] of CASES) {
  test(`${name}: by index`, async () => {
    const scanned = await explained.seqScans(send);
    assert.deepEqual(
      scanned.filter((table) => !SMALL.includes(table)),
      [],
    );
  });
}

test("a scan is seen when there is one", async () => {
  assert.deepEqual(await explained.seqScans((sql) => sql`select * from server where description = 'x'`), ["server"]);
});
