import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { before, describe, it } from "node:test";

import { type Cloud, processesMentioning, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { run } from "../support/run.ts";
import { giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";

describe("two installations on one machine", () => {
  let key: Key;
  const clouds: { cloud: Cloud; id: string; address: string }[] = [];

  before(async () => {
    key = await makeKey();
    for (const instance of ["cloudwatt", "numergy"]) {
      const cloud = await useCloud(instance);
      const scene = await makeScene(cloud, instance, key);
      const id = await startServer(cloud, scene, `${instance}-server`);
      await waitForStatus(cloud, id, "ACTIVE");
      clouds.push({ cloud, id, address: await giveAddress(cloud, id) });
    }
  });

  it("both serve", async () => {
    for (const { cloud, address } of clouds)
      assert.equal(await inGuest(key, address, "hostname"), `${cloud.instance}-server`);
  });

  it("the purge of one leaves the other alone, and nothing of itself", async () => {
    const [gone, stays] = clouds;
    assert.ok(gone && stays);
    const bootId = await inGuest(key, stays.address, "cat /proc/sys/kernel/random/boot_id");
    await gone.cloud.andromede("down", "--purge", "--yes");
    assert.equal(await inGuest(key, stays.address, "cat /proc/sys/kernel/random/boot_id"), bootId);
    assert.equal(existsSync(gone.cloud.directory), false);
    assert.deepEqual(processesMentioning(gone.cloud.instance), []);
    for (const command of [["ip", "netns", "list"], ["ip", "-o", "link"], ["mount"], ["nft", "list", "ruleset"]]) {
      assert.doesNotMatch(await run(command), new RegExp(gone.cloud.instance), command.join(" "));
    }
    await stays.cloud.andromede("down", "--purge", "--yes");
    assert.deepEqual(processesMentioning(stays.cloud.instance), []);
  });
});
