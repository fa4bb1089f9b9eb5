/** Rebuild, resize, rescue, shelve: each to its end, from wrong states, locked, over quota, and failing. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { seedImage } from "../testing/compute-lab.ts";
import { type LifeLab, createLifeLab, eventually } from "../testing/life-lab.ts";
import { imageReconcilers } from "../../image/reconcilers.ts";
import { imageService } from "../../image/service.ts";

const image = { service: imageService, reconcilers: imageReconcilers };

const ROOT = (lab: LifeLab, id: string) => lab.agent.specs.get(id)?.disks.find((disk) => disk.id === "root");

describe("rebuild", () => {
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image);
  });
  after(() => lab.close());

  test("on the same image makes the disk anew, tells the guest what is new, and answers in the short form before 2.75", async () => {
    const id = await lab.active({ metadata: { a: "b" } });
    const nonce = ROOT(lab, id)?.nonce;
    const answer = await lab.act(
      id,
      { rebuild: { imageRef: lab.imageId, name: "anew", metadata: { c: "d" }, adminPass: "rebuildPassw0rd" } },
      { version: "2.54" },
    );
    assert.equal(answer.status, 202);
    const { server } = answer.body;
    assert.deepEqual([server.name, server.status, server.adminPass], ["anew", "REBUILD", "rebuildPassw0rd"]);
    assert.equal(server.key_name, null);
    assert.equal("OS-EXT-STS:task_state" in server, false);
    await lab.until(id, "ACTIVE");
    assert.notEqual(ROOT(lab, id)?.nonce, nonce);
    const shown = await lab.show(id);
    assert.deepEqual(shown.metadata, { c: "d" });
    const metaData = JSON.parse(lab.agent.specs.get(id)?.metadata.files["openstack/latest/meta_data.json"] ?? "");
    assert.deepEqual(metaData.meta, { c: "d" });
  });

  test("of a server that is off ends off; of one in ERROR, running", async () => {
    const id = await lab.active();
    await lab.act(id, { "os-stop": null });
    await lab.until(id, "SHUTOFF");
    assert.equal((await lab.act(id, { rebuild: { imageRef: lab.imageId } })).status, 202);
    await eventually("the rebuild's end", async () => (await lab.show(id))["OS-EXT-STS:task_state"] === null);
    await lab.until(id, "SHUTOFF");
    lab.agent.failWith = "no room";
    await lab.act(id, { "os-start": null });
    await eventually("ERROR", async () => (await lab.show(id)).status === "ERROR");
    lab.agent.failWith = null;
    assert.equal((await lab.act(id, { rebuild: { imageRef: lab.imageId } })).status, 202);
    await lab.until(id, "ACTIVE");
  });

  test("with another image, key and user data", async () => {
    const other = await seedImage(lab);
    const id = await lab.active();
    const userData = Buffer.from("#!/bin/sh").toString("base64");
    const body = { imageRef: other, user_data: userData, description: "new", hostname: "novel" };
    assert.equal((await lab.act(id, { rebuild: body })).body.server.user_data, userData);
    await lab.until(id, "ACTIVE");
    const source = ROOT(lab, id)?.source;
    assert.equal(source?.kind === "image" && source.imageId, other);
    assert.equal((await lab.show(id)).image.id, other);
    assert.equal((await lab.show(id))["OS-EXT-SRV-ATTR:hostname"], "novel");
  });

  test("of what cannot be", async () => {
    const id = await lab.active();
    const big = await seedImage(lab, { virtualSizeBytes: 2 ** 31 });
    for (const [body, message] of [
      [{ imageRef: "00000000-0000-4000-8000-000000000000" }, /Can not find requested image/],
      [{ imageRef: big }, /disk is too small/],
      [{ imageRef: lab.imageId, key_name: "none" }, /Invalid key_name/],
      [{}, /imageRef/],
      [{ imageRef: lab.imageId, unknown: 1 }, /unknown/],
      [{ imageRef: lab.imageId, metadata: { a: 1 } }, /metadata/],
    ] as const) {
      const answer = await lab.act(id, { rebuild: body });
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.match(answer.body.badRequest.message, message);
    }
    assert.equal((await lab.act("none", { rebuild: { imageRef: lab.imageId } })).status, 404);
    await lab.until(id, "ACTIVE");
  });
});

describe("resize", () => {
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image);
  });
  after(() => lab.close());

  test("waits for the customer's word, and is confirmed", async () => {
    const id = await lab.active();
    const before = await lab.promised();
    assert.equal((await lab.act(id, { resize: { flavorRef: "small" } })).status, 202);
    assert.equal((await lab.show(id)).status, "RESIZE");
    await lab.until(id, "VERIFY_RESIZE");
    const spec = lab.agent.specs.get(id);
    assert.deepEqual([spec?.vcpus, spec?.memoryMib, ROOT(lab, id)?.sizeGib], [2, 256, 2]);
    assert.equal((await lab.show(id)).flavor.original_name, "small");
    assert.equal((await lab.act(id, { confirmResize: null })).status, 204);
    await lab.until(id, "ACTIVE");
    const after = await lab.promised();
    assert.equal(Number(after.usage["usedCores"]) - Number(before.usage["usedCores"]), 1);
    assert.equal(Number(after.hosts[0]?.["claimedMemoryMib"]) - Number(before.hosts[0]?.["claimedMemoryMib"]), 128);
    const actions = (await lab.call("GET", `/servers/${id}/os-instance-actions`)).body.instanceActions;
    assert.deepEqual(
      actions.map((one: { action: string }) => one.action),
      ["confirmResize", "resize", "create"],
    );
  });

  test("is reverted: the old flavor, and no quota and no room kept; a server that was off stays off", async () => {
    const id = await lab.active();
    await lab.act(id, { "os-stop": null });
    await lab.until(id, "SHUTOFF");
    const before = await lab.promised();
    assert.equal((await lab.act(id, { resize: { flavorRef: "big" } })).status, 202);
    await lab.until(id, "VERIFY_RESIZE");
    assert.equal(lab.agent.specs.get(id)?.power, "stopped");
    lab.agent.held = true;
    assert.equal((await lab.act(id, { revertResize: null })).status, 202);
    assert.equal((await lab.show(id)).status, "REVERT_RESIZE");
    await lab.agent.release();
    await lab.until(id, "SHUTOFF");
    assert.equal(lab.agent.specs.get(id)?.vcpus, 1);
    // a disk stays as large as it was made, and the host keeps room for it
    assert.equal(ROOT(lab, id)?.sizeGib, 3);
    const after = await lab.promised();
    assert.deepEqual(after.usage, before.usage);
    assert.equal(Number(after.hosts[0]?.["claimedDiskGib"]) - Number(before.hosts[0]?.["claimedDiskGib"]), 2);
    await lab.drain();
    await lab.call("DELETE", `/servers/${id}`);
    await eventually("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
  });

  test("deleted in VERIFY_RESIZE gives all back", async () => {
    await lab.drain();
    const before = await lab.promised();
    const id = await lab.active();
    await lab.act(id, { resize: { flavorRef: "big" } });
    await lab.until(id, "VERIFY_RESIZE");
    await lab.call("DELETE", `/servers/${id}`);
    await eventually("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
    assert.deepEqual(await lab.promised(), before);
  });

  test("of what cannot be", async () => {
    const id = await lab.active({ flavorRef: "small" });
    for (const [flavorRef, status, message] of [
      ["none", 400, /Flavor none could not be found/],
      ["", 400, /flavorRef/],
      ["small", 400, /instances must change flavor/],
      ["tiny", 400, /Unable to resize disk down/],
      ["thin", 400, /Resize to zero disk flavor is not allowed/],
    ] as const) {
      const answer = await lab.act(id, { resize: { flavorRef } });
      assert.equal(answer.status, status, flavorRef);
      assert.match(answer.body.badRequest.message, message);
    }
    await lab.app.db`update compute_project set quota = '{"cores": 3}' where project_id = ${lab.projectId}`;
    const over = await lab.act(id, { resize: { flavorRef: "big" } });
    assert.equal(over.status, 403);
    assert.match(
      over.body.forbidden.message,
      /^Quota exceeded for cores: Requested 2, but already used \d+ of 3 cores/,
    );
    await lab.app.db`update compute_project set quota = '{}' where project_id = ${lab.projectId}`;
    await lab.app
      .db`insert into flavor (id, name, vcpus, ram_mib, disk_gib, created_at) values ('huge', 'huge', 4, 2000000, 4, now())`;
    await lab.app.db`update compute_project set quota = '{"ram": -1}' where project_id = ${lab.projectId}`;
    const before = await lab.promised();
    const none = await lab.act(id, { resize: { flavorRef: "huge" } });
    assert.deepEqual(
      [none.status, none.body.badRequest.message],
      [400, "No valid host was found. There are not enough hosts available."],
    );
    assert.deepEqual(await lab.promised(), before);
    for (const action of [{ confirmResize: null }, { revertResize: null }]) {
      const [word] = Object.keys(action);
      const answer = await lab.act(id, action);
      assert.equal(answer.status, 409);
      assert.equal(
        answer.body.conflictingRequest.message,
        `Cannot '${word}' instance ${id} while it is in vm_state active`,
      );
    }
  });

  test("whose host fails is undone: ERROR with the old flavor, and a hard reboot brings it back", async () => {
    const id = await lab.active();
    const before = await lab.promised();
    lab.agent.held = true;
    await lab.act(id, { resize: { flavorRef: "small" } });
    await lab.agent.release();
    await lab.until(id, "VERIFY_RESIZE");
    lab.agent.failWith = "The host broke.";
    await lab.act(id, { revertResize: null });
    await eventually("ERROR", async () => (await lab.show(id)).status === "ERROR");
    lab.agent.failWith = null;
    await lab.drain();
    assert.equal((await lab.show(id)).fault.message, "The host broke.");
    await lab.act(id, { reboot: { type: "HARD" } });
    await lab.until(id, "ACTIVE");
    await lab.drain();
    const after = await lab.promised();
    assert.ok(Number(after.usage["usedCores"]) - Number(before.usage["usedCores"]) <= 1);
    const [server] = await lab.app.db`select other_flavor, task, mode from server where id = ${id}`;
    assert.deepEqual({ ...server }, { otherFlavor: null, task: null, mode: "ordinary" });
  });
});

describe("rescue", () => {
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image);
  });
  after(() => lab.close());

  test("boots the rescue disk with the server's own as the second, and back", async () => {
    const rescue = await seedImage(lab);
    const id = await lab.active({ config_drive: true });
    const answer = await lab.act(id, { rescue: { rescue_image_ref: rescue, adminPass: "geheim2" } });
    assert.deepEqual([answer.status, answer.body], [200, { adminPass: "geheim2" }]);
    await lab.until(id, "RESCUE");
    const spec = lab.agent.specs.get(id);
    assert.deepEqual(
      spec?.disks.map((disk) => [disk.id, disk.bootIndex]),
      [
        ["rescue", 0],
        ["root", undefined],
      ],
    );
    assert.ok(spec?.images.some((image) => image.imageId === rescue));
    assert.equal(JSON.parse(spec?.metadata.files["openstack/latest/meta_data.json"] ?? "").admin_pass, "geheim2");
    assert.equal((await lab.show(id))["OS-EXT-STS:vm_state"], "rescued");
    for (const action of [{ "os-stop": null }, { rescue: null }, { shelve: null }, { pause: null }])
      assert.equal((await lab.act(id, action)).status, 409, JSON.stringify(action));
    assert.equal((await lab.act(id, { unrescue: null })).status, 202);
    await lab.until(id, "ACTIVE");
    assert.deepEqual(
      lab.agent.specs.get(id)?.disks.map((disk) => [disk.id, disk.bootIndex]),
      [["root", 0]],
    );
  });

  test("without a word about the image uses the server's own; an image that is not there is refused", async () => {
    const id = await lab.active();
    const none = await lab.act(id, { rescue: { rescue_image_ref: "00000000-0000-4000-8000-000000000000" } });
    assert.equal(none.status, 400);
    assert.match(none.body.badRequest.message, /Requested rescue image .* is not supported/);
    const answer = await lab.act(id, { rescue: null });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.adminPass.length, 12);
    await lab.until(id, "RESCUE");
    await lab.call("DELETE", `/servers/${id}`);
    await eventually("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
  });
});

describe("shelve", () => {
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image);
  });
  after(() => lab.close());

  test("puts the disk into an image, frees the host, and comes back from it", async () => {
    await lab.drain();
    const before = await lab.promised();
    const id = await lab.active();
    assert.equal((await lab.act(id, { shelve: null })).status, 202);
    await lab.until(id, "SHELVED_OFFLOADED");
    assert.equal((await lab.promised()).hosts[0]?.["claimedServers"], before.hosts[0]?.["claimedServers"]);
    const [row] = await lab.app.db`select shelved_image_id, host from server where id = ${id}`;
    assert.equal(row?.["host"], null);
    const image = await lab.image(row?.["shelvedImageId"]);
    assert.deepEqual([image.body.name, image.body.status, image.body.instance_uuid], ["web-shelved", "active", id]);
    const refused = await lab.act(id, { "os-start": null });
    assert.equal(
      refused.body.conflictingRequest.message,
      `Cannot 'start' instance ${id} while it is in vm_state shelved_offloaded`,
    );
    assert.equal((await lab.act(id, { unshelve: null })).status, 202);
    await lab.until(id, "ACTIVE");
    const source = ROOT(lab, id)?.source;
    assert.equal(source?.kind === "image" && source.imageId, row?.["shelvedImageId"]);
    assert.equal((await lab.show(id)).image.id, lab.imageId);
    await eventually("the image's end", async () => (await lab.image(row?.["shelvedImageId"])).status === 404);
    await lab.call("DELETE", `/servers/${id}`);
    await eventually("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
    assert.deepEqual(await lab.promised(), before);
  });

  test("of one whose image cannot be made leaves it as it was", async () => {
    const id = await lab.active();
    await lab.app.db`insert into image_quota (project_id, max_bytes) values (${lab.projectId}, 1)
      on conflict (project_id) do update set max_bytes = 1`;
    await lab.act(id, { shelve: null });
    await eventually("the task's end", async () => {
      const { body } = await lab.call("GET", `/servers/${id}/os-instance-actions`);
      const [latest] = body.instanceActions;
      return latest.action === "shelve" && latest.message === "Error";
    });
    await lab.until(id, "ACTIVE");
    await lab.app.db`delete from image_quota where project_id = ${lab.projectId}`;
    const images = await lab.inject({ method: "GET", url: "/image/v2/images?visibility=private", token: lab.token });
    assert.deepEqual((images.body as { images: unknown[] }).images, []);
  });

  test("to a zone or host: only once it is offloaded, only to what is there, only by operators to a host", async () => {
    const id = await lab.active();
    const early = await lab.act(id, { unshelve: { availability_zone: "nova" } });
    assert.equal(early.status, 409);
    await lab.act(id, { shelve: null });
    await lab.until(id, "SHELVED_OFFLOADED");
    for (const [body, status] of [
      [{}, 400],
      [{ availability_zone: "mars" }, 400],
      [{ host: "host1" }, 403],
    ] as const)
      assert.equal((await lab.act(id, { unshelve: body })).status, status, JSON.stringify(body));
    lab.agent.failWith = "The host broke.";
    assert.equal((await lab.act(id, { unshelve: { availability_zone: "nova" } })).status, 202);
    await eventually("the failure to be noted", async () => {
      const { body } = await lab.call("GET", `/servers/${id}/os-instance-actions`);
      return body.instanceActions[0].message === "Error";
    });
    lab.agent.failWith = null;
    await lab.until(id, "SHELVED_OFFLOADED");
    assert.equal((await lab.act(id, { unshelve: null })).status, 202);
    await lab.until(id, "ACTIVE");
  });
});
