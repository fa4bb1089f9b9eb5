import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type ComputeVolumeLab, createComputeVolumeLab } from "../testing/volume-lab.ts";
import { volumeReconcilers } from "../../volume/reconcilers.ts";
import { volumeService } from "../../volume/service.ts";
import { DETACH_DEADLINE_MS } from "./server-disk.model.ts";

const volumes = { service: volumeService, reconcilers: volumeReconcilers };
const attachments = (server: string): string => `/servers/${server}/os-volume_attachments`;

describe("volumes of a server", () => {
  let lab: ComputeVolumeLab;
  before(async () => {
    lab = await createComputeVolumeLab(volumes);
  });
  after(() => lab.close());

  async function bootActive(more: object = {}): Promise<string> {
    const id = await lab.boot(more);
    await lab.untilServer(id, "ACTIVE");
    return id;
  }
  const attach = (server: string, volumeId: string, more: object = {}, version = "2.93") =>
    lab.call("POST", attachments(server), { volumeAttachment: { volumeId, ...more } }, { version });

  it("attach: the guest gets the disk, its key and its place; the volume is in-use and says by whom", async () => {
    const [server, volume] = [await bootActive(), await lab.makeVolume()];
    const answer = await attach(server, volume, { tag: "db", delete_on_termination: true });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.body.volumeAttachment, {
      id: volume,
      volumeId: volume,
      serverId: server,
      device: "/dev/vdb",
      tag: "db",
      delete_on_termination: true,
    });
    await lab.untilVolume(volume, "in-use");
    const disk = lab.agent.specs.get(server)?.disks.find(({ id }) => id === volume);
    assert.ok(disk);
    assert.equal(disk.source.kind, "volume");
    assert.equal(Buffer.from((disk.source as { key: string }).key, "base64").length, 32);
    const shown = (await lab.cinder("GET", `/volumes/${volume}`)).body.volume.attachments;
    assert.deepEqual([shown.length, shown[0].server_id, shown[0].device], [1, server, "/dev/vdb"]);
    const one = await lab.call("GET", `${attachments(server)}/${volume}`);
    const { attachment_id: attachmentId, bdm_uuid: mapping, ...rest } = one.body.volumeAttachment;
    assert.deepEqual(rest, {
      volumeId: volume,
      serverId: server,
      device: "/dev/vdb",
      tag: "db",
      delete_on_termination: true,
    });
    assert.equal(attachmentId, shown[0].attachment_id);
    assert.match(mapping, /^[0-9a-f-]{36}$/);
    const view = (await lab.call("GET", `/servers/${server}`)).body.server;
    assert.deepEqual(view["os-extended-volumes:volumes_attached"], [{ id: volume, delete_on_termination: true }]);
    assert.deepEqual((await attach(server, volume)).status, 400);
    await waitUntil(
      "the action to end well",
      async () => {
        const list = (await lab.call("GET", `/servers/${server}/os-instance-actions`)).body.instanceActions;
        const action = list.find((one: { action: string }) => one.action === "attach_volume");
        const detail = await lab.call("GET", `/servers/${server}/os-instance-actions/${action.request_id}`);
        return detail.body.instanceAction.events[0]?.result === "Success";
      },
      { timeoutMs: 10_000 },
    );
  });

  it("detach: the guest loses the disk, the volume is available again; the server's own deletion frees the rest", async () => {
    const [server, volume, kept] = [await bootActive(), await lab.makeVolume(), await lab.makeVolume()];
    for (const one of [volume, kept]) {
      assert.equal((await attach(server, one, {}, "2.1")).status, 200);
      await lab.untilVolume(one, "in-use");
    }
    assert.equal((await lab.call("DELETE", `${attachments(server)}/${volume}`)).status, 202);
    await lab.untilVolume(volume, "available");
    assert.ok(lab.agent.specs.get(server)?.disks.every(({ id }) => id !== volume));
    assert.equal((await lab.call("GET", `${attachments(server)}/${volume}`)).status, 404);
    assert.equal((await lab.call("DELETE", `/servers/${server}`)).status, 204);
    await lab.untilVolume(kept, "available");
  });

  it("delete_on_termination, said at once or later (2.85), takes the volume along", async () => {
    const [server, volume, other] = [await bootActive(), await lab.makeVolume(), await lab.makeVolume()];
    await attach(server, volume, { delete_on_termination: true });
    await lab.untilVolume(volume, "in-use");
    await attach(server, other);
    await lab.untilVolume(other, "in-use");
    const put = (path: string, body: object) =>
      lab.call("PUT", `${attachments(server)}/${path}`, { volumeAttachment: body });
    assert.equal((await put(other, { volumeId: other, device: "/dev/vdz" })).status, 400);
    assert.equal((await put(other, { volumeId: other, delete_on_termination: true })).status, 202);
    assert.equal((await put(other, { volumeId: volume })).status, 403, "a swap is an operator's");
    await lab.call("DELETE", `/servers/${server}`);
    await lab.untilVolume(volume, "404");
    await lab.untilVolume(other, "404");
  });

  it("boots from an image's volume: waits for it, has no image, cannot lose its root", async () => {
    const root = { source_type: "image", destination_type: "volume", uuid: lab.imageId, boot_index: 0 };
    const id = await lab.boot({
      imageRef: "",
      block_device_mapping_v2: [{ ...root, volume_size: 1, delete_on_termination: true }],
    });
    await lab.untilServer(id, "ACTIVE");
    const view = (await lab.call("GET", `/servers/${id}`)).body.server;
    assert.equal(view.image, "");
    const [{ id: volume }] = view["os-extended-volumes:volumes_attached"];
    const disks = lab.agent.specs.get(id)?.disks ?? [];
    assert.deepEqual(
      disks.map((disk) => [disk.id, disk.bootIndex]),
      [[volume, 0]],
    );
    await lab.untilVolume(volume, "in-use");
    assert.equal((await lab.call("DELETE", `${attachments(id)}/${volume}`)).status, 400);
    await lab.call("DELETE", `/servers/${id}`);
    await lab.untilVolume(volume, "404");
  });

  it("boots with a volume there is and a blank one; both are its own from the start", async () => {
    const volume = await lab.makeVolume();
    const id = await lab.boot({
      block_device_mapping_v2: [
        { source_type: "image", destination_type: "local", uuid: lab.imageId, boot_index: 0 },
        { source_type: "volume", uuid: volume, device_name: "vdf" },
        { source_type: "blank", destination_type: "volume", volume_size: 1, delete_on_termination: true },
      ],
    });
    await lab.untilServer(id, "ACTIVE");
    await lab.untilVolume(volume, "in-use");
    const list = (await lab.call("GET", attachments(id))).body.volumeAttachments;
    assert.deepEqual(
      list.map((one: { device: string }) => one.device),
      ["/dev/vdf", "/dev/vdb"],
    );
    await lab.call("DELETE", `/servers/${id}`);
    await lab.untilVolume(volume, "available");
    await lab.untilVolume(list[1].volumeId, "404");
  });

  it("an image of a server on volumes is their snapshots, and boots into new volumes", async () => {
    const root = { source_type: "image", destination_type: "volume", uuid: lab.imageId, boot_index: 0, volume_size: 1 };
    const first = await bootActive({
      imageRef: "",
      block_device_mapping_v2: [{ ...root, delete_on_termination: true }],
    });
    const [attached] = (await lab.call("GET", attachments(first))).body.volumeAttachments;
    await lab.untilVolume(attached.volumeId, "in-use");
    const made = await lab.call("POST", `/servers/${first}/action`, { createImage: { name: "golden" } });
    assert.equal(made.status, 202, made.text);
    const imageId = made.body.image_id;
    const image = (await lab.call("GET", `/images/${imageId}`, undefined, { version: "2.1" })).body.image;
    assert.deepEqual([image.status, image["OS-EXT-IMG-SIZE:size"]], ["ACTIVE", 0]);
    const [mapping] = JSON.parse(image.metadata.block_device_mapping);
    await waitUntil(
      "the snapshot",
      async () => (await lab.cinder("GET", `/snapshots/${mapping.snapshot_id}`)).body.snapshot.status === "available",
      { timeoutMs: 10_000 },
    );
    const second = await bootActive({ imageRef: imageId });
    const view = (await lab.call("GET", `/servers/${second}`)).body.server;
    assert.equal(view.image, "");
    const [{ id: volume }] = view["os-extended-volumes:volumes_attached"];
    assert.equal((await lab.cinder("GET", `/volumes/${volume}`)).body.volume.snapshot_id, mapping.snapshot_id);
  });

  it("a volume that does not come to be is the server's fault in words", async () => {
    lab.agent.failVolumesWith = "The pool is full.";
    const root = { source_type: "image", destination_type: "volume", uuid: lab.imageId, boot_index: 0, volume_size: 1 };
    const id = await lab.boot({ imageRef: "", block_device_mapping_v2: [root] });
    await lab.untilServer(id, "ERROR");
    lab.agent.failVolumesWith = null;
    assert.match((await lab.call("GET", `/servers/${id}`)).body.server.fault.message, /pool is full|error/i);
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
  });

  it("refuses what cannot be, and changes nothing by it", async () => {
    const [server, volume, free] = [await bootActive(), await lab.makeVolume(), await lab.makeVolume()];
    const stranger = lab.tokenFor({ roles: ["member"] });
    assert.equal((await attach(server, "7f3c2b1e-0d5a-4f6b-9c8d-1a2b3c4d5e6f")).status, 404);
    const foreign = await lab.call(
      "POST",
      attachments(server),
      { volumeAttachment: { volumeId: volume } },
      { token: stranger },
    );
    assert.equal(foreign.status, 404);
    assert.equal((await attach(server, volume, { device: "/dev/vda" })).status, 409);
    assert.equal((await attach(server, volume, { tag: "a,b" })).status, 400);
    assert.equal((await attach(server, volume, { tag: "db" }, "2.48")).status, 400);
    assert.equal((await attach(server, volume)).status, 200);
    await lab.untilVolume(volume, "in-use");
    const other = await bootActive();
    assert.equal((await attach(other, volume)).status, 400, "it is in use");
    assert.equal(await lab.volumeStatus(free), "available");
    assert.equal((await lab.call("DELETE", `${attachments(server)}/${free}`)).status, 404);
    assert.equal((await lab.cinder("DELETE", `/volumes/${volume}`)).status, 400);
  });

  it("racing attachments of one volume: one server gets it", async () => {
    const [volume, ...servers] = [await lab.makeVolume(), await bootActive(), await bootActive(), await bootActive()];
    const answers = await Promise.all(servers.map((server) => attach(server, volume ?? "")));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 400, 400],
    );
    await lab.untilVolume(volume ?? "", "in-use");
  });

  it("a host that forgot the keys is told them again", async () => {
    const [server, volume] = [await bootActive(), await lab.makeVolume()];
    await attach(server, volume);
    await lab.untilVolume(volume, "in-use");
    const puts = (): number => lab.agent.calls.filter((call) => call.startsWith(`put ${server} `)).length;
    const before = puts();
    await lab.agent.becomes(server, { needsKeys: true });
    await waitUntil("the spec to be sent again", () => puts() > before, { timeoutMs: 10_000 });
  });

  it("extending an attached volume reaches the guest", async () => {
    const [server, volume] = [await bootActive(), await lab.makeVolume()];
    await attach(server, volume);
    await lab.untilVolume(volume, "in-use");
    const answer = await lab.cinder("POST", `/volumes/${volume}/action`, { "os-extend": { new_size: 2 } });
    assert.equal(answer.status, 202, answer.text);
    await waitUntil(
      "the guest to be told",
      () => lab.agent.specs.get(server)?.disks.find(({ id }) => id === volume)?.sizeGib === 2,
      { timeoutMs: 15_000 },
    );
  });
});

