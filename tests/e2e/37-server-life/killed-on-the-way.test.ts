import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { type Cloud as Api, type ServiceType, orNull } from "@andromede/openstack-client/client";
import { createFlavor } from "@andromede/openstack-client/compute";

import { connectApi, deleteAndWait, untilActive } from "../support/api.ts";
import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { type Inventory, takeInventory, untilAsBefore, untilGroupsAreThere } from "../support/inventory.ts";
import { ORDERS, type Program, killOnTheWay, lookAtServer, lookAtStatus } from "../support/kills.ts";
import { NOTHING, type Remains, WHOLE, untilRemains } from "../support/remains.ts";
import { type Scene, giveAddress, makeScene, startServer } from "../support/scene.ts";

const READ = "cat kept 2>/dev/null || echo gone";
/** Its root disk is a volume: there is none in its directory. */
const ON_VOLUME: Remains = { ...WHOLE, disks: 0 };
/** A row, and a port that is nowhere. */
const SHELVED: Remains = { ...NOTHING, servers: 1, ports: 1, logicalPorts: 1 };
/** The sum of what was written to a disk. */
const sumOf = (device: string): string => `sudo dd if=${device} bs=1M count=4 2>/dev/null | sha256sum | cut -d' ' -f1`;

/** What the walks begin with, and call meanwhile. */
function useWorld(name: string, cidr: string) {
  const world = {} as { cloud: Cloud; api: Api; key: Key; scene: Scene; there: Inventory };
  before(async () => {
    world.cloud = await useCloud();
    world.api = connectApi(world.cloud);
    world.key = await makeKey();
    await untilGroupsAreThere(world.cloud);
    world.there = await takeInventory(world.cloud);
    world.scene = await makeScene(world.cloud, name, world.key, cidr);
  });

  /** As soon as the API is back; what was taken is not taken again. */
  const call = <T>(service: ServiceType, method: string, path: string, body?: unknown): Promise<T> =>
    waitUntil(
      `${method} ${path}`,
      async () => {
        const headers = { "openstack-api-version": service === "volumev3" ? "volume 3.70" : "compute 2.93" };
        return {
          said: await world.api.call<T>(service, method, path, { headers, ...(body === undefined ? {} : { body }) }),
        };
      },
      { timeoutMs: 60_000, everyMs: 50 },
    ).then(({ said }) => said);
  const act = <T = void>(id: string, action: object): Promise<T> =>
    call<T>("compute", "POST", `/servers/${id}/action`, action);

  /** Sees the server to a state; at each step one of the programs dies. Nothing is left over, and nothing is missing. */
  async function seeThrough(
    id: string,
    how: { vmState: string; steps: string[]; remains: Remains; programs?: readonly Program[] },
  ): Promise<void> {
    const { vmState, steps, remains, ...more } = how;
    const what = `${vmState} of ${id}`;
    const walked = await killOnTheWay(world.cloud, { what, look: lookAtServer(world.cloud, id, vmState), ...more });
    for (const step of steps) assert.ok(walked.includes(step), `${step} was not seen, but ${walked.join(", ")}`);
    await untilRemains(world.cloud, id, remains, 30_000);
  }

  /** Everything the walks made is gone, and nothing else came or went. */
  async function clean(): Promise<void> {
    await world.scene.clean();
    assert.deepEqual(await untilAsBefore(world.cloud, world.there, /^rows of (server_action|.+_project|.+_usage)/), []);
  }
  return { world, call, act, seeThrough, clean };
}

