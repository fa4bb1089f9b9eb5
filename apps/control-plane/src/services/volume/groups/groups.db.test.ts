/** Groups of volumes, their types and their snapshots, from the API to what the agent is told. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { newUuid } from "@andromede/base/ids";

import { volumeReconcilers } from "../reconcilers.ts";
import { type VolumeLab, type Wire, createVolumeLab } from "../testing/volume-lab.ts";

let lab: VolumeLab;
let groupTypeId = "";
before(async () => {
  lab = await createVolumeLab();
  const made = await admin("POST", "/group_types", { group_type: { name: "together" } });
  assert.equal(made.status, 202, made.text);
  groupTypeId = made.body.group_type.id;
});
after(() => lab.close());

const admin = (method: string, path: string, body?: unknown, version = "3.70") =>
  lab.call(method, path, body, { token: lab.adminToken, version });

async function makeGroup(more: object = {}): Promise<string> {
  const fields = { name: "group", group_type: "together", volume_types: ["standard"], ...more };
  const made = await lab.call("POST", "/groups", { group: fields });
  assert.equal(made.status, 202, made.text);
  return made.body.group.id;
}
const memberOf = (groupId: string, more: object = {}): Promise<string> =>
  lab.volume({ group_id: groupId, volume_type: "standard", ...more });

async function refused(method: string, path: string, body: unknown, status: number, words: RegExp): Promise<void> {
  const answer = await lab.call(method, path, body);
  assert.equal(answer.status, status, answer.text);
  assert.match(Object.values(answer.body as { [kind: string]: { message: string } })[0]?.message ?? "", words);
}

async function snapshotGroup(groupId: string): Promise<string> {
  const made = await lab.call("POST", "/group_snapshots", { group_snapshot: { group_id: groupId, name: "all of it" } });
  assert.equal(made.status, 202, made.text);
  const { id, group_type_id: type } = made.body.group_snapshot;
  assert.equal(type, groupTypeId);
  await lab.until(`group_snapshots/${id}`, "available");
  return id;
}

const remove = (groupId: string, volumes: boolean) =>
  lab.call("POST", `/groups/${groupId}/action`, { delete: { "delete-volumes": volumes } });
const partsOf = async (groupSnapshotId: string): Promise<{ id: string; volume_id: string; status: string }[]> =>
  ((await lab.call("GET", "/snapshots/detail")).body as Wire).snapshots.filter(
    (one: Wire) => one.group_snapshot_id === groupSnapshotId,
  );
const used = async (name: string): Promise<number> =>
  (await lab.call("GET", `/os-quota-sets/${lab.projectId}?usage=true`)).body.quota_set[name].in_use;

test("types of groups: an operator's, with specs; customers see public ones without specs", async () => {
  const hidden = { name: "hidden", is_public: false, description: "a", group_specs: { key: "value" } };
  const { group_type: type } = (await admin("POST", "/group_types", { group_type: hidden })).body;
  assert.deepEqual({ ...type, id: "" }, { ...hidden, id: "" });
  assert.equal((await admin("POST", "/group_types", { group_type: { name: "hidden" } })).status, 409);
  assert.equal((await lab.call("GET", `/group_types/${type.id}`)).status, 404);
  const seen = (await lab.call("GET", "/group_types")).body.group_types;
  assert.deepEqual(seen, [{ id: groupTypeId, name: "together", description: null, is_public: true }]);
  const all = (await admin("GET", "/group_types?is_public=None")).body.group_types;
  assert.deepEqual(
    all.map((one: Wire) => one.name),
    ["hidden", "together"],
  );
  const path = `/group_types/${type.id}`;
  const changed = await admin("PUT", path, { group_type: { name: "renamed", is_public: true } });
  assert.deepEqual(
    [changed.status, changed.body.group_type.name, changed.body.group_type.is_public],
    [200, "renamed", true],
  );
  assert.equal((await admin("PUT", path, { group_type: { name: "together" } })).status, 409);
  assert.equal((await admin("PUT", path, { group_type: {} })).status, 400);
  assert.equal((await admin("POST", `${path}/group_specs`, { group_specs: { b: "2", c: "3" } })).status, 202);
  assert.equal((await admin("PUT", `${path}/group_specs/b`, { b: "4" })).status, 200);
  assert.equal((await admin("PUT", `${path}/group_specs/b`, { c: "4" })).status, 400);
  assert.equal((await admin("DELETE", `${path}/group_specs/c`)).status, 202);
  assert.equal((await admin("DELETE", `${path}/group_specs/c`)).status, 404);
  assert.deepEqual((await admin("GET", `${path}/group_specs`)).body.group_specs, { key: "value", b: "4" });
  assert.deepEqual((await admin("GET", `${path}/group_specs/b`)).body, { b: "4" });
  assert.equal((await lab.call("GET", "/group_types/default")).status, 404);
  assert.equal((await admin("DELETE", path)).status, 202);
  assert.equal((await admin("GET", path)).status, 404);
});

test("a group is made, filled, changed and removed with its volumes", async () => {
  const before = await used("groups");
  const groupId = await makeGroup();
  assert.equal(await used("groups"), before + 1);
  const first = await memberOf(groupId);
  const second = await lab.volume();
  const shown = (await lab.call("GET", `/groups/${groupId}?list_volume=true`)).body.group;
  assert.deepEqual(
    [shown.status, shown.group_type, shown.volumes, shown.group_snapshot_id, shown.replication_status],
    ["available", groupTypeId, [first], null, "disabled"],
  );
  await refused("DELETE", `/volumes/${first}`, undefined, 400, /belong to a group/);
  await refused("POST", `/volumes/${first}/action`, { "os-retype": { new_type: "standard" } }, 400, /Retype/);
  await refused("POST", "/volume-transfers", { transfer: { volume_id: first } }, 400, /part of a group/);
  await refused("PUT", `/groups/${groupId}`, { group: { name: "group" } }, 400, /no valid name/);
  await refused("PUT", `/groups/${groupId}`, { group: { remove_volumes: second } }, 400, /not in the group/);
  const both = { group: { add_volumes: second, remove_volumes: second } };
  await refused("PUT", `/groups/${groupId}`, both, 400, /both add and remove/);
  const swap = { group: { name: "new name", add_volumes: `${second},`, remove_volumes: first } };
  assert.equal((await lab.call("PUT", `/groups/${groupId}`, swap)).status, 202);
  assert.equal((await lab.call("GET", `/volumes/${first}`)).body.volume.group_id, null);
  const found = (await lab.call("GET", `/volumes/detail?group_id=${groupId}`)).body.volumes;
  assert.deepEqual(
    found.map((one: Wire) => [one.id, one.group_id]),
    [[second, groupId]],
  );
  await refused("POST", `/groups/${groupId}/action`, { delete: {} }, 400, /still contains volumes/);
  assert.equal((await remove(groupId, true)).status, 202);
  await lab.until(`groups/${groupId}`, "404");
  await lab.until(`volumes/${second}`, "404");
  assert.equal(await used("groups"), before);
  assert.equal(await lab.status(`volumes/${first}`), "available");
  assert.equal((await lab.call("DELETE", `/volumes/${first}`)).status, 202);
});

test("only what suits a group gets in", async () => {
  const kind = await admin("POST", "/types", { volume_type: { name: "other" } });
  const groupId = await makeGroup();
  await refused("POST", "/volumes", { volume: { size: 1, group_id: groupId } }, 400, /volume_type must be provided/);
  const wrong = { volume: { size: 1, group_id: groupId, volume_type: "other" } };
  await refused("POST", "/volumes", wrong, 400, /must be supported by this group/);
  const nowhere = { volume: { size: 1, group_id: newUuid(), volume_type: "standard" } };
  await refused("POST", "/volumes", nowhere, 404, /Group .* could not be found/);
  const other = await lab.volume({ volume_type: "other" });
  await refused("PUT", `/groups/${groupId}`, { group: { add_volumes: other } }, 400, /not supported by the group/);
  const grouped = await memberOf(await makeGroup());
  await refused("PUT", `/groups/${groupId}`, { group: { add_volumes: grouped } }, 400, /already in group/);
  const stranger = lab.tokenFor({ roles: ["member"] });
  const foreign = await lab.volume({}, { token: stranger, wait: false });
  await refused("PUT", `/groups/${groupId}`, { group: { add_volumes: foreign } }, 400, /cannot be found/);
  const typed = { name: "x", group_type: "together", volume_types: ["none"] };
  await refused("POST", "/groups", { group: typed }, 404, /Volume type none/);
  await refused("POST", "/groups", { group: { ...typed, group_type: "none" } }, 404, /Group type none/);
  const zone = { ...typed, volume_types: ["standard"], availability_zone: "moon" };
  await refused("POST", "/groups", { group: zone }, 400, /zone 'moon' is invalid/);
  const specs = { group_specs: { consistent_group_snapshot_enabled: "<is> True" } };
  await admin("POST", "/group_types", { group_type: { name: "one moment", ...specs } });
  const moment = { group: { ...typed, volume_types: ["standard"], group_type: "one moment" } };
  await refused("POST", "/groups", moment, 400, /at one moment/);
  await refused("POST", `/groups/${groupId}/action`, { enable_replication: {} }, 400, /not a replication group type/);
  const inUse = await admin("DELETE", `/group_types/${groupTypeId}`);
  assert.match(inUse.text, /still in use/);
  await makeGroup({ volume_types: ["other"] });
  await lab.call("DELETE", `/volumes/${other}`);
  await lab.until(`volumes/${other}`, "404");
  assert.match((await admin("DELETE", `/types/${kind.body.volume_type.id}`)).text, /still in use/);
});

test("a snapshot of a group has one of each volume, and a group is made from it", async () => {
  const groupId = await makeGroup();
  const volumes = [await memberOf(groupId, { name: "a" }), await memberOf(groupId, { name: "b", size: 2 })];
  const before = await used("snapshots");
  const snapshotId = await snapshotGroup(groupId);
  assert.equal(await used("snapshots"), before + 2);
  const parts = await partsOf(snapshotId);
  assert.deepEqual(parts.map((one) => one.volume_id).toSorted(), volumes.toSorted());
  for (const { id, volume_id: volumeId } of parts) {
    assert.ok(lab.agent.volumes.get(volumeId)?.report.snapshots.includes(id), "the agent has it");
    await refused("DELETE", `/snapshots/${id}`, undefined, 400, /must not be part of a group/);
  }
  await refused("POST", `/groups/${groupId}/action`, { delete: { "delete-volumes": true } }, 400, /existing snapshots/);
  const body = { "create-from-src": { name: "copy", group_snapshot_id: snapshotId } };
  const made = await lab.call("POST", "/groups/action", body);
  assert.equal(made.status, 202, made.text);
  const copyId: string = made.body.group.id;
  await lab.until(`groups/${copyId}`, "available");
  const copy = (await lab.call("GET", `/groups/${copyId}?list_volume=true`)).body.group;
  assert.deepEqual([copy.group_snapshot_id, copy.volumes.length], [snapshotId, 2]);
  const copied = (await lab.call("GET", `/volumes/detail?group_id=${copyId}&sort=name:asc`)).body.volumes;
  const sources = parts.toSorted((one, other) => volumes.indexOf(one.volume_id) - volumes.indexOf(other.volume_id));
  assert.deepEqual(
    copied.map((volume: Wire) => [volume.name, volume.size, volume.status, volume.snapshot_id]),
    [
      ["a", 1, "available", sources[0]?.id],
      ["b", 2, "available", sources[1]?.id],
    ],
  );
  assert.equal((await lab.call("DELETE", `/group_snapshots/${snapshotId}`)).status, 202);
  await lab.until(`group_snapshots/${snapshotId}`, "404");
  assert.equal(await used("snapshots"), before);
  for (const id of volumes) assert.deepEqual(lab.agent.volumes.get(id)?.report.snapshots, []);
});

test("a group is made from a group, and ends in error when a volume of it does", async () => {
  const groupId = await makeGroup();
  await refused("POST", "/groups/action", { "create-from-src": { source_group_id: groupId } }, 400, /empty/);
  const source = await memberOf(groupId);
  lab.agent.held = true;
  const copying = await lab.call("POST", "/groups/action", { "create-from-src": { source_group_id: groupId } });
  assert.equal(copying.status, 202, copying.text);
  const copyId: string = copying.body.group.id;
  assert.equal(await lab.status(`groups/${copyId}`), "creating");
  await refused(
    "POST",
    `/groups/${groupId}/action`,
    { delete: { "delete-volumes": true } },
    400,
    /source for an ongoing/,
  );
  await refused("POST", `/groups/${copyId}/action`, { delete: {} }, 400, /must be available or error/);
  await lab.agent.release();
  await lab.until(`groups/${copyId}`, "available");
  const [copied] = (await lab.call("GET", `/groups/${copyId}?list_volume=true`)).body.group.volumes;
  assert.equal((await lab.call("GET", `/volumes/${copied}`)).body.volume.source_volid, source);
  lab.agent.failWith = "no room";
  const failing = await lab.call("POST", "/groups/action", { "create-from-src": { source_group_id: groupId } });
  const failedId: string = failing.body.group.id;
  await lab.until(`groups/${failedId}`, "error");
  lab.agent.failWith = null;
  assert.equal((await remove(failedId, true)).status, 202);
  await lab.until(`groups/${failedId}`, "404");
});

test("all or none: a volume that cannot have a snapshot, or a quota, refuses the whole", async () => {
  const groupId = await makeGroup();
  const [one, two] = [await memberOf(groupId), await memberOf(groupId)];
  await admin("POST", `/volumes/${two}/action`, { "os-reset_status": { status: "error" } });
  const body = { group_snapshot: { group_id: groupId } };
  await refused("POST", "/group_snapshots", body, 400, /status must be/);
  assert.deepEqual((await lab.call("GET", `/snapshots?volume_id=${one}`)).body.snapshots, []);
  await admin("POST", `/volumes/${two}/action`, { "os-reset_status": { status: "available" } });
  const limit = (await used("snapshots")) + 1;
  await admin("PUT", `/os-quota-sets/${lab.projectId}`, {
    quota_set: { snapshots: limit, groups: await used("groups") },
  });
  await refused("POST", "/group_snapshots", body, 413, /SnapshotLimitExceeded/);
  assert.deepEqual((await lab.call("GET", `/group_snapshots?group_id=${groupId}`)).body.group_snapshots, []);
  const more = { group: { group_type: "together", volume_types: ["standard"] } };
  await refused("POST", "/groups", more, 413, /GroupLimitExceeded/);
  await admin("DELETE", `/os-quota-sets/${lab.projectId}`);
  await admin("PUT", `/os-quota-sets/${lab.projectId}`, { quota_set: { groups: 100, volumes: 100, snapshots: 100 } });
});

test("racing creations do not exceed the quota of groups", async () => {
  await admin("PUT", `/os-quota-sets/${lab.projectId}`, { quota_set: { groups: (await used("groups")) + 2 } });
  const body = { group: { group_type: "together", volume_types: ["standard"] } };
  const answers = await Promise.all(Array.from({ length: 8 }, () => lab.call("POST", "/groups", body)));
  assert.equal(answers.filter(({ status }) => status === 202).length, 2);
  assert.equal(answers.filter(({ status }) => status === 413).length, 6);
  await admin("PUT", `/os-quota-sets/${lab.projectId}`, { quota_set: { groups: 100 } });
});

test("a control plane that dies in between finds its groups again", async () => {
  const groupId = await makeGroup();
  const volumeId = await memberOf(groupId);
  const snapshotId = await snapshotGroup(groupId);
  // as after a death between the volumes' end and the group's: statuses that nobody is woken for
  await lab.app.db`update volume_group_snapshot set status = 'creating' where id = ${snapshotId}`;
  await lab.app.db`update volume_group set status = 'creating' where id = ${groupId}`;
  for (const { kind, resync } of volumeReconcilers) {
    for (const id of (await resync?.ids(lab.app)) ?? []) {
      await lab.app
        .db`insert into reconcile_queue (key, kind) values (${`${kind}/${id}`}, ${kind}) on conflict do nothing`;
    }
  }
  lab.app.reconcile.wake();
  await lab.until(`groups/${groupId}`, "available");
  await lab.until(`group_snapshots/${snapshotId}`, "available");
  await lab.call("DELETE", `/group_snapshots/${snapshotId}`);
  await lab.until(`group_snapshots/${snapshotId}`, "404");
  await remove(groupId, true);
  await lab.until(`volumes/${volumeId}`, "404");
  await lab.until(`groups/${groupId}`, "404");
});

test("what an operator says of a status; other projects see nothing", async () => {
  const groupId = await makeGroup();
  const reset = (id: string, status: string) => admin("POST", id, { reset_status: { status } });
  assert.equal((await reset(`/groups/${groupId}/action`, "ERROR")).status, 202);
  assert.equal(await lab.status(`groups/${groupId}`), "error");
  assert.equal((await reset(`/groups/${groupId}/action`, "nonsense")).status, 400);
  const volumeId = await lab.volume();
  await refused("PUT", `/groups/${groupId}`, { group: { add_volumes: volumeId } }, 400, /must be available/);
  assert.equal(
    (await lab.call("POST", `/groups/${groupId}/action`, { reset_status: { status: "error" } })).status,
    403,
  );
  assert.equal((await reset(`/groups/${groupId}/action`, "available")).status, 202);
  const snapshotId = await snapshotGroup(groupId);
  assert.equal((await reset(`/group_snapshots/${snapshotId}/action`, "error")).status, 202);
  assert.equal(await lab.status(`group_snapshots/${snapshotId}`), "error");
  const token = lab.tokenFor({ roles: ["member"] });
  for (const path of [`/groups/${groupId}`, `/group_snapshots/${snapshotId}`]) {
    assert.equal((await lab.call("GET", path, undefined, { token })).status, 404);
  }
  const theirs = await lab.call("POST", "/group_snapshots", { group_snapshot: { group_id: groupId } }, { token });
  assert.equal(theirs.status, 404);
  const everybodys = (await admin("GET", "/groups?all_tenants=1")).body.groups.map((one: Wire) => one.id);
  assert.ok(everybodys.includes(groupId));
  const page = (await lab.call("GET", "/groups/detail?limit=1&sort=name:asc")).body;
  assert.equal(page.groups.length, 1);
  assert.equal(page.group_links[0].rel, "next");
  const named = (await lab.call("GET", "/group_snapshots/detail?name=all%20of%20it&limit=1")).body.group_snapshots;
  assert.equal(named[0].group_type_id, groupTypeId);
});
