/** No list reads a big table from end to end: each is explained against a database with many projects' volumes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import postgres from "postgres";

import {
  findBackup,
  findParentId,
  listBackups,
  listProjectBackupIds,
  listUnsettledBackups,
} from "./backups/backup.queries.ts";
import { listAttachments, listServerDiskRows } from "./attachments/attachment.queries.ts";
import type { ListRequest } from "./common/list-request.ts";
import { listMessages } from "./messages/message.queries.ts";
import { listSnapshots, listVolumeSnapshots } from "./snapshots/snapshot.queries.ts";
import { type VolumeLab, createVolumeLab } from "./testing/volume-lab.ts";
import { listTransfers } from "./transfers/transfer.queries.ts";
import { listVolumes, summarizeVolumes } from "./volumes/list-volumes.queries.ts";
import { countReaders, findVolume, listUnsettledVolumes } from "./volumes/volume.queries.ts";

let lab: VolumeLab;
/** A connection that says how the server ran what it was sent. */
let explained: postgres.Sql;
let plans: string[] = [];

const PROJECTS = 2000;

/** Each project has 8 volumes, each with a snapshot, an attachment, a transfer and a message. */
async function seed(sql: postgres.Sql): Promise<void> {
  const all = sql`generate_series(1, ${PROJECTS}) p, generate_series(1, 8) i`;
  await sql`
    insert into volume (id, project_id, user_id, name, size_gib, volume_type_id, status, wrapped_key, key_id, created_at, task_since, pool,
      observed_generation, observed_state, observed_size_gib)
    select 'v' || p || '-' || i, 'p' || p, 'u', 'disk', 1, (select id from volume_type where name = 'standard'), 'available', '\\x00', 'k',
      now() - p * interval '1 second', now(), 'volumes', 1, 'ready', 1 from ${all}`;
  await sql`
    insert into snapshot (id, project_id, user_id, volume_id, status, size_gib, created_at, generation, task_since)
    select 's' || p || '-' || i, 'p' || p, 'u', 'v' || p || '-' || i, 'available', 1, now() - p * interval '1 second', 1, now() from ${all}`;
  await sql`
    insert into volume_attachment (id, volume_id, project_id, server_id, host, status, created_at)
    select 'a' || p || '-' || i, 'v' || p || '-' || i, 'p' || p, 'server' || p || '-' || i, 'host1', 'attached', now() from ${all}`;
  await sql`
    insert into volume_transfer (id, volume_id, project_id, salt, secret_hash, created_at)
    select 't' || p || '-' || i, 'v' || p || '-' || i, 'p' || p, 's', 'h', now() from ${all}`;
  await sql`
    insert into volume_message (id, project_id, resource_type, resource_id, event_id, text, created_at, expires_at)
    select 'm' || p || '-' || i, 'p' || p, 'VOLUME', 'v', 'e', 't', now(), now() + interval '1 day' from ${all}`;
  await sql`
    insert into volume_upload (id, project_id, volume_id, image_id, format, created_at)
    select 'e' || p || '-' || i, 'p' || p, 'v' || p || '-' || i, 'i', 'raw', now() from ${all}`;
  await sql`
    insert into backup (id, project_id, user_id, volume_id, status, size_gib, wrapped_key, key_id, data_timestamp, created_at, task_since)
    select 'b' || p || '-' || i, 'p' || p, 'u', 'v' || p || '-' || i, 'available', 1, '\\x00', 'k', now(), now(), now() from ${all}`;
  await sql`analyze`;
}

before(async () => {
  lab = await createVolumeLab();
  const { database } = lab.app.config;
  assert.ok("socketDir" in database);
  explained = postgres({
    host: database.socketDir,
    port: database.port,
    database: database.name,
    username: database.user,
    max: 1,
    onnotice: (notice) => void plans.push(notice["message"] ?? ""),
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
  });
  await seed(explained);
  await explained`load 'auto_explain'`;
  await explained`set auto_explain.log_min_duration = 0`;
  await explained`set client_min_messages = 'log'`;
});
after(async () => {
  await explained.end();
  await lab.close();
});