describe("a guest that does not let go of a volume", () => {
  let lab: ComputeVolumeLab;
  before(async () => {
    lab = await createComputeVolumeLab(volumes, { time: "manual" });
  });
  after(() => lab.close());

  it("keeps it, and after the deadline everybody says so", async () => {
    const server = await lab.boot();
    await lab.untilServer(server, "ACTIVE");
    const volume = await lab.makeVolume();
    await lab.call("POST", attachments(server), { volumeAttachment: { volumeId: volume } });
    await lab.untilVolume(volume, "in-use");
    lab.agent.held = true;
    assert.equal((await lab.call("DELETE", `${attachments(server)}/${volume}`)).status, 202);
    await lab.untilVolume(volume, "detaching");
    assert.equal((await lab.call("DELETE", `${attachments(server)}/${volume}`)).status, 400);
    lab.clock.advance(DETACH_DEADLINE_MS + 1);
    await lab.untilVolume(volume, "in-use");
    await lab.agent.release();
    assert.equal((await lab.call("GET", `${attachments(server)}/${volume}`)).status, 200);
    await waitUntil(
      "the host to be told so",
      () => lab.agent.specs.get(server)?.disks.some(({ id }) => id === volume),
      {
        timeoutMs: 10_000,
      },
    );
  });
});
