/** A sample for every microversion that changes what a volume or a snapshot shows, as data; and how versions are agreed on. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type VolumeLab, createVolumeLab } from "../testing/volume-lab.ts";

let lab: VolumeLab;
let volumeId = "";
let snapshotId = "";
before(async () => {
  lab = await createVolumeLab();
  volumeId = await lab.volume();
  snapshotId = await lab.snapshot(volumeId);
});
after(() => lab.close());

const BASE = [
  "attachments",
  "availability_zone",
  "bootable",
  "consistencygroup_id",
  "created_at",
  "description",
  "encrypted",
  "id",
  "links",
  "metadata",
  "multiattach",
  "name",
  "os-vol-tenant-attr:tenant_id",
  "replication_status",
  "size",
  "snapshot_id",
  "source_volid",
  "status",
  "updated_at",
  "user_id",
  "volume_type",
];

/** What a version adds to what a customer sees, and to what an operator sees. */
const VOLUME: readonly (readonly [version: number, all: readonly string[], operator: readonly string[]])[] = [
  [
    0,
    BASE,
    ["migration_status", "os-vol-host-attr:host", "os-vol-mig-status-attr:migstat", "os-vol-mig-status-attr:name_id"],
  ],
  [13, ["group_id"], []],
  [21, [], ["provider_id"]],
  [48, ["service_uuid", "shared_targets"], []],
  [61, [], ["cluster_name"]],
  [63, ["volume_type_id"], []],
  [64, ["encryption_key_id"], []],
  [65, ["consumes_quota"], []],
];

const SNAPSHOT: readonly (readonly [version: number, added: readonly string[]])[] = [
  [
    0,
    [
      "created_at",
      "description",
      "id",
      "metadata",
      "name",
      "os-extended-snapshot-attributes:progress",
      "os-extended-snapshot-attributes:project_id",
      "size",
      "status",
      "updated_at",
      "volume_id",
    ],
  ],
  [14, ["group_snapshot_id"]],
  [41, ["user_id"]],
  [65, ["consumes_quota"]],
];

/** As SNAPSHOT, and what an operator sees besides. */
const BACKUP: readonly (readonly [version: number, all: readonly string[], operator: readonly string[]])[] = [
  [
    0,
    [
      "availability_zone",
      "container",
      "created_at",
      "data_timestamp",
      "description",
      "fail_reason",
      "has_dependent_backups",
      "id",
      "is_incremental",
      "links",
      "name",
      "object_count",
      "size",
      "snapshot_id",
      "status",
      "updated_at",
      "volume_id",
    ],
    [],
  ],
  [18, [], ["os-backup-project-attr:project_id"]],
  [43, ["metadata"], []],
  [56, [], ["user_id"]],
  [64, ["encryption_key_id"], []],
];

async function keysOf(path: string, minor: number, token: string): Promise<string[]> {
  const answer = await lab.call("GET", path, undefined, { version: `3.${minor}`, token });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["openstack-api-version"], `volume 3.${minor}`);
  return Object.keys(Object.values(answer.body)[0] as object).toSorted();
}

test("a volume shows what its microversion has, and nothing more", async () => {
  let [all, operator]: [string[], string[]] = [[], []];
  for (const [version, more, forOperators] of VOLUME) {
    if (version > 0) {
      assert.deepEqual(
        await keysOf(`/volumes/${volumeId}`, version - 1, lab.token),
        all.toSorted(),
        `3.${version - 1}`,
      );
    }
    all = [...all, ...more];
    operator = [...operator, ...forOperators];
    assert.deepEqual(await keysOf(`/volumes/${volumeId}`, version, lab.token), all.toSorted(), `3.${version}`);
    assert.deepEqual(
      await keysOf(`/volumes/${volumeId}`, version, lab.adminToken),
      [...all, ...operator].toSorted(),
      `3.${version}, operator`,
    );
  }
});

test("a snapshot shows what its microversion has, and nothing more", async () => {
  let all: string[] = [];
  for (const [version, more] of SNAPSHOT) {
    if (version > 0) {
      assert.deepEqual(
        await keysOf(`/snapshots/${snapshotId}`, version - 1, lab.token),
        all.toSorted(),
        `3.${version - 1}`,
      );
    }
    all = [...all, ...more];
    assert.deepEqual(await keysOf(`/snapshots/${snapshotId}`, version, lab.token), all.toSorted(), `3.${version}`);
  }
});

test("a backup shows what its microversion has, and nothing more", async () => {
  const made = await lab.call("POST", "/backups", { backup: { volume_id: await lab.volume() } });
  assert.equal(made.status, 202, made.text);
  const path = `/backups/${made.body.backup.id}`;
  let [all, operator]: [string[], string[]] = [[], []];
  for (const [version, more, forOperators] of BACKUP) {
    if (version > 0) {
      assert.deepEqual(await keysOf(path, version - 1, lab.token), all.toSorted(), `3.${version - 1}`);
      const before = [...all, ...operator].toSorted();
      assert.deepEqual(await keysOf(path, version - 1, lab.adminToken), before, `3.${version - 1}, operator`);
    }
    all = [...all, ...more];
    operator = [...operator, ...forOperators];
    assert.deepEqual(await keysOf(path, version, lab.token), all.toSorted(), `3.${version}`);
    assert.deepEqual(await keysOf(path, version, lab.adminToken), [...all, ...operator].toSorted(), `3.${version}`);
  }
  const rename = { backup: { name: "renamed" } };
  assert.equal((await lab.call("PUT", path, rename, { version: "3.8" })).status, 404);
  assert.equal((await lab.call("PUT", path, rename, { version: "3.9" })).status, 200);
  const metadata = { backup: { metadata: { a: "b" } } };
  assert.equal((await lab.call("PUT", path, metadata, { version: "3.42" })).status, 400);
  assert.equal((await lab.call("PUT", path, metadata, { version: "3.43" })).status, 200);
  const zone = { backup: { volume_id: await lab.volume(), availability_zone: "nova" } };
  assert.equal((await lab.call("POST", "/backups", zone, { version: "3.50" })).status, 400);
  assert.equal((await lab.call("POST", "/backups", zone, { version: "3.51" })).status, 202);
});