const ALL: ListRequest = {
  limit: 20,
  offset: 0,
  marker: null,
  sort: [{ key: "created_at", descending: true }],
  projectId: null,
  withCount: false,
};
const OWN: ListRequest = { ...ALL, projectId: "p7" };

/** Tables that stay small: an operator's types and hosts. */
const SMALL = /Seq Scan on (volume_type|qos_specs|volume_host)\b/;

async function noBigScan(what: string, work: () => Promise<unknown>): Promise<void> {
  plans = [];
  await work();
  assert.ok(plans.length > 0, `${what}: nothing was explained`);
  for (const plan of plans) {
    const scans = plan.split("\n").filter((line) => line.includes("Seq Scan on") && !SMALL.test(line));
    assert.deepEqual(scans, [], `${what}:\n${plan}`);
  }
}

test("every list is an index scan", async () => {
  const sql = explained;
  for (const [name, list] of Object.entries({
    own: OWN,
    all: ALL,
    "own after a marker": { ...OWN, marker: "v7-3" },
    "all after a marker": { ...ALL, marker: "v7-3" },
  })) {
    await noBigScan(`volumes, ${name}`, () => listVolumes(sql, list, {}));
    await noBigScan(`snapshots, ${name}`, () =>
      listSnapshots(sql, list.marker === null ? list : { ...list, marker: "s7-3" }, {}),
    );
  }
  for (const list of [OWN, ALL, { ...OWN, marker: "b7-3" }, { ...ALL, marker: "b7-3" }]) {
    await noBigScan("backups", () => listBackups(sql, list, {}));
  }
  await noBigScan("backups of a volume", () => listBackups(sql, OWN, { volumeId: "v7-3" }));
  await noBigScan("a backup", () => findBackup(sql, "b7-3", null));
  await noBigScan("a parent", () => findParentId(sql, { volumeId: "v7-3", projectId: "p7", before: null }));
  await noBigScan("backups of a project", () => listProjectBackupIds(sql, "p7"));
  await noBigScan("backups for the resync", () => listUnsettledBackups(sql));
  await noBigScan("volumes by name", () =>
    listVolumes(sql, { ...OWN, sort: [{ key: "display_name", descending: false }] }, {}),
  );
  await noBigScan("volumes of a status", () => listVolumes(sql, OWN, { status: "error" }));
  await noBigScan("summary", () => summarizeVolumes(sql, "p7", {}));
  await noBigScan("attachments", () => listAttachments(sql, OWN, {}));
  await noBigScan("attachments of a volume", () => listAttachments(sql, ALL, { volumeId: "v7-3" }));
  await noBigScan("transfers", () => listTransfers(sql, OWN, {}));
  await noBigScan("messages", () => listMessages(sql, OWN, {}));
  await noBigScan("disks of servers", () => listServerDiskRows(sql, ["server7-3", "server8-3"]));
  await noBigScan("snapshots of a volume", () => listVolumeSnapshots(sql, "v7-3"));
  await noBigScan("a volume", () => findVolume(sql, "v7-3", null));
  await noBigScan("readers of a volume", () => countReaders(sql, "v7-3"));
  await noBigScan("what the resync looks at", () => listUnsettledVolumes(sql));
});

test("pages follow one another without gap or repetition, whatever the order", async () => {
  const sql = lab.app.db;
  for (const sort of [
    [{ key: "created_at", descending: true }],
    [{ key: "display_name", descending: false }],
    [
      { key: "size", descending: true },
      { key: "id", descending: false },
    ],
  ]) {
    const seen: string[] = [];
    let marker: string | null = null;
    for (;;) {
      const page: { id: string }[] = await listVolumes(sql, { ...OWN, limit: 3, sort, marker }, {});
      seen.push(...page.map(({ id }) => id));
      marker = page.at(-1)?.id ?? null;
      if (page.length < 3) break;
    }
    assert.equal(seen.length, 8);
    assert.equal(new Set(seen).size, 8);
  }
});
