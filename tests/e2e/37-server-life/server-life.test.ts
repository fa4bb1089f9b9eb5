import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import type { Cloud as Api } from "@andromede/openstack-client/client";
import { createFlavor } from "@andromede/openstack-client/compute";

import { connectApi, deleteAndWait, see, untilActive } from "../support/api.ts";
import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { NOTHING, guestsOf, untilRemains } from "../support/remains.ts";
import { type Scene, makeScene } from "../support/scene.ts";

const json = ["-f", "json"];
/** Sectors of 512 bytes would be as good: what counts is that it is larger. */
const ROOT_BLOCKS = "awk '$4 == \"vda\" {print $3}' /proc/partitions";
const READ = "cat kept 2>/dev/null || echo gone";

describe("a server's life", () => {
  let cloud: Cloud;
  let api: Api;
  let key: Key;
  let scene: Scene;
  let id: string;
  let address: string;
  let imageId: string;
  let flavorId: string;

  before(async () => {
    cloud = await useCloud();
    api = connectApi(cloud);
    key = await makeKey();
    scene = await makeScene(cloud, "life2", key, "10.52.0.0/24");
    const operator = connectApi(cloud, "andromede-operator");
    const flavor = await createFlavor(operator, { name: "life-more", vcpus: 2, ram: 256, disk: 2 });
    flavorId = flavor.id;
    id = await boot("life-one");
    address = await floatTo("life-one");
    await within("echo precious >kept && sync");
  });

  async function boot(name: string, ...more: string[]): Promise<string> {
    const image = more.length === 0 ? ["--image", "mini"] : more;
    const args = ["--flavor", "mini.tiny", "--network", scene.networkName, "--key-name", "life2-key"];
    const group = ["--security-group", "life2-group"];
    const made: { id: string } = await cloud.openstack("server", "create", ...image, ...args, ...group, name, ...json);
    await untilActive(api, made.id);
    return made.id;
  }

  async function floatTo(name: string): Promise<string> {
    const made: { floating_ip_address: string } = await cloud.openstack("floating", "ip", "create", "public", ...json);
    await cloud.openstack("server", "add", "floating", "ip", name, made.floating_ip_address);
    return made.floating_ip_address;
  }

  const within = (command: string, at = address): Promise<string> => inGuest(key, at, command);
  const act = <T = void>(action: object, version = "2.93"): Promise<T> =>
    api.call<T>("compute", "POST", `/servers/${id}/action`, {
      body: action,
      headers: { "openstack-api-version": `compute ${version}` },
    });
  const until = (status: string): Promise<unknown> =>
    waitUntil(
      `${status} of ${id}`,
      async () => {
        const seen = await see(api, id);
        if (seen.status === "ERROR") throw new Error(JSON.stringify(seen.fault));
        return seen.status === status && seen["OS-EXT-STS:task_state"] === null;
      },
      { timeoutMs: 180_000, everyMs: 200 },
    );

  it("is made an image of while it runs, which another server boots from", async () => {
    imageId = (await act<{ image_id: string }>({ createImage: { name: "life-image", metadata: { mine: "yes" } } }))
      .image_id;
    const image = await waitUntil(
      "the image",
      async () => {
        const seen = await api.call<{ status: string }>("image", "GET", `/v2/images/${imageId}`);
        return seen.status === "active" ? (seen as { [name: string]: unknown }) : false;
      },
      { timeoutMs: 180_000, everyMs: 200 },
    );
    assert.deepEqual([image["mine"], image["instance_uuid"], image["image_type"]], ["yes", id, "snapshot"]);
    await until("ACTIVE");
    assert.equal(await within(READ), "precious");
    const second = await boot("life-two", "--image", imageId);
    const there = await floatTo("life-two");
    assert.equal(await within(READ, there), "precious");
    await cloud.openstack("floating", "ip", "delete", there);
    await deleteAndWait(api, second);
  });

  it("is resized, goes back, and is resized for good", async () => {
    const before = Number(await within(ROOT_BLOCKS));
    await act({ resize: { flavorRef: flavorId } });
    await until("VERIFY_RESIZE");
    assert.deepEqual([await within("nproc"), await within(READ)], ["2", "precious"]);
    assert.ok(Number(await within(ROOT_BLOCKS)) > before);
    await act({ revertResize: null });
    await until("ACTIVE");
    assert.deepEqual([await within("nproc"), await within(READ)], ["1", "precious"]);
    await act({ resize: { flavorRef: flavorId } });
    await until("VERIFY_RESIZE");
    await act({ confirmResize: null });
    await until("ACTIVE");
    assert.deepEqual([await within("nproc"), await within(READ)], ["2", "precious"]);
  });

  it("is rescued: another disk boots, its own is the second, and nothing on it is lost", async () => {
    const { adminPass } = await act<{ adminPass: string }>({ rescue: null });
    assert.ok(adminPass.length >= 12);
    await until("RESCUE");
    assert.equal(await within("awk '$4 == \"vdb\" {print $4}' /proc/partitions"), "vdb");
    assert.equal(await within(READ), "gone");
    await act({ unrescue: null });
    await until("ACTIVE");
    assert.equal(await within(READ), "precious");
  });

  it("is shelved: no host has anything of it, and it comes back as it was", async () => {
    await act({ shelve: null });
    await until("SHELVED_OFFLOADED");
    assert.deepEqual(guestsOf(cloud, id), []);
    await act({ unshelve: null });
    await until("ACTIVE");
    assert.equal(await within(READ), "precious");
  });

  it("is rebuilt: the same server at the same address, and a new disk", async () => {
    const image = await api.call<{ images: { id: string }[] }>("image", "GET", "/v2/images", {
      query: { name: "mini" },
    });
    const { server } = await act<{ server: { id: string; adminPass: string } }>({
      rebuild: { imageRef: image.images[0]?.id, name: "life-anew", metadata: { anew: "yes" } },
    });
    assert.equal(server.id, id);
    await until("ACTIVE");
    assert.equal(await within(READ), "gone");
    assert.match(await within("wget -qO- http://169.254.169.254/openstack/latest/meta_data.json"), /"anew":"yes"/);
  });

  after(async () => {
    await cloud.openstack("floating", "ip", "delete", address);
    await deleteAndWait(api, id);
    await untilRemains(cloud, id, NOTHING);
    await cloud.openstack("image", "delete", imageId);
    await scene.clean();
    await cloud.operator("flavor", "delete", "life-more");
  });
});