describe("killed on the way", () => {
  const { world, call, act, seeThrough, clean } = useWorld("killed", "10.53.0.0/24");
  let id: string;
  let address: string;
  let flavorId: string;

  before(async () => {
    const { cloud, api, scene } = world;
    const operator = connectApi(cloud, "andromede-operator");
    flavorId = (await createFlavor(operator, { name: "killed-more", vcpus: 2, ram: 256, disk: 2 })).id;
    id = await startServer(cloud, scene, "killed-one");
    await untilActive(api, id);
    address = await giveAddress(cloud, id);
    await within("echo precious >kept && sync");
  });

  const within = (command: string): Promise<string> => inGuest(world.key, address, command);
  const through = (vmState: string, steps: string[], programs?: readonly Program[]): Promise<void> =>
    seeThrough(id, {
      vmState,
      steps,
      remains: vmState === "shelved_offloaded" ? SHELVED : vmState === "rescued" ? { ...WHOLE, disks: 2 } : WHOLE,
      ...(programs === undefined ? {} : { programs }),
    });

  it("an image of the server is active, or gone, and the server is untouched", async () => {
    const { image_id: imageId } = await act<{ image_id: string }>(id, { createImage: { name: "killed" } });
    await through("active", []);
    const { image } = await waitUntil(
      "the image to be asked after",
      async () => ({
        image: await orNull(world.api.call<{ status: string }>("image", "GET", `/v2/images/${imageId}`)),
      }),
      { timeoutMs: 30_000 },
    );
    assert.ok(image === null || image.status === "active", JSON.stringify(image));
    assert.equal(await within(READ), "precious");
    if (image !== null) await call("image", "DELETE", `/v2/images/${imageId}`);
  });

  it("a resize ends in VERIFY_RESIZE, and is confirmed", async () => {
    await act(id, { resize: { flavorRef: flavorId } });
    await through("resized", ["resize_prep/stop", "resize_finish/apply"]);
    await act(id, { confirmResize: null });
    await untilActive(world.api, id);
    assert.deepEqual([await within("nproc"), await within(READ)], ["2", "precious"]);
  });

  it("a rescue ends in RESCUE, and its end in ACTIVE", async () => {
    await act(id, { rescue: null });
    await through("rescued", ["rescuing/stop", "rescuing/apply"]);
    assert.equal(await within(READ), "gone");
    await act(id, { unrescue: null });
    await through("active", ["unrescuing/stop", "unrescuing/apply"]);
    assert.equal(await within(READ), "precious");
  });

  it("a server is shelved with all it has, and comes back", async () => {
    await act(id, { shelve: null });
    await through("shelved_offloaded", ["shelving/stop", "shelving_image_uploading/copy"]);
    await act(id, { unshelve: null });
    await through("active", ["unshelving/apply"]);
    assert.equal(await within(READ), "precious");
  });

  for (const programs of ORDERS) {
    it(`a rebuild makes its disk anew, and only that (${programs[0]} first)`, async () => {
      await within("echo precious >kept && sync");
      const { server } = await call<{ server: { image: { id: string } } }>("compute", "GET", `/servers/${id}`);
      await act(id, { rebuild: { imageRef: server.image.id } });
      await through("active", ["rebuilding/stop", "rebuilding/apply"], programs);
      assert.deepEqual([await within("nproc"), await within(READ)], ["2", "gone"]);
    });
  }

  after(async () => {
    await world.cloud.openstack("floating", "ip", "delete", address);
    await deleteAndWait(world.api, id);
    await untilRemains(world.cloud, id, NOTHING);
    await world.cloud.operator("flavor", "delete", "killed-more");
    await clean();
  });
});

