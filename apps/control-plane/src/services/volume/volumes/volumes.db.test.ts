/** Volumes from POST to gone, with a fake agent: what a customer sees, what the agent is told, what is left. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type VolumeLab, createVolumeLab, seedImage } from "../testing/volume-lab.ts";

describe("volumes", () => {
  let lab: VolumeLab;
  before(async () => {
    lab = await createVolumeLab();
  });
  after(() => lab.close());

  async function remove(id: string): Promise<void> {
    assert.equal((await lab.call("DELETE", `/volumes/${id}`)).status, 202);
    await lab.until(`volumes/${id}`, "404");
  }

  test("a blank volume: made by an agent, shown in full, deleted with its key", async () => {
    const answer = await lab.call("POST", "/volumes", {
      volume: { size: "2", name: " disk ", description: "d", metadata: { a: "b" } },
    });
    assert.equal(answer.status, 202, answer.text);
    const { volume } = answer.body;
    assert.equal(volume.status, "creating");
    assert.equal(volume.size, 2);
    assert.equal(volume.name, "disk");
    assert.equal(volume.volume_type, "standard");
    assert.equal(volume.bootable, "false");
    assert.deepEqual(volume.attachments, []);
    await lab.until(`volumes/${volume.id}`, "available");
    const spec = lab.agent.specs.get(volume.id);
    assert.equal(spec?.sizeGib, 2);
    assert.equal(Buffer.from(spec?.key ?? "", "base64").length, 32);
    assert.deepEqual(spec?.source, { kind: "empty" });
    const [row] = await lab.app.db<{ wrappedKey: Buffer }[]>`select wrapped_key from volume where id = ${volume.id}`;
    assert.ok(row !== undefined && !row.wrappedKey.includes(Buffer.from(spec?.key ?? "", "base64")));
    const gone = await lab.call("DELETE", `/volumes/${volume.id}`);
    assert.equal(gone.status, 202);
    await lab.until(`volumes/${volume.id}`, "404");
    assert.equal(lab.agent.volumes.has(volume.id), false);
    const quota = await lab.call("GET", `/os-quota-sets/${lab.projectId}?usage=True`);
    assert.equal(quota.body.quota_set.volumes.in_use, 0);
    assert.equal(quota.body.quota_set.gigabytes.in_use, 0);
  });

  test("from an image, a snapshot, another volume: the agent is told what from, and with which key", async () => {
    const imageId = await seedImage(lab);
    const fromImage = await lab.volume({ imageRef: imageId });
    const shown = (await lab.call("GET", `/volumes/${fromImage}`)).body.volume;
    assert.equal(shown.bootable, "true");
    assert.equal(shown.volume_image_metadata.image_id, imageId);
    assert.equal(shown.volume_image_metadata.os_distro, "debian");
    const source = lab.agent.specs.get(fromImage);
    assert.equal(source?.source.kind, "image");
    const snapshot = await lab.snapshot(fromImage, { name: "s" });
    assert.deepEqual(lab.agent.specs.get(fromImage)?.snapshots, [snapshot]);
    const fromSnapshot = await lab.volume({ snapshot_id: snapshot, size: 3 });
    assert.deepEqual(lab.agent.specs.get(fromSnapshot)?.source, {
      kind: "snapshot",
      volumeId: fromImage,
      snapshotId: snapshot,
      key: source?.key,
    });
    assert.notEqual(lab.agent.specs.get(fromSnapshot)?.key, source?.key);
    const fromVolume = await lab.volume({ source_volid: fromImage, size: undefined });
    assert.equal(lab.agent.specs.get(fromVolume)?.source.kind, "volume");
    assert.equal((await lab.call("GET", `/volumes/${fromVolume}`)).body.volume.bootable, "true");
    // what has snapshots stays, unless they go along
    assert.equal((await lab.call("DELETE", `/volumes/${fromImage}`)).status, 400);
    assert.equal((await lab.call("DELETE", `/volumes/${fromImage}?cascade=true`)).status, 202);
    await lab.until(`volumes/${fromImage}`, "404");
    assert.equal(await lab.status(`snapshots/${snapshot}`), "404");
    for (const id of [fromSnapshot, fromVolume]) {
      await lab.call("DELETE", `/volumes/${id}`);
      await lab.until(`volumes/${id}`, "404");
    }
  });

  test("made anew from an image (3.68): downloading meanwhile, the same id and key, another image's name", async () => {
    const [first, second] = [await seedImage(lab), await seedImage(lab)];
    const id = await lab.volume({ imageRef: first });
    const before = lab.agent.specs.get(id);
    const reimage = (imageId: string, more: object = {}, version = "3.70") =>
      lab.call(`POST`, `/volumes/${id}/action`, { "os-reimage": { image_id: imageId, ...more } }, { version });
    assert.equal((await reimage(second, {}, "3.67")).status, 400, "there is no such action yet");
    lab.agent.held = true;
    assert.equal((await reimage(second)).status, 202);
    assert.equal(await lab.status(`volumes/${id}`), "downloading");
    for (const action of [
      { "os-extend": { new_size: 9 } },
      { "os-reimage": { image_id: first } },
      { "os-reserve": {} },
    ])
      assert.equal((await lab.call("POST", `/volumes/${id}/action`, action)).status, 400, JSON.stringify(action));
    assert.equal((await lab.call("POST", "/snapshots", { snapshot: { volume_id: id, force: true } })).status, 400);
    await lab.agent.release();
    await lab.until(`volumes/${id}`, "available");
    const spec = lab.agent.specs.get(id);
    assert.ok(spec?.source.kind === "image" && spec.source.imageId === second);
    assert.deepEqual([spec.key, spec.sizeGib], [before?.key, before?.sizeGib]);
    const shown = (await lab.call("GET", `/volumes/${id}`)).body.volume;
    assert.deepEqual([shown.volume_image_metadata.image_id, shown.bootable], [second, "true"]);
    const order = lab.agent.calls.filter((call) => call.includes(id)).map((call) => call.split(" ")[0]);
    assert.ok(order.lastIndexOf("delete") > order.indexOf("put") && order.at(-1) === "put", order.join(" "));
    await remove(id);
  });

  test("one that is reserved is made anew only where that is said, and stays reserved", async () => {
    const image = await seedImage(lab);
    const id = await lab.volume();
    const attachment = { volume_uuid: id, instance_uuid: "5b8ae4a0-95b5-4a0b-9a0b-0a0b0a0b0a0b" };
    const made = await lab.call("POST", "/attachments", { attachment });
    assert.equal(made.status, 200, made.text);
    const reimage = (more: object = {}) =>
      lab.call("POST", `/volumes/${id}/action`, { "os-reimage": { image_id: image, ...more } });
    const refused = await reimage();
    assert.equal(refused.status, 400);
    assert.match(refused.text, /must be available or error, but current status is reserved/);
    assert.equal((await reimage({ reimage_reserved: true })).status, 202);
    await lab.until(`volumes/${id}`, "reserved");
    assert.equal((await lab.call("GET", `/volumes/${id}`)).body.volume.bootable, "true");
    await lab.call("DELETE", `/attachments/${made.body.attachment.id}`);
    await remove(id);
  });

  test("what cannot be made anew stays as it is; what could not be is in error, and may be tried again", async () => {
    const [image, large] = [await seedImage(lab), await seedImage(lab, { virtualSizeBytes: 3 * 2 ** 30 })];
    const id = await lab.volume();
    const reimage = (imageId: string) =>
      lab.call("POST", `/volumes/${id}/action`, { "os-reimage": { image_id: imageId } });
    assert.match((await reimage(large)).text, /cannot be smaller than the image size 3GB/);
    assert.equal((await reimage("00000000-0000-4000-8000-000000000000")).status, 404);
    const snapshot = await lab.snapshot(id);
    assert.match((await reimage(image)).text, /has snapshots/);
    await lab.call("DELETE", `/snapshots/${snapshot}`);
    await lab.until(`snapshots/${snapshot}`, "404");
    assert.equal(
      lab.agent.calls.some((call) => call.startsWith(`delete volume ${id}`)),
      false,
    );
    lab.agent.failWith = "The pool is full.";
    assert.equal((await reimage(image)).status, 202);
    await lab.until(`volumes/${id}`, "error");
    lab.agent.failWith = null;
    const messages = (await lab.call("GET", `/messages?resource_uuid=${id}`)).body.messages;
    assert.match(messages[0].user_message, /^reimage volume:The pool is full/);
    assert.equal((await reimage(image)).status, 202);
    await lab.until(`volumes/${id}`, "available");
    await remove(id);
  });

  test("an image that goes before the volume's bytes do takes nothing along", async () => {
    const image = await seedImage(lab);
    const id = await lab.volume();
    lab.agent.away = true;
    const answer = await lab.call("POST", `/volumes/${id}/action`, { "os-reimage": { image_id: image } });
    assert.equal(answer.status, 202);
    await lab.app.db`delete from image where id = ${image}`;
    lab.agent.away = false;
    await lab.until(`volumes/${id}`, "error");
    assert.equal(lab.agent.volumes.get(id)?.report.sizeGib, 1);
    assert.equal(
      lab.agent.calls.some((call) => call.startsWith(`delete volume ${id}`)),
      false,
    );
    await remove(id);
  });

  test("bad input is refused in Cinder's words and changes nothing", async () => {
    const [before] = await lab.app.db`select count(*)::int as n from volume`;
    const imageId = await seedImage(lab, { virtualSizeBytes: 3 * 2 ** 30 });
    for (const [volume, status] of [
      [{ size: "#$%" }, 400],
      [{ size: "" }, 400],
      [{ size: 0 }, 400],
      [{ size: "-1" }, 400],
      [{ size: 99_999_999_999 }, 400],
      [{}, 400],
      [{ size: 1, volume_type: "none" }, 404],
      [{ size: 1, snapshot_id: "3fa85f64-5717-4562-b3fc-2c963f66afa6" }, 404],
      [{ size: 1, source_volid: "3fa85f64-5717-4562-b3fc-2c963f66afa6" }, 404],
      [{ size: 1, imageRef: "3fa85f64-5717-4562-b3fc-2c963f66afa6" }, 400],
      [{ size: 1, imageRef: imageId }, 400],
      [{ size: 1, availability_zone: "mars" }, 400],
      [{ size: 1, multiattach: true }, 400],
      [{ size: 1, name: "n".repeat(256) }, 400],
      [{ size: 1, unheard_of: 1 }, 400],
    ] as const) {
      const answer = await lab.call("POST", "/volumes", { volume });
      assert.equal(answer.status, status, `${JSON.stringify(volume)}: ${answer.text}`);
    }
    const [after] = await lab.app.db`select count(*)::int as n from volume`;
    assert.deepEqual(after, before);
  });

  test("grown, also in use; reverted; made read-only; retyped", async () => {
    const id = await lab.volume();
    assert.equal((await lab.call("POST", `/volumes/${id}/action`, { "os-extend": { new_size: 1 } })).status, 400);
    assert.equal((await lab.call("POST", `/volumes/${id}/action`, { "os-extend": { new_size: 2 } })).status, 202);
    await lab.until(`volumes/${id}`, "available");
    assert.equal(lab.agent.specs.get(id)?.sizeGib, 2);
    assert.equal((await lab.call("POST", `/volumes/${id}/action`, { revert: { snapshot_id: id } })).status, 400);
    const snapshot = await lab.snapshot(id);
    assert.equal((await lab.call("POST", `/volumes/${id}/action`, { revert: { snapshot_id: snapshot } })).status, 202);
    await lab.until(`volumes/${id}`, "available");
    assert.equal(lab.agent.volumes.get(id)?.spec.revert?.snapshotId, snapshot);
    assert.equal(await lab.status(`snapshots/${snapshot}`), "available");
    assert.equal(
      (await lab.call("POST", `/volumes/${id}/action`, { "os-update_readonly_flag": { readonly: true } })).status,
      202,
    );
    assert.equal((await lab.call("GET", `/volumes/${id}`)).body.volume.metadata.readonly, "True");
    assert.equal((await lab.call("POST", `/volumes/${id}/action`, { "os-retype": { new_type: "none" } })).status, 400);
    assert.equal((await lab.call("DELETE", `/snapshots/${snapshot}`)).status, 202);
    await lab.until(`snapshots/${snapshot}`, "404");
    assert.deepEqual(lab.agent.specs.get(id)?.snapshots, []);
    await lab.call("DELETE", `/volumes/${id}`);
    await lab.until(`volumes/${id}`, "404");
  });

  test("what the agent cannot do ends in a status that says so, with a message", async () => {
    lab.agent.failWith = "The disk of the host is full.";
    const id = await lab.volume({}, { wait: false });
    await lab.until(`volumes/${id}`, "error");
    lab.agent.failWith = null;
    const messages = await lab.call("GET", `/messages?resource_uuid=${id}`);
    assert.match(messages.body.messages[0].user_message, /disk of the host is full/);
    const good = await lab.volume();
    lab.agent.failWith = "No.";
    const snapshot = await lab.call("POST", "/snapshots", { snapshot: { volume_id: good } });
    await lab.until(`snapshots/${snapshot.body.snapshot.id}`, "error");
    assert.equal(await lab.status(`volumes/${good}`), "available");
    await lab.call("POST", `/volumes/${good}/action`, { "os-extend": { new_size: 5 } });
    await lab.until(`volumes/${good}`, "error_extending");
    lab.agent.failWith = null;
    assert.equal((await lab.call("GET", `/volumes/${good}`)).body.volume.size, 1);
    await lab.call("DELETE", `/volumes/${good}?cascade=true`);
    await lab.until(`volumes/${good}`, "404");
    await lab.call("DELETE", `/volumes/${id}`);
    await lab.until(`volumes/${id}`, "404");
    const quota = await lab.call("GET", `/os-quota-sets/${lab.projectId}?usage=True`);
    assert.equal(quota.body.quota_set.gigabytes.in_use, 0);
    assert.equal(quota.body.quota_set.snapshots.in_use, 0);
  });

  test("an agent that is away, and comes back: the volume is made", async () => {
    lab.agent.away = true;
    const id = await lab.volume({}, { wait: false });
    lab.agent.away = false;
    await lab.until(`volumes/${id}`, "available");
    await lab.call("DELETE", `/volumes/${id}`);
    await lab.until(`volumes/${id}`, "404");
  });

  test("somebody else's volume is not there", async () => {
    const id = await lab.volume();
    const stranger = lab.tokenFor({ roles: ["member"] });
    for (const [method, path, body] of [
      ["GET", `/volumes/${id}`, undefined],
      ["DELETE", `/volumes/${id}`, undefined],
      ["PUT", `/volumes/${id}`, { volume: { name: "x" } }],
      ["POST", `/volumes/${id}/action`, { "os-extend": { new_size: 3 } }],
      ["POST", "/snapshots", { snapshot: { volume_id: id } }],
    ] as const) {
      assert.equal((await lab.call(method, path, body, { token: stranger })).status, 404, `${method} ${path}`);
    }
    assert.deepEqual((await lab.call("GET", "/volumes", undefined, { token: stranger })).body.volumes, []);
    const admin = await lab.call("GET", "/volumes/detail?all_tenants=1", undefined, { token: lab.adminToken });
    assert.ok(admin.body.volumes.some((one: { id: string }) => one.id === id));
    assert.match(admin.body.volumes[0]["os-vol-host-attr:host"], /.+@.+#.+/);
    await lab.call("DELETE", `/volumes/${id}`);
    await lab.until(`volumes/${id}`, "404");
  });
});

describe("quota of volumes", () => {
  let lab: VolumeLab;
  before(async () => {
    lab = await createVolumeLab();
  });
  after(() => lab.close());

  test("racing creates never exceed it", async () => {
    const body = { volume: { size: 1, name: "race" } };
    const answers = await Promise.all(Array.from({ length: 40 }, () => lab.call("POST", "/volumes", body)));
    assert.equal(answers.filter(({ status }) => status === 202).length, 10);
    const refused = answers.find(({ status }) => status !== 202);
    assert.equal(refused?.status, 413);
    assert.match(refused?.text ?? "", /VolumeLimitExceeded: Maximum number of volumes allowed \(10\) exceeded/);
    const [row] = await lab.app.db`select count(*)::int as n from volume where project_id = ${lab.projectId}`;
    assert.equal(row?.["n"], 10);
  });
});
