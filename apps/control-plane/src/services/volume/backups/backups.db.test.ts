/** Backups from POST to gone, with a fake agent: what a customer sees, what the agent is told, what is left. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type VolumeLab, type Wire, createVolumeLab } from "../testing/volume-lab.ts";

describe("backups", () => {
  let lab: VolumeLab;
  before(async () => {
    lab = await createVolumeLab();
    const raise = { quota_set: { volumes: 100, backups: 12 } };
    const answer = await lab.call("PUT", `/os-quota-sets/${lab.projectId}`, raise, { token: lab.adminToken });
    assert.equal(answer.status, 200, answer.text);
  });
  after(() => lab.close());

  const post = (volumeId: string, more: object = {}) =>
    lab.call("POST", "/backups", { backup: { volume_id: volumeId, name: "saved", ...more } });
  const backup = async (volumeId: string, more: object = {}): Promise<string> => {
    const answer = await post(volumeId, more);
    assert.equal(answer.status, 202, answer.text);
    const { id } = answer.body.backup;
    await lab.until(`backups/${id}`, "available");
    return id;
  };
  const show = async (id: string, options?: { token?: string; version?: string }): Promise<Wire> =>
    (await lab.call("GET", `/backups/${id}`, undefined, options)).body.backup;
  const heard = (id: string): Promise<unknown> =>
    waitUntil(`${id} heard`, () => lab.agent.backups.has(id), { timeoutMs: 15_000, everyMs: 10 });
  const used = async (name: string): Promise<number> =>
    (await lab.call("GET", `/os-quota-sets/${lab.projectId}?usage=true`)).body.quota_set[name].in_use;
  const remove = async (...ids: string[]): Promise<void> => {
    for (const id of ids) {
      assert.equal((await lab.call("DELETE", `/backups/${id}`)).status, 202);
      await lab.until(`backups/${id}`, "404");
    }
  };

  test("a full one, shown in full: a key of its own, wrapped; it outlives its volume", async () => {
    const volume = await lab.volume();
    const answer = await post(volume, { description: "d", metadata: { a: "b" }, container: "shelf" });
    assert.equal(answer.status, 202, answer.text);
    const { id } = answer.body.backup;
    await lab.until(`backups/${id}`, "available");
    assert.equal(await lab.status(`volumes/${volume}`), "available");
    const spec = lab.agent.backupSpecs.get(id);
    assert.equal(spec?.volumeKey, lab.agent.specs.get(volume)?.key);
    assert.deepEqual([spec?.volumeId, spec?.snapshotId, spec?.parentId], [volume, null, null]);
    const [row] = await lab.app.db<{ wrappedKey: Buffer }[]>`select wrapped_key from backup where id = ${id}`;
    assert.ok(row !== undefined && !row.wrappedKey.includes(Buffer.from(spec?.key ?? "", "base64")));
    const shown = await show(id);
    assert.equal(shown.object_count, 3);
    assert.equal(shown.is_incremental, false);
    assert.equal(shown.has_dependent_backups, false);
    assert.equal(shown.container, "shelf");
    assert.deepEqual(shown.metadata, { a: "b" });
    assert.equal("os-backup-project-attr:project_id" in shown, false);
    assert.equal((await show(id, { token: lab.adminToken }))["os-backup-project-attr:project_id"], lab.projectId);
    assert.equal("metadata" in (await show(id, { version: "3.42" })), false);
    assert.equal((await lab.call("DELETE", `/volumes/${volume}`)).status, 202);
    await lab.until(`volumes/${volume}`, "404");
    assert.equal((await show(id)).status, "available");
    const changed = await lab.call("PUT", `/backups/${id}`, { backup: { name: "kept", metadata: { c: "d" } } });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual([(await show(id)).name, (await show(id)).metadata], ["kept", { c: "d" }]);
    assert.equal(await used("backups"), 1);
    assert.equal(await used("backup_gigabytes"), 1);
    await remove(id);
    assert.equal(lab.agent.backups.has(id), false);
    assert.equal(await used("backups"), 0);
    assert.equal(await used("backup_gigabytes"), 0);
  });

  test("incremental ones: a chain with one key, taken apart from its end only", async () => {
    const volume = await lab.volume();
    const refused = await post(volume, { incremental: true });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /No backups available/);
    const full = await backup(volume);
    const second = await backup(volume, { incremental: true });
    const third = await backup(volume, { incremental: true });
    const key = lab.agent.backupSpecs.get(full)?.key;
    assert.deepEqual(
      [second, third].map((id) => lab.agent.backupSpecs.get(id)).map((spec) => [spec?.parentId, spec?.key]),
      [
        [full, key],
        [second, key],
      ],
    );
    assert.deepEqual([(await show(full)).has_dependent_backups, (await show(third)).is_incremental], [true, true]);
    const early = await lab.call("DELETE", `/backups/${full}`);
    assert.equal(early.status, 400);
    assert.match(early.text, /Incremental backups exist/);
    const other = await backup(volume);
    assert.notEqual(lab.agent.backupSpecs.get(other)?.key, key);
    await remove(other, third, second, full);
    const left = await lab.app.db`select 1 from backup where volume_id = ${volume}`;
    assert.equal(left.length, 0);
  });

  test("of a snapshot, and of a volume in use only when forced", async () => {
    const volume = await lab.volume();
    const snapshot = await lab.snapshot(volume);
    lab.agent.held = true;
    const answer = await post(volume, { snapshot_id: snapshot });
    assert.equal(answer.status, 202, answer.text);
    assert.equal(await lab.status(`snapshots/${snapshot}`), "backing-up");
    assert.equal(await lab.status(`volumes/${volume}`), "available");
    assert.equal((await lab.call("DELETE", `/snapshots/${snapshot}`)).status, 400);
    const { id } = answer.body.backup;
    await heard(id);
    await lab.agent.release();
    await lab.until(`backups/${id}`, "available");
    assert.equal(await lab.status(`snapshots/${snapshot}`), "available");
    assert.equal(lab.agent.backupSpecs.get(id)?.snapshotId, snapshot);
    const shown = (await lab.call("GET", `/snapshots/${snapshot}`)).body.snapshot;
    assert.equal((await show(id)).data_timestamp, shown.created_at);
    const other = await lab.volume();
    assert.equal((await post(other, { snapshot_id: snapshot })).status, 400);
    await remove(id);
    await lab.app.db`update volume set status = 'in-use' where id = ${other}`;
    assert.match((await post(other)).text, /must use the force flag/);
    await remove(await backup(other, { force: true }));
  });

  test("one that cannot be made: error, the reason told, the volume free again", async () => {
    const volume = await lab.volume();
    lab.agent.failWith = "No room is left.";
    const { id } = (await post(volume)).body.backup;
    await lab.until(`backups/${id}`, "error");
    lab.agent.failWith = null;
    assert.equal((await show(id)).fail_reason, "No room is left.");
    assert.equal(await lab.status(`volumes/${volume}`), "available");
    const { messages } = (await lab.call("GET", `/messages?resource_uuid=${id}`)).body;
    assert.match(messages[0].user_message, /No room is left/);
    assert.equal((await lab.call("POST", `/backups/${id}/restore`, { restore: {} })).status, 400);
    await remove(id);
  });

  test("an agent that is away, and one that forgot: the backup is made all the same", async () => {
    const volume = await lab.volume();
    lab.agent.away = true;
    const { id } = (await post(volume)).body.backup;
    await waitUntil("the agent is asked", () => lab.agent.calls.includes(`put backup ${id}`), {
      timeoutMs: 15_000,
      everyMs: 10,
    });
    assert.equal(await lab.status(`backups/${id}`), "creating");
    assert.equal(await lab.status(`volumes/${volume}`), "backing-up");
    lab.agent.held = true;
    lab.agent.away = false;
    await heard(id);
    lab.agent.backups.clear();
    lab.agent.held = false;
    await lab.until(`backups/${id}`, "available");
    assert.equal(await lab.status(`volumes/${volume}`), "available");
    await remove(id);
  });

  test("restored: to a new volume, to one that is given, and refused", async () => {
    const volume = await lab.volume({ size: 2 });
    const id = await backup(volume);
    const key = lab.agent.backupSpecs.get(id)?.key;
    const fresh = await lab.call("POST", `/backups/${id}/restore`, { restore: { name: "again" } });
    assert.equal(fresh.status, 202, fresh.text);
    const { restore } = fresh.body;
    assert.deepEqual([restore.backup_id, restore.volume_name], [id, "again"]);
    await lab.until(`volumes/${restore.volume_id}`, "available");
    await lab.until(`backups/${id}`, "available");
    assert.deepEqual(lab.agent.specs.get(restore.volume_id)?.source, { kind: "backup", backupId: id, key });

    const small = await lab.volume({ size: 1 });
    const into = (volumeId: string) => lab.call("POST", `/backups/${id}/restore`, { restore: { volume_id: volumeId } });
    assert.match((await into(small)).text, /too small to restore/);
    const snapped = await lab.volume({ size: 2 });
    await lab.snapshot(snapped);
    assert.equal((await into(snapped)).status, 400);
    assert.equal(await lab.status(`backups/${id}`), "available");

    const before = lab.agent.specs.get(volume);
    const answer = await into(volume);
    assert.equal(answer.status, 202, answer.text);
    await lab.until(`volumes/${volume}`, "available");
    await lab.until(`backups/${id}`, "available");
    const spec = lab.agent.specs.get(volume);
    assert.deepEqual(spec?.source, { kind: "backup", backupId: id, key });
    assert.ok((spec?.generation ?? 0) > (before?.generation ?? 0));
    assert.ok(lab.agent.calls.some((call) => call.startsWith(`delete volume ${volume} `)));

    lab.agent.failWith = "The backup is damaged.";
    assert.equal((await into(volume)).status, 202);
    await lab.until(`volumes/${volume}`, "error_restoring");
    await lab.until(`backups/${id}`, "available");
    lab.agent.failWith = null;
    await remove(id);
  });

  test("a record: taken in again with its key, by this cloud only, and only where the bytes are", async () => {
    const admin = { token: lab.adminToken };
    const volume = await lab.volume();
    const id = await backup(volume);
    const key = lab.agent.backupSpecs.get(id)?.key;
    assert.equal((await lab.call("GET", `/backups/${id}/export_record`)).status, 403);
    const record = (await lab.call("GET", `/backups/${id}/export_record`, undefined, admin)).body["backup-record"];
    const take = (more: object = {}) =>
      lab.call("POST", "/backups/import_record", { "backup-record": { ...record, ...more } }, admin);
    assert.match((await take()).text, /already exists/);
    // the row is lost, the bytes are not
    await lab.app.db`delete from backup where id = ${id}`;
    assert.equal((await take({ backup_service: "other" })).status, 400);
    assert.equal((await take({ backup_url: "nonsense" })).status, 400);
    const forged = JSON.parse(Buffer.from(record.backup_url, "base64").toString());
    forged.id = volume;
    const url = Buffer.from(JSON.stringify(forged)).toString("base64");
    assert.match((await take({ backup_url: url })).text, /key is not of this cloud/);
    const answer = await take();
    assert.equal(answer.status, 201, answer.text);
    await lab.until(`backups/${id}`, "available");
    assert.equal((await show(id)).volume_id, volume);
    assert.equal(lab.agent.backupSpecs.get(id)?.key, key);
    await lab.app.db`delete from backup where id = ${id}`;
    lab.agent.backups.delete(id);
    assert.equal((await take()).status, 201);
    await lab.until(`backups/${id}`, "error");
    assert.match((await show(id)).fail_reason, /bytes are not where/);
    const forced = await lab.call("POST", `/backups/${id}/action`, { "os-force_delete": {} }, admin);
    assert.equal(forced.status, 202, forced.text);
    await lab.until(`backups/${id}`, "404");
  });

  test("lists: pages with links, filters, a count; operators' actions are theirs", async () => {
    const volume = await lab.volume();
    const ids = [await backup(volume, { name: "x1" }), await backup(volume), await backup(volume)].toReversed();
    const page = (await lab.call("GET", `/backups?volume_id=${volume}&limit=2&with_count=true`)).body;
    assert.deepEqual(
      page.backups.map((one: { id: string }) => one.id),
      ids.slice(0, 2),
    );
    assert.equal(page.count, 3);
    const next = new URL(page.backup_links[0].href);
    const rest = (await lab.call("GET", `/backups${next.search}`)).body.backups;
    assert.deepEqual(
      rest.map((one: { id: string }) => one.id),
      ids.slice(2),
    );
    const named = (await lab.call("GET", "/backups/detail?name~=x&sort=name:asc")).body.backups;
    assert.deepEqual(
      named.map((one: { id: string; status: string }) => [one.id, one.status]),
      [[ids[2], "available"]],
    );
    assert.equal((await lab.call("GET", "/backups?sort=colour")).status, 400);
    const reset = { "os-reset_status": { status: "error" } };
    assert.equal((await lab.call("POST", `/backups/${ids[0]}/action`, reset)).status, 403);
    const asAdmin = await lab.call("POST", `/backups/${ids[0]}/action`, reset, { token: lab.adminToken });
    assert.equal(asAdmin.status, 202);
    assert.equal(await lab.status(`backups/${ids[0]}`), "error");
    const stranger = { token: lab.tokenFor({ projectId: "somebody", roles: ["member"] }) };
    for (const method of ["GET", "DELETE"])
      assert.equal((await lab.call(method, `/backups/${ids[0]}`, undefined, stranger)).status, 404);
    await remove(...ids);
  });

  test("the quota: of those who race for the last of it, one gets it", async () => {
    const volumes = await Promise.all([1, 2, 3].map(() => lab.volume()));
    const limit = { quota_set: { backups: (await used("backups")) + 1 } };
    await lab.call("PUT", `/os-quota-sets/${lab.projectId}`, limit, { token: lab.adminToken });
    const answers = await Promise.all(volumes.map((volume) => post(volume)));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [202, 413, 413],
    );
    const limits = (await lab.call("GET", "/limits")).body.limits.absolute;
    assert.equal(limits.totalBackupsUsed, limits.maxTotalBackups);
  });
});