describe("killed on the way, with its disks in volumes", () => {
  const { world, call, act, seeThrough, clean } = useWorld("killed-volumes", "10.54.0.0/24");
  let id: string;
  let address: string;
  let imageId: string;
  let rootId: string;
  let dataId: string;
  let sum: string;

  const within = (command: string): Promise<string> => inGuest(world.key, address, command);
  type Volume = { id: string; status: string; volume_image_metadata?: { image_id: string } };
  const volume = async (volumeId: string): Promise<Volume> =>
    (await call<{ volume: Volume }>("volumev3", "GET", `/volumes/${volumeId}`)).volume;
  const makeVolume = async (more: object): Promise<string> =>
    (await call<{ volume: Volume }>("volumev3", "POST", "/volumes", { volume: { size: 1, ...more } })).volume.id;
  const status = async (table: "volume" | "snapshot" | "backup", of: string, wanted: string): Promise<void> => {
    await waitUntil(
      `${table} ${of} ${wanted}`,
      async () => (await lookAtStatus(world.cloud, table, of, wanted)()) === null,
      {
        timeoutMs: 60_000,
        everyMs: 50,
      },
    );
  };
  const attach = (volumeId: string): Promise<void> =>
    call("compute", "POST", `/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId } });

  before(async () => {
    const { cloud, api, scene } = world;
    const { images } = await call<{ images: { id: string }[] }>("image", "GET", "/v2/images?name=mini");
    imageId = images[0]?.id ?? "";
    rootId = await makeVolume({ imageRef: imageId, name: "killed-root" });
    dataId = await makeVolume({ name: "killed-data" });
    await status("volume", rootId, "available");
    await status("volume", dataId, "available");
    const more = ["--flavor", "mini.tiny", "--network", scene.networkName, "--key-name", `${scene.name}-key`];
    const server: { id: string } = await cloud.openstack(
      "server",
      "create",
      "killed-on-volume",
      "--volume",
      rootId,
      "--security-group",
      `${scene.name}-group`,
      ...more,
      "-f",
      "json",
    );
    ({ id } = server);
    await untilActive(api, id);
    address = await giveAddress(cloud, id);
    await attach(dataId);
    await status("volume", dataId, "in-use");
    await within("sudo dd if=/dev/urandom of=/dev/vdb bs=1M count=4 2>/dev/null && sync");
    sum = await within(sumOf("/dev/vdb"));
  });

  for (const programs of ORDERS) {
    it(`a rebuild makes the volume it boots from anew, and no other (${programs[0]} first)`, async () => {
      await within("echo precious >kept && sync");
      assert.equal(await within(READ), "precious");
      await act(id, { rebuild: { imageRef: imageId } });
      const steps = ["rebuilding/stop", "rebuilding/reimage", "rebuilding/apply"];
      await seeThrough(id, { vmState: "active", steps, remains: ON_VOLUME, programs });
      assert.deepEqual([await within(READ), await within(sumOf("/dev/vdb"))], ["gone", sum]);
      const root = await volume(rootId);
      assert.deepEqual([root.status, root.volume_image_metadata?.image_id], ["in-use", imageId]);
    });

    it(`snapshot, backup, restore, attach, detach: the data is there after each (${programs[0]} first)`, async () => {
      const die = (what: string, look: ReturnType<typeof lookAtStatus>): Promise<string[]> =>
        killOnTheWay(world.cloud, { what, look, programs, fromTheStart: true });
      const { snapshot } = await call<{ snapshot: { id: string } }>("volumev3", "POST", "/snapshots", {
        snapshot: { volume_id: dataId, force: true },
      });
      await die("the snapshot", lookAtStatus(world.cloud, "snapshot", snapshot.id, "available"));
      const { backup } = await call<{ backup: { id: string } }>("volumev3", "POST", "/backups", {
        backup: { volume_id: dataId, snapshot_id: snapshot.id, force: true },
      });
      await die("the backup", lookAtStatus(world.cloud, "backup", backup.id, "available"));
      const copy = await makeVolume({ name: "killed-copy" });
      await status("volume", copy, "available");
      await call("volumev3", "POST", `/backups/${backup.id}/restore`, { restore: { volume_id: copy } });
      await die("the restored volume", lookAtStatus(world.cloud, "volume", copy, "available"));
      await status("backup", backup.id, "available");
      await attach(copy);
      await die("the attached volume", lookAtStatus(world.cloud, "volume", copy, "in-use"));
      assert.deepEqual([await within(sumOf("/dev/vdc")), await within(sumOf("/dev/vdb"))], [sum, sum]);
      await call("compute", "DELETE", `/servers/${id}/os-volume_attachments/${copy}`);
      await die("the detached volume", lookAtStatus(world.cloud, "volume", copy, "available"));
      assert.equal(await within("test -e /dev/vdc && echo there || echo gone"), "gone");
      for (const path of [`/volumes/${copy}`, `/backups/${backup.id}`, `/snapshots/${snapshot.id}`])
        await call("volumev3", "DELETE", path);
      const gone = `select (select count(*) from volume where id = '${copy}') + (select count(*) from backup) + (select count(*) from snapshot)`;
      await waitUntil("their end", async () => (await world.cloud.sql(gone)).trim() === "0", { timeoutMs: 60_000 });
    });
  }

  after(async () => {
    await world.cloud.openstack("floating", "ip", "delete", address);
    await deleteAndWait(world.api, id);
    await untilRemains(world.cloud, id, NOTHING);
    for (const one of [rootId, dataId]) {
      await status("volume", one, "available");
      await call("volumev3", "DELETE", `/volumes/${one}`);
    }
    const left = `select count(*) from volume where id in ('${rootId}', '${dataId}')`;
    await waitUntil("the volumes' end", async () => (await world.cloud.sql(left)).trim() === "0", {
      timeoutMs: 60_000,
    });
    await clean();
  });
});
