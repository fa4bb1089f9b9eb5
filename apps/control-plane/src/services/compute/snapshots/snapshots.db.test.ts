/** Images and backups of servers: what they are made of, what becomes of them, and what a crash leaves. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { ExportReport } from "@andromede/agent-api/types";

import { insertKeys } from "../../../reconcile/queue.ts";
import { type LifeLab, createLifeLab, eventually } from "../testing/life-lab.ts";
import { imageReconcilers } from "../../image/reconcilers.ts";
import { imageService } from "../../image/service.ts";

const image = { service: imageService, reconcilers: imageReconcilers };

describe("images of servers", () => {
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image);
  });
  after(() => lab.close());

  const create = async (id: string, name: string, metadata: object = {}): Promise<string> => {
    const answer = await lab.act(id, { createImage: { name, metadata } });
    assert.equal(answer.status, 202);
    return answer.body.image_id;
  };
  const settled = (imageId: string, status: string) =>
    eventually(`${status} of image ${imageId}`, async () => (await lab.image(imageId)).body.status === status);
  /** The host is at it, until `release`. */
  const hold = (more: Partial<ExportReport> = {}): void => {
    const report: ExportReport = { id: "x", state: "working", sizeBytes: 0, quiesced: false, ...more };
    lab.agent.getExport = () => Promise.resolve(report);
  };
  const release = (): boolean => Reflect.deleteProperty(lab.agent, "getExport");
  const idle = (id: string) =>
    eventually("the task's end", async () => (await lab.show(id))["OS-EXT-STS:task_state"] === null);

  test("createImage: an image at once, with what the customer says of it, active in the end, and bootable", async () => {
    await lab.app
      .db`update image set min_ram = 64, properties = '{"os_distro": "mini", "img_signature": "x"}' where id = ${lab.imageId}`;
    const id = await lab.active();
    const answer = await lab.act(
      id,
      { createImage: { name: "snäp ☃", metadata: { mine: "yes" } } },
      { version: "2.44" },
    );
    assert.equal(answer.status, 202);
    const location = (answer as unknown as { headers: { location: string } }).headers.location;
    const imageId = location.slice(location.lastIndexOf("/") + 1);
    const early = await lab.image(imageId);
    assert.ok(["queued", "saving", "active"].includes(early.body.status));
    await settled(imageId, "active");
    const { body } = await lab.image(imageId);
    assert.deepEqual(
      [body.name, body.visibility, body.disk_format, body.min_ram, body.min_disk, body.mine, body.os_distro],
      ["snäp ☃", "private", "qcow2", 64, 1, "yes", "mini"],
    );
    assert.deepEqual(
      [body.image_type, body.instance_uuid, body.base_image_ref, body.img_signature],
      ["snapshot", id, lab.imageId, undefined],
    );
    await lab.until(id, "ACTIVE");
    assert.equal(lab.agent.exports.size, 0);
    const other = await lab.active({ imageRef: imageId });
    assert.notEqual(other, id);
    const actions = (await lab.call("GET", `/servers/${id}/os-instance-actions`)).body.instanceActions;
    assert.equal(actions[0].action, "createImage");
    assert.equal(actions[0].message, null);
  });

  test("while it is made the server says so, and most else is refused", async () => {
    const id = await lab.active();
    hold();
    const imageId = await create(id, "slow");
    assert.equal((await lab.show(id))["OS-EXT-STS:task_state"], "image_snapshot");
    assert.equal((await lab.show(id)).status, "ACTIVE");
    const refused = await lab.act(id, { "os-stop": null });
    assert.equal(
      refused.body.conflictingRequest.message,
      `Cannot 'stop' instance ${id} while it is in task_state image_snapshot`,
    );
    release();
    await settled(imageId, "active");
    await idle(id);
  });

  test("an export that the host forgot is made again", async () => {
    const id = await lab.active();
    let times = 0;
    lab.agent.openExport = (exportId) => {
      times += 1;
      Reflect.deleteProperty(lab.agent, "openExport");
      lab.agent.exports.clear();
      return lab.agent.openExport(exportId);
    };
    const imageId = await create(id, "twice");
    await settled(imageId, "active");
    assert.equal(times, 1);
    await idle(id);
  });

  test("an upload whose process was killed is begun again", async () => {
    const id = await lab.active();
    hold();
    const imageId = await create(id, "killed");
    await lab.app
      .db`update image set status = 'saving', upload_id = 'gone', upload_until = now() - interval '1 minute' where id = ${imageId}`;
    release();
    await insertKeys(lab.app.db, [`image/${imageId}`]);
    lab.app.reconcile.wake();
    await settled(imageId, "active");
    await idle(id);
  });

  test("an image that is deleted meanwhile, a disk that cannot be copied, a quota that is full: the server goes on", async () => {
    const id = await lab.active();
    hold();
    const deleted = await create(id, "deleted");
    await lab.inject({ method: "DELETE", url: `/image/v2/images/${deleted}`, token: lab.token });
    await idle(id);
    hold({ state: "failed", fault: "The disk is broken." });
    const failed = await create(id, "failed");
    await idle(id);
    await eventually("its end", async () => (await lab.image(failed)).status === 404);
    const { body } = await lab.call("GET", `/servers/${id}/os-instance-actions`);
    assert.equal(body.instanceActions[0].message, "Error");
    release();
    await lab.app.db`update image_quota set max_bytes = 1 where project_id = ${lab.projectId}`;
    const large = await create(id, "large");
    await idle(id);
    await eventually("its end", async () => (await lab.image(large)).status === 404);
    await lab.app.db`update image_quota set max_bytes = null where project_id = ${lab.projectId}`;
    assert.equal((await lab.show(id)).status, "ACTIVE");
  });

  test("of a server that is deleted meanwhile is gone", async () => {
    const id = await lab.active();
    hold();
    const imageId = await create(id, "orphan");
    await lab.call("DELETE", `/servers/${id}`);
    await eventually("its end", async () => (await lab.image(imageId)).status === 404);
    release();
    const rows = await lab.app.db`select 1 from server_snapshot where image_id = ${imageId}`;
    assert.equal(rows.length, 0);
  });

  test("backups rotate by type", async () => {
    const id = await lab.active();
    const made: string[] = [];
    for (const name of ["one", "two", "three"]) {
      const answer = await lab.act(id, { createBackup: { name, backup_type: "daily", rotation: 2 } });
      assert.equal(answer.status, 202);
      made.push(answer.body.image_id);
      await idle(id);
      assert.equal((await lab.image(answer.body.image_id)).body.image_type, "backup");
    }
    await eventually("the oldest to go", async () => (await lab.image(made[0] ?? "")).status === 404);
    assert.deepEqual(
      (await Promise.all(made.slice(1).map((one) => lab.image(one)))).map((one) => one.status),
      [200, 200],
    );
    const bad = await lab.act(id, { createBackup: { name: "x", backup_type: "daily", rotation: -1 } });
    assert.equal(bad.status, 400);
  });

  test("of a server that is locked, or being made, or somebody else's", async () => {
    const id = await lab.active();
    await lab.act(id, { lock: null });
    const admin = { token: lab.tokenFor({ projectId: lab.projectId, roles: ["member"] }) };
    for (const action of [
      { createImage: { name: "x" } },
      { rebuild: { imageRef: lab.imageId } },
      { resize: { flavorRef: "small" } },
      { shelve: null },
      { rescue: null },
      { changePassword: { adminPass: "x" } },
    ]) {
      const answer = await lab.act(id, action, admin);
      assert.deepEqual(
        [answer.status, answer.body.conflictingRequest?.message],
        [409, `Instance ${id} is locked`],
        JSON.stringify(action),
      );
    }
    lab.agent.held = true;
    const building = await lab.boot();
    for (const action of [{ createImage: { name: "x" } }, { resize: { flavorRef: "small" } }, { shelve: null }]) {
      const [word] = Object.keys(action);
      const answer = await lab.act(building, action);
      assert.equal(
        answer.body.conflictingRequest.message,
        `Cannot '${word}' instance ${building} while it is in vm_state building`,
      );
    }
    await lab.agent.release();
    const stranger = { token: lab.tokenFor({ roles: ["member"] }) };
    assert.equal((await lab.act(id, { createImage: { name: "x" } }, stranger)).status, 404);
  });
});