/** As BACKUP; the first version is the one that they came with. */
const GROUP: typeof BACKUP = [
  [13, ["availability_zone", "created_at", "description", "group_type", "id", "name", "status", "volume_types"], []],
  [14, ["group_snapshot_id", "source_group_id"], []],
  [38, ["replication_status"], []],
  [58, [], ["project_id"]],
];
const GROUP_SNAPSHOT: typeof BACKUP = [
  [14, ["created_at", "description", "group_id", "group_type_id", "id", "name", "status"], []],
  [58, [], ["project_id"]],
];

test("groups and their snapshots show what their microversion has, and nothing more", async () => {
  const type = await lab.call("POST", "/group_types", { group_type: { name: "kind" } }, { token: lab.adminToken });
  const wanted = { group_type: type.body.group_type.id, volume_types: ["standard"] };
  const group = await lab.call("POST", "/groups", { group: wanted });
  const groupId: string = group.body.group.id;
  const snapshot = await lab.call("POST", "/group_snapshots", { group_snapshot: { group_id: groupId } });
  for (const [path, table] of [
    [`/groups/${groupId}`, GROUP],
    [`/group_snapshots/${snapshot.body.group_snapshot.id}`, GROUP_SNAPSHOT],
  ] as const) {
    const first = table[0]?.[0] ?? 0;
    assert.equal((await lab.call("GET", path, undefined, { version: `3.${first - 1}` })).status, 404, path);
    for (let version = first; version <= 70; version++) {
      const rows = table.filter(([since]) => since <= version);
      const all = rows.flatMap(([, more]) => more);
      assert.deepEqual(await keysOf(path, version, lab.token), all.toSorted(), `3.${version}`);
      const operator = [...all, ...rows.flatMap(([, , more]) => more)].toSorted();
      assert.deepEqual(await keysOf(path, version, lab.adminToken), operator, `3.${version}, operator`);
    }
  }
});

/** Each is served from the second on and not by the first. */
test("what came with a microversion is not there before it", async () => {
  for (const [path, since] of [
    ["/messages", 3],
    ["/volumes/summary", 12],
    ["/attachments", 27],
    ["/resource_filters", 33],
    ["/volume-transfers", 55],
  ] as const) {
    assert.equal((await lab.call("GET", path, undefined, { version: `3.${since - 1}` })).status, 404, path);
    assert.equal((await lab.call("GET", path, undefined, { version: `3.${since}` })).status, 200, path);
  }
  const count = async (version: string) =>
    (await lab.call("GET", "/volumes?with_count=true", undefined, { version })).body.count as number | undefined;
  assert.equal(await count("3.44"), undefined);
  assert.equal(typeof (await count("3.45")), "number");
  const extra = { volume: { size: 1, status: "error" } };
  const loose = await lab.call("POST", "/volumes", extra, { version: "3.52" });
  assert.equal(loose.status, 202);
  assert.equal((await lab.call("POST", "/volumes", extra, { version: "3.53" })).status, 400);
});

test("versions: none is 3.0, latest is 3.70, others are refused in Cinder's form; documents", async () => {
  const none = await lab.call("GET", "/volumes", undefined, { version: null });
  assert.equal(none.headers["openstack-api-version"], "volume 3.0");
  const latest = await lab.call("GET", "/volumes", undefined, { version: "latest" });
  assert.equal(latest.headers["openstack-api-version"], "volume 3.70");
  const beyond = await lab.call("GET", "/volumes", undefined, { version: "3.71" });
  assert.equal(beyond.status, 406);
  assert.deepEqual(
    Object.values(beyond.body as { [kind: string]: { code: number } }).map(({ code }) => code),
    [406],
  );
  const documents = await lab.inject({ method: "GET", url: "/volume/" });
  assert.equal(documents.status, 300);
  const [document] = (documents.body as { versions: { id: string; version: string }[] }).versions;
  assert.deepEqual([document?.id, document?.version], ["v3.0", "3.70"]);
});

test("a path may carry the caller's project, and no other", async () => {
  assert.equal((await lab.call("GET", `/${lab.projectId}/volumes/${volumeId}`)).status, 200);
  const other = await lab.call("GET", `/somebody-elses/volumes/${volumeId}`);
  assert.equal(other.status, 400);
  assert.equal(other.body.badRequest.message, "Malformed request url");
  assert.equal((await lab.call("GET", `/${lab.projectId}/volumes/`)).status, 404);
});
