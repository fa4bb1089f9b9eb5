/** Servers that boot from a volume: made anew, rescued, and what they take of a host. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { volumeReconcilers } from "../../volume/reconcilers.ts";
import { volumeService } from "../../volume/service.ts";
import { ensureFlavor } from "../public.ts";
import { seedImage } from "../testing/compute-lab.ts";
import { type ComputeVolumeLab, createComputeVolumeLab } from "../testing/volume-lab.ts";

const volumes = { service: volumeService, reconcilers: volumeReconcilers };

type Fields = { [name: string]: string };

describe("a server that boots from a volume", () => {
  let lab: ComputeVolumeLab;
  before(async () => {
    lab = await createComputeVolumeLab(volumes);
  });
  after(() => lab.close());

  const until = (what: string, holds: () => Promise<boolean> | boolean): Promise<boolean> =>
    waitUntil(what, holds, { timeoutMs: 20_000, everyMs: 10 });
  const show = async (id: string) => (await lab.call("GET", `/servers/${id}`)).body.server;
  const act = (id: string, action: object, version = "2.93") =>
    lab.call("POST", `/servers/${id}/action`, action, { version });
  const settled = (id: string, status: string): Promise<boolean> =>
    until(`${status} of ${id}`, async () => {
      const server = await show(id);
      return server.status === status && server["OS-EXT-STS:task_state"] === null;
    });
  const cinderVolume = async (id: string) => (await lab.cinder("GET", `/volumes/${id}`)).body.volume;

  /** A server and the volume it boots from. */
  async function boot(more: object = {}): Promise<{ id: string; volume: string }> {
    const root = { source_type: "image", destination_type: "volume", uuid: lab.imageId, boot_index: 0, volume_size: 1 };
    const id = await lab.boot({
      imageRef: "",
      block_device_mapping_v2: [{ ...root, delete_on_termination: true }],
      ...more,
    });
    await settled(id, "ACTIVE");
    const [{ id: volume }] = (await show(id))["os-extended-volumes:volumes_attached"];
    await lab.untilVolume(volume, "in-use");
    return { id, volume };
  }

  const rebuild = (id: string, imageRef: string, version?: string, more: object = {}) =>
    act(id, { rebuild: { imageRef, ...more } }, version);

  it("before 2.93 keeps the volume: its image may be named, no other", async () => {
    const { id, volume } = await boot();
    const other = await seedImage(lab);
    const refused = await rebuild(id, other, "2.92");
    assert.equal(refused.status, 400);
    assert.match(
      refused.body.badRequest.message,
      /is unacceptable: Unable to rebuild with a different image for a volume-backed server/,
    );
    const generation = lab.agent.volumes.get(volume)?.spec.generation;
    assert.equal((await rebuild(id, lab.imageId, "2.92", { name: "anew" })).status, 202);
    await settled(id, "ACTIVE");
    assert.equal((await show(id)).name, "anew");
    assert.equal(lab.agent.volumes.get(volume)?.spec.generation, generation, "nobody touched it");
    await lab.untilVolume(volume, "in-use");
  });

  it("from 2.93 on is made anew in its volume: same id, key and place, while the guest is off", async () => {
    const { id, volume } = await boot();
    const data = await lab.makeVolume();
    assert.equal(
      (await lab.call("POST", `/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId: data } })).status,
      200,
    );
    await lab.untilVolume(data, "in-use");
    const kept = lab.agent.volumes.get(data)?.spec.generation;
    const key = lab.agent.volumes.get(volume)?.spec.key;
    const other = await seedImage(lab);
    const answer = await rebuild(id, other, "2.93");
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual([answer.body.server.status, answer.body.server.image], ["REBUILD", ""]);
    await settled(id, "ACTIVE");
    const spec = lab.agent.volumes.get(volume)?.spec;
    assert.ok(spec?.source.kind === "image" && spec.source.imageId === other);
    assert.equal(spec.key, key);
    assert.equal(lab.agent.volumes.get(data)?.spec.generation, kept, "the other one is as it was");
    const shown = await cinderVolume(volume);
    assert.deepEqual([shown.status, shown.volume_image_metadata.image_id], ["in-use", other]);
    assert.equal(shown.attachments[0].server_id, id);
    assert.deepEqual(
      lab.agent.specs.get(id)?.disks.map((disk) => [disk.id, disk.bootIndex]),
      [
        [volume, 0],
        [data, undefined],
      ],
    );
    const powers = lab.agent.calls
      .filter((call) => call.startsWith(`put ${id} `))
      .map((call) => call.split(" ").at(-1));
    assert.deepEqual([powers.at(-1), powers.includes("stopped")], ["running", true]);
    const [row] = await lab.app.db<Fields[]>`select reimage_id, task, image_id from server where id = ${id}`;
    assert.deepEqual({ ...row }, { reimageId: null, task: null, imageId: "" });
    // the same image again is another new disk
    const generation = lab.agent.volumes.get(volume)?.spec.generation ?? 0;
    assert.equal((await rebuild(id, other)).status, 202);
    await settled(id, "ACTIVE");
    assert.ok((lab.agent.volumes.get(volume)?.spec.generation ?? 0) > generation);
  });

  it("one that is off stays off", async () => {
    const { id } = await boot();
    await act(id, { "os-stop": null });
    await settled(id, "SHUTOFF");
    assert.equal((await rebuild(id, lab.imageId)).status, 202);
    await until("the rebuild's end", async () => (await show(id))["OS-EXT-STS:task_state"] === null);
    await settled(id, "SHUTOFF");
  });

  it("refuses what cannot be, and changes nothing by it", async () => {
    const { id, volume } = await boot();
    const large = await seedImage(lab, { virtualSizeBytes: 2 ** 31 });
    const hungry = await seedImage(lab, { minRam: 1_000_000 });
    assert.match((await rebuild(id, large)).text, /Volume size 1GB cannot be smaller than the image size 2GB/);
    assert.match((await rebuild(id, hungry)).text, /memory is too small/);
    const made = await lab.cinder("POST", "/snapshots", { snapshot: { volume_id: volume, force: true } });
    const snapshot = made.body.snapshot.id;
    const withSnapshot = await rebuild(id, lab.imageId);
    assert.equal(withSnapshot.status, 400);
    assert.match(withSnapshot.text, /has snapshots/);
    await until("the snapshot", async () => {
      const { body } = await lab.cinder("GET", `/snapshots/${snapshot}`);
      return body.snapshot.status === "available";
    });
    await lab.cinder("DELETE", `/snapshots/${snapshot}`);
    await until("its end", async () => (await lab.cinder("GET", `/snapshots/${snapshot}`)).status === 404);
    assert.deepEqual([(await show(id)).status, await lab.volumeStatus(volume)], ["ACTIVE", "in-use"]);
  });

  it("a snapshot that is taken while the guest shuts down ends the rebuild, and the volume stays whole", async () => {
    const { id, volume } = await boot();
    lab.agent.held = true;
    assert.equal((await rebuild(id, lab.imageId)).status, 202);
    const snapshot = await lab.cinder("POST", "/snapshots", { snapshot: { volume_id: volume, force: true } });
    assert.equal(snapshot.status, 202, snapshot.text);
    await lab.agent.release();
    await until("ERROR", async () => (await show(id)).status === "ERROR");
    assert.match((await show(id)).fault.message, /has snapshots/);
    assert.ok(lab.agent.volumes.has(volume));
    await lab.untilVolume(volume, "in-use");
    assert.equal((await act(id, { reboot: { type: "HARD" } })).status, 202);
    await settled(id, "ACTIVE");
  });

  it("an image that cannot be written is the server's fault in words; another rebuild mends both", async () => {
    const { id, volume } = await boot();
    lab.agent.failVolumesWith = "The pool is full.";
    assert.equal((await rebuild(id, lab.imageId)).status, 202);
    await until("ERROR", async () => (await show(id)).status === "ERROR");
    lab.agent.failVolumesWith = null;
    assert.match((await show(id)).fault.message, /pool is full/);
    assert.equal(await lab.volumeStatus(volume), "error");
    assert.equal((await rebuild(id, lab.imageId)).status, 202);
    await settled(id, "ACTIVE");
    await lab.untilVolume(volume, "in-use");
  });

  it("deleted in the middle, it goes with its volume", async () => {
    const { id, volume } = await boot();
    lab.agent.held = true;
    assert.equal((await rebuild(id, lab.imageId)).status, 202);
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await lab.agent.release();
    await until("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
    await lab.untilVolume(volume, "404");
  });

  it("is rescued (2.87) with an image that says how: all its disks stay, the rescue disk is the last", async () => {
    const { id, volume } = await boot();
    const plain = await seedImage(lab);
    const rescue = await seedImage(lab);
    await lab.app.db`
      update image set properties = '{"hw_rescue_device": "disk", "hw_rescue_bus": "virtio"}' where id = ${rescue}`;
    for (const [ref, version] of [
      [rescue, "2.86"],
      [plain, "2.93"],
      [undefined, "2.93"],
    ] as const) {
      const body = ref === undefined ? null : { rescue_image_ref: ref };
      const refused = await act(id, { rescue: body }, version);
      assert.equal(refused.status, 400);
      assert.match(refused.text, /cannot be rescued: Cannot rescue a volume-backed instance/);
    }
    assert.equal((await act(id, { rescue: { rescue_image_ref: rescue } }, "2.87")).status, 200);
    await settled(id, "RESCUE");
    const disks = (): (string | number | undefined)[][] =>
      (lab.agent.specs.get(id)?.disks ?? []).map((disk) => [disk.id, disk.bootIndex]);
    assert.deepEqual(disks(), [
      [volume, undefined],
      ["rescue", 0],
    ]);
    assert.equal((await act(id, { unrescue: null })).status, 202);
    await settled(id, "ACTIVE");
    assert.deepEqual(disks(), [[volume, 0]]);
    await lab.untilVolume(volume, "in-use");
  });

  it("a server with a disk of its host's keeps it in place, too, when the image says so", async () => {
    const id = await lab.boot();
    await settled(id, "ACTIVE");
    const rescue = await seedImage(lab);
    await lab.app.db`update image set properties = '{"hw_rescue_bus": "virtio"}' where id = ${rescue}`;
    assert.equal((await act(id, { rescue: { rescue_image_ref: rescue } }, "2.1")).status, 200);
    await settled(id, "RESCUE");
    const disks = lab.agent.specs.get(id)?.disks ?? [];
    assert.deepEqual(
      disks.map((disk) => [disk.id, disk.bootIndex]),
      [
        ["root", undefined],
        ["rescue", 0],
      ],
    );
  });

  it("takes no root disk of its host, from the first to the last", async () => {
    const claimed = async (): Promise<number> => {
      const [row] = await lab.app.db<{ gib: number }[]>`select sum(claimed_disk_gib)::int as gib from compute_host`;
      return row?.gib ?? 0;
    };
    const size = { vcpus: 1, ramMib: 128 };
    await ensureFlavor(lab.app.db, { id: "wide", name: "wide", ...size, diskGib: 40 }, new Date());
    await ensureFlavor(lab.app.db, { id: "wider", name: "wider", ...size, diskGib: 80 }, new Date());
    const before = await claimed();
    const { id } = await boot({ flavorRef: "wide" });
    assert.equal(await claimed(), before);
    assert.equal((await act(id, { resize: { flavorRef: "wider" } })).status, 202);
    await settled(id, "VERIFY_RESIZE");
    assert.equal(await claimed(), before);
    assert.equal((await act(id, { confirmResize: null })).status, 204);
    await settled(id, "ACTIVE");
    assert.equal((await act(id, { shelve: null })).status, 202);
    await settled(id, "SHELVED_OFFLOADED");
    assert.equal(await claimed(), before);
    assert.equal((await act(id, { unshelve: null })).status, 202);
    await settled(id, "ACTIVE");
    assert.equal(await claimed(), before);
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await until("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
    assert.equal(await claimed(), before);
  });
});
