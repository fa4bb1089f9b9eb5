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
import { listAttachments, listProjectAttachments, listServerDiskRows } from "./attachments/attachment.queries.ts";
import type { ListRequest } from "./common/list-request.ts";
import {
  listGroupSnapshots,
  listProjectGroupSnapshotIds,
  listUnsettledGroupSnapshots,
} from "./group-snapshots/group-snapshot.queries.ts";
import {
  countGroupUses,
  findGroup,
  listGroupVolumes,
  listGroups,
  listProjectGroupIds,
  listUnsettledGroups,
} from "./groups/group.queries.ts";
import { listMessages, listProjectMessageIds } from "./messages/message.queries.ts";
import {
  listGroupSnapshotParts,
  listProjectSnapshotIds,
  listSnapshots,
  listVolumeSnapshots,
} from "./snapshots/snapshot.queries.ts";
import { type VolumeLab, createVolumeLab } from "./testing/volume-lab.ts";
import { listProjectTransfers, listTransfers } from "./transfers/transfer.queries.ts";
import { listUploadIds, listUploadsOf } from "./uploads/upload.queries.ts";
import { listAccess, listTypesShared } from "./types/type.queries.ts";
import { listVolumes, summarizeVolumes } from "./volumes/list-volumes.queries.ts";
import { countReaders, findVolume, listProjectVolumeIds, listUnsettledVolumes } from "./volumes/volume.queries.ts";

let lab: VolumeLab;
/** A connection that says how the server ran what it was sent. */
let explained: postgres.Sql;
let plans: string[] = [];

const PROJECTS = 2000;

/** Each project has 8 volumes, each in a group of its own, with a snapshot of both, an attachment, a transfer and a message. */
async function seed(sql: postgres.Sql): Promise<void> {
  const all = sql`generate_series(1, ${PROJECTS}) p, generate_series(1, 8) i`;
  await sql`insert into volume_group_type (id, name, created_at) values ('kind', 'kind', now())`;
  await sql`
    insert into volume_group (id, project_id, user_id, name, group_type_id, availability_zone, status, created_at)
    select 'g' || p || '-' || i, 'p' || p, 'u', 'group', 'kind', 'nova', 'available', now() - p * interval '1 second' from ${all}`;
  await sql`
    insert into volume_group_volume_type (group_id, volume_type_id)
    select g.id, t.id from volume_group g, volume_type t where t.name = 'standard'`;
  await sql`
    insert into volume_group_snapshot (id, project_id, user_id, group_id, group_type_id, status, created_at)
    select 'h' || p || '-' || i, 'p' || p, 'u', 'g' || p || '-' || i, 'kind', 'available', now() - p * interval '1 second' from ${all}`;
  await sql`
    insert into volume (id, project_id, user_id, name, size_gib, volume_type_id, group_id, status, wrapped_key, key_id, created_at, task_since, pool,
      observed_generation, observed_state, observed_size_gib)
    select 'v' || p || '-' || i, 'p' || p, 'u', 'disk', 1, (select id from volume_type where name = 'standard'), 'g' || p || '-' || i, 'available', '\\x00', 'k',
      now() - p * interval '1 second', now(), 'volumes', 1, 'ready', 1 from ${all}`;
  await sql`
    insert into snapshot (id, project_id, user_id, volume_id, group_snapshot_id, status, size_gib, created_at, generation, task_since)
    select 's' || p || '-' || i, 'p' || p, 'u', 'v' || p || '-' || i, 'h' || p || '-' || i, 'available', 1, now() - p * interval '1 second', 1, now() from ${all}`;
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
  await sql`
    insert into volume_type_access (volume_type_id, project_id) select (select id from volume_type where name = 'standard'), 'p' || p || '-' || i from ${all}`;
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
  await noBigScan("volumes of a group", () => listVolumes(sql, OWN, { groupId: "g7-3" }));
  for (const [list, marker] of [
    [OWN, null],
    [ALL, null],
    [OWN, "7-3"],
    [ALL, "7-3"],
  ] as const) {
    await noBigScan("groups", () => listGroups(sql, { ...list, marker: marker && `g${marker}` }, {}));
    const after = { ...list, marker: marker && `h${marker}` };
    await noBigScan("snapshots of groups", () => listGroupSnapshots(sql, after, {}));
  }
  await noBigScan("a group", () => findGroup(sql, "g7-3", null));
  await noBigScan("volumes in groups", () => listGroupVolumes(sql, ["g7-3", "g8-3"]));
  await noBigScan("snapshots of a group", () => listGroupSnapshots(sql, ALL, { groupId: "g7-3" }));
  await noBigScan("what a group's snapshot has", () => listGroupSnapshotParts(sql, "h7-3"));
  await noBigScan("uses of a group", () => countGroupUses(sql, { groupId: "g7-3" }));
  await noBigScan("uses of a group's snapshot", () => countGroupUses(sql, { groupSnapshotId: "h7-3" }));
  await noBigScan("groups of a project", () => listProjectGroupIds(sql, "p7"));
  await noBigScan("groups' snapshots of a project", () => listProjectGroupSnapshotIds(sql, "p7"));
  await noBigScan("groups for the resync", () => listUnsettledGroups(sql));
  await noBigScan("groups' snapshots for the resync", () => listUnsettledGroupSnapshots(sql));
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
  for (const [what, list] of Object.entries({
    volumes: listProjectVolumeIds,
    snapshots: listProjectSnapshotIds,
    attachments: listProjectAttachments,
    messages: listProjectMessageIds,
    transfers: listProjectTransfers,
    uploads: listUploadIds,
    "types shared": listTypesShared,
  }))
    await noBigScan(`a project's ${what}`, () => list(sql, "p7"));
  await noBigScan("uploads of a volume", () => listUploadsOf(sql, "v7-3"));
  await noBigScan("who may use a type", () => listAccess(sql, "t7"));
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
