import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { Cloud as Api } from "@andromede/openstack-client/client";

import { connectApi, see, untilActive } from "../support/api.ts";
import { type Cloud, describeCloud, processesMentioning, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { pidsOf, statusOf } from "../support/programs.ts";
import { NOTHING, WHOLE, guestsOf, untilRemains } from "../support/remains.ts";
import { type Scene, giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";

const INSTANCE = "updown";
const PROGRAMS = [
  "control-plane",
  "host-agent@host1",
  "object-store",
  "ovn-controller@host1",
  "ovn-northbound",
  "ovn-northd",
  "ovn-southbound",
  "ovs-vswitchd@host1",
  "ovsdb-server@host1",
  "postgresql",
  "supervisor",
];
/** From the start of `up` to its death; a first one takes about ten seconds. */
const INTERRUPTIONS_MS = [100, 400, 800, 1_200, 1_800, 2_500, 3_500, 5_000, 7_000];
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

describe("up and down", () => {
  let cloud: Cloud;
  let key: Key;

  before(async () => {
    const earlier = describeCloud(INSTANCE);
    if (existsSync(earlier.directory)) await earlier.andromede("down", "--purge", "--keep-engines", "--yes");
    key = await makeKey();
  });

  it("killed at any moment, then run again, ends well", async (test) => {
    cloud = describeCloud(INSTANCE);
    for (const ms of INTERRUPTIONS_MS) {
      const [program = "", ...args] = cloud.command("up");
      const child = spawn(program, args, { stdio: "ignore" });
      const ended = once(child, "exit");
      await Promise.race([delay(ms), ended]); // the moment of death is the experiment
      child.kill("SIGKILL");
      const [code] = (await ended) as [number | null];
      test.diagnostic(`killed ${ms} ms after its start${code === null ? "" : `: had ended before, with ${code}`}`);
    }
    await useCloud(INSTANCE);
    const status = await statusOf(cloud);
    assert.equal(status.up, true);
    assert.deepEqual(status.programs.map(({ name }) => name).toSorted(), PROGRAMS);
  });

  it("a second up takes less than ten seconds and changes nothing", async (test) => {
    const before = await pidsOf(cloud);
    const { ms } = JSON.parse(await cloud.andromede("up", "--json")) as { ms: number };
    test.diagnostic(`${ms} ms`);
    assert.ok(ms < 10_000, `${ms} ms`);
    assert.deepEqual(await pidsOf(cloud), before);
  });

  it("two at once take turns", async () => {
    const before = await pidsOf(cloud);
    await Promise.all([cloud.andromede("up"), cloud.andromede("up")]);
    assert.deepEqual(await pidsOf(cloud), before);
  });

  it("status says of each program its state, pid, memory and since when, and how guests are accelerated", async () => {
    const status = await statusOf(cloud);
    assert.equal(status.instance, INSTANCE);
    assert.match(status.accelerator, /^(kvm|tcg)$/);
    assert.ok(status.acceleratorReason.length > 10, status.acceleratorReason);
    for (const { name, description, state, pid, memoryMib, since, restarts, log } of status.programs) {
      assert.ok(description.length > 3, name);
      assert.equal(state, "running", name);
      assert.ok(pid !== null && existsSync(`/proc/${pid}`), name);
      assert.ok(memoryMib !== null && memoryMib > 0.5, `${name}: ${memoryMib} MiB`);
      const age = Date.now() - Date.parse(since ?? "");
      assert.ok(age > 0 && age < 3_600_000, `${name}: ${since}`);
      assert.equal(typeof restarts, "number", name);
      assert.ok(existsSync(log), log);
    }
    const sum = status.programs.reduce((total, { memoryMib }) => total + (memoryMib ?? 0), 0);
    assert.ok(Math.abs(sum - status.memoryMib) < 1);
    const text = await cloud.andromede("status");
    for (const name of PROGRAMS) assert.ok(text.includes(name), name);
    assert.ok(text.includes(status.acceleratorReason));
  });

  describe("with servers", () => {
    let api: Api;
    let scene: Scene;
    let running: string;
    let stopped: string;
    let paused: string;
    let address: string;

    before(async () => {
      scene = await makeScene(cloud, "updown", key);
      running = await startServer(cloud, scene, "updown-running");
      stopped = await startServer(cloud, scene, "updown-stopped");
      paused = await startServer(cloud, scene, "updown-paused");
      for (const id of [running, stopped, paused]) await waitForStatus(cloud, id, "ACTIVE");
      await cloud.openstack("server", "pause", paused);
      address = await giveAddress(cloud, running);
      await inGuest(key, address, "echo precious > ~/kept; sync");
      await cloud.openstack("server", "stop", stopped);
      await waitForStatus(cloud, stopped, "SHUTOFF");
      await waitForStatus(cloud, paused, "PAUSED");
      api = connectApi(cloud);
    });
    after(() => api.close());

    it("down --keep-guests and up: the guest runs on all the while, and is adopted", async () => {
      const bootId = await inGuest(key, address, BOOT_ID);
      const processes = guestsOf(cloud, running);
      await cloud.andromede("down", "--keep-guests");
      assert.equal((await statusOf(cloud)).up, false);
      assert.equal(await inGuest(key, address, BOOT_ID), bootId, "while the control plane is away");
      await cloud.andromede("up");
      await untilActive(api, running);
      assert.equal(await inGuest(key, address, BOOT_ID), bootId);
      assert.deepEqual(guestsOf(cloud, running), processes);
      await untilRemains(cloud, running, WHOLE);
      assert.equal((await see(api, stopped)).status, "SHUTOFF");
      assert.equal((await see(api, paused)).status, "PAUSED");
    });

    it("down and up: servers are again as they were wanted, their data intact", async (test) => {
      const bootId = await inGuest(key, address, BOOT_ID);
      const down = await cloud.andromede("down", "--json");
      const { steps } = JSON.parse(down) as { steps: { step: string; ms: number }[] };
      test.diagnostic(steps.map(({ step, ms }) => `${step} ${ms} ms`).join(", "));
      for (const id of [running, stopped, paused]) assert.deepEqual(guestsOf(cloud, id), []);
      assert.deepEqual(processesMentioning(`${cloud.directory}/`), []);
      assert.equal((await cloud.tryAndromede("status")).code, 3);
      await cloud.andromede("down"); // finds nothing to do
      await cloud.andromede("up");
      await untilActive(api, running);
      assert.equal(await inGuest(key, address, "cat ~/kept"), "precious");
      assert.notEqual(await inGuest(key, address, BOOT_ID), bootId);
      await untilRemains(cloud, running, WHOLE);
      assert.equal((await see(api, stopped)).status, "SHUTOFF");
      await waitForStatus(cloud, paused, "PAUSED");
      const actions: { Action: string }[] = await cloud.openstack("server", "event", "list", running, "-f", "json");
      assert.deepEqual(
        actions.map(({ Action }) => Action),
        ["create"],
        "nobody stopped or started it, as far as its customer can see",
      );
    });

    it("down after down --keep-guests shuts the guests down too", async () => {
      await cloud.andromede("down", "--keep-guests");
      assert.equal(guestsOf(cloud, running).length, 1);
      await cloud.andromede("down");
      assert.deepEqual(guestsOf(cloud, running), []);
      await cloud.andromede("up");
      await untilActive(api, running);
      assert.equal(await inGuest(key, address, "cat ~/kept"), "precious");
    });

    it("deleted servers leave nothing", async () => {
      for (const id of [running, stopped, paused]) await cloud.openstack("server", "delete", "--wait", id);
      for (const id of [running, stopped, paused]) await untilRemains(cloud, id, NOTHING);
    });
  });

  it("down --purge leaves nothing", async () => {
    await cloud.andromede("down", "--purge", "--keep-engines", "--yes");
    assert.equal(existsSync(cloud.directory), false);
    assert.deepEqual(processesMentioning(`${cloud.directory}/`), []);
    assert.equal((await cloud.tryAndromede("down")).code === 0, false, "there is no such instance any more");
  });
});
