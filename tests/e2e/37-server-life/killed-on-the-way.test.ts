import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { type Cloud as Api, orNull } from "@andromede/openstack-client/client";
import { createFlavor } from "@andromede/openstack-client/compute";

import { type SeenServer, connectApi, deleteAndWait, see, untilActive } from "../support/api.ts";
import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { pidOf } from "../support/programs.ts";
import { NOTHING, untilRemains } from "../support/remains.ts";
import { type Scene, giveAddress, makeScene, startServer } from "../support/scene.ts";

const PROGRAMS = ["control-plane", "host-agent@host1"];
const READ = "cat kept 2>/dev/null || echo gone";

describe("killed on the way", () => {
  let cloud: Cloud;
  let api: Api;
  let key: Key;
  let scene: Scene;
  let id: string;
  let address: string;
  let flavorId: string;
  let kills = 0;

  before(async () => {
    cloud = await useCloud();
    api = connectApi(cloud);
    key = await makeKey();
    scene = await makeScene(cloud, "killed", key, "10.53.0.0/24");
    const operator = connectApi(cloud, "andromede-operator");
    flavorId = (await createFlavor(operator, { name: "killed-more", vcpus: 2, ram: 256, disk: 2 })).id;
    id = await startServer(cloud, scene, "killed-one");
    await untilActive(api, id);
    address = await giveAddress(cloud, id);
    await within("echo precious >kept && sync");
  });

  const within = (command: string): Promise<string> => inGuest(key, address, command);

  /** Through whatever the API does meanwhile: an action that was taken is not taken again. */
  async function act<T = void>(action: object): Promise<T | undefined> {
    const headers = { "openstack-api-version": "compute 2.93" };
    return api.call<T>("compute", "POST", `/servers/${id}/action`, { body: action, headers });
  }

  /** Sees the server to a status; each time it is at something else, one of the programs dies. */
  async function seeThrough(status: string): Promise<void> {
    const seen = new Set<string>();
    await waitUntil(
      `${status} of ${id}`,
      async () => {
        const server: SeenServer = await see(api, id);
        assert.notEqual(server.status, "ERROR", JSON.stringify(server.fault));
        const task = server["OS-EXT-STS:task_state"];
        if (task === null) return server.status === status;
        if (!seen.has(task)) {
          seen.add(task);
          kills += 1;
          const program = PROGRAMS[kills % PROGRAMS.length] ?? "";
          process.kill(await pidOf(cloud, program), "SIGKILL");
        }
        return false;
      },
      { timeoutMs: 240_000, everyMs: 50 },
    );
    assert.ok(seen.size > 0, `${status}: nothing was seen on the way`);
  }

  it("an image of the server is active, or gone, and the server is untouched", async () => {
    const { image_id: imageId = "" } = (await act<{ image_id: string }>({ createImage: { name: "killed" } })) ?? {};
    await seeThrough("ACTIVE");
    const image = await orNull(api.call<{ status: string }>("image", "GET", `/v2/images/${imageId}`));
    assert.ok(image === null || image.status === "active", JSON.stringify(image));
    assert.equal(await within(READ), "precious");
    if (image !== null) await api.call("image", "DELETE", `/v2/images/${imageId}`);
  });

  it("a resize ends in VERIFY_RESIZE, and is confirmed", async () => {
    await act({ resize: { flavorRef: flavorId } });
    await seeThrough("VERIFY_RESIZE");
    await act({ confirmResize: null });
    await untilActive(api, id);
    assert.deepEqual([await within("nproc"), await within(READ)], ["2", "precious"]);
  });

  it("a rescue ends in RESCUE, and its end in ACTIVE", async () => {
    await act({ rescue: null });
    await seeThrough("RESCUE");
    assert.equal(await within(READ), "gone");
    await act({ unrescue: null });
    await seeThrough("ACTIVE");
    assert.equal(await within(READ), "precious");
  });

  it("a server is shelved with all it has, and comes back", async () => {
    await act({ shelve: null });
    await seeThrough("SHELVED_OFFLOADED");
    await act({ unshelve: null });
    await seeThrough("ACTIVE");
    assert.equal(await within(READ), "precious");
  });

  after(async () => {
    await cloud.openstack("floating", "ip", "delete", address);
    await deleteAndWait(api, id);
    await untilRemains(cloud, id, NOTHING);
    await scene.clean();
    await cloud.operator("flavor", "delete", "killed-more");
  });
});
