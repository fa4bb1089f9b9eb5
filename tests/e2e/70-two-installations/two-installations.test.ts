import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { type Cloud, describeCloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { pidsOf } from "../support/programs.ts";
import { guestsOf } from "../support/remains.ts";
import { run, tryRun } from "../support/run.ts";
import { giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";

type Installed = { cloud: Cloud; id: string; address: string; slot: number };

const INSTANCES = ["cloudwatt", "numergy"];
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

const slotOf = (cloud: Cloud): number =>
  (JSON.parse(readFileSync(join(cloud.directory, "config.json"), "utf8")) as { slot: number }).slot;

/** Whatever of the machine still speaks of an instance: each line says what and where. */
async function tracesOf({ cloud, slot }: Pick<Installed, "cloud" | "slot">): Promise<string[]> {
  const named = new RegExp(
    `\\b${cloud.instance}(\\b|-host)|\\ban${slot}-\\d+\\b|\\bandromede_${slot}\\b|172\\.24\\.${slot}\\.`,
  );
  const commands = [
    ["ip", "netns", "list"],
    ["ip", "-o", "link"],
    ["ip", "-o", "address"],
    ["ip", "route", "show", "table", "all"],
    ["ip", "rule"],
    ["mount"],
    ["nft", "list", "ruleset"],
    ["iptables-save"],
    ["getent", "passwd"],
    ["getent", "group"],
    ["find", "/run", "/tmp", "/var/tmp", "/etc", "/dev/shm", "/sys/fs/cgroup", "-xdev", "-name", `*${cloud.instance}*`],
  ];
  const said = await Promise.all(
    commands.map(async (command) => {
      const { stdout } = await tryRun(command);
      return stdout
        .split("\n")
        .filter((line) => named.test(line))
        .map((line) => `${command[0]}: ${line}`);
    }),
  );
  return [...said.flat(), ...processesOf(cloud, slot)];
}

/** By directory, by name of a guest, by namespace and by user id: 65,536 a slot. */
function processesOf(cloud: Cloud, slot: number): string[] {
  const first = 1_900_000_000 + slot * 65_536;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        if (words === "") return []; // dead, and not yet taken note of by its parent
        const { uid } = statSync(`/proc/${pid}`);
        const mine = uid >= first && uid < first + 65_536;
        return mine || words.includes(`${cloud.directory}/`) || words.includes(`=${cloud.instance}/host1/`)
          ? [`process ${pid}: ${words}`]
          : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}

describe("two installations on one machine", () => {
  let key: Key;
  const clouds: Installed[] = [];

  before(async () => {
    key = await makeKey();
    // both at once: they share the engine root and choose what must not be the same
    const up = await Promise.all(INSTANCES.map((instance) => useCloud(instance)));
    for (const cloud of up) {
      // the same addresses on both sides
      const scene = await makeScene(cloud, cloud.instance, key, "10.0.0.0/24");
      const id = await startServer(cloud, scene, `${cloud.instance}-server`);
      await waitForStatus(cloud, id, "ACTIVE");
      clouds.push({ cloud, id, address: await giveAddress(cloud, id), slot: slotOf(cloud) });
    }
  });

  it("both serve", async () => {
    for (const { cloud, address } of clouds)
      assert.equal(await inGuest(key, address, "hostname"), `${cloud.instance}-server`);
  });

  it("share nothing that they could take from each other", () => {
    assert.notEqual(clouds[0]?.slot, clouds[1]?.slot);
    const ports = clouds.map(
      ({ cloud }) =>
        (
          JSON.parse(readFileSync(join(cloud.directory, "config.json"), "utf8")) as {
            ports: { [listener: string]: number };
          }
        ).ports,
    );
    assert.equal(new Set(ports.flatMap((each) => Object.values(each))).size, 8);
  });

  it("an installation elsewhere on the machine cannot take the name of one that is there, and harms nothing in trying", async () => {
    const [first] = clouds;
    assert.ok(first);
    const elsewhere = `${first.cloud.directory}/../elsewhere`;
    const before = await pidsOf(first.cloud);
    const [program = ""] = first.cloud.command("up");
    const words = ["--instance", first.cloud.instance, "--data", elsewhere];
    const refused = await tryRun([program, "up", ...words]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /has an instance named cloudwatt already/);
    assert.notEqual((await tryRun([program, "down", "--purge", "--yes", ...words])).code, 0);
    assert.equal(existsSync(elsewhere), false);
    assert.deepEqual(await pidsOf(first.cloud), before);
    assert.equal(await inGuest(key, first.address, "hostname"), "cloudwatt-server");
  });

  it("the purge of one leaves the other alone, and nothing of itself", async () => {
    const [gone, stays] = clouds;
    assert.ok(gone && stays);
    assert.notDeepEqual(await tracesOf(gone), [], "there is something to be found");
    const bootId = await inGuest(key, stays.address, BOOT_ID);
    const [pids, guests] = [await pidsOf(stays.cloud), guestsOf(stays.cloud, stays.id)];
    await gone.cloud.andromede("down", "--purge", "--yes");
    assert.deepEqual(await tracesOf(gone), []);
    assert.equal(existsSync(gone.cloud.directory), false);
    assert.equal(await inGuest(key, stays.address, BOOT_ID), bootId);
    assert.deepEqual(await pidsOf(stays.cloud), pids, "none of the other's programs was started again");
    assert.deepEqual(guestsOf(stays.cloud, stays.id), guests);
    await run(["ping", "-c", "1", "-W", "5", stays.address]);
  });

  it("the name is free again", async () => {
    const [gone] = clouds;
    assert.ok(gone);
    await gone.cloud.andromede("up");
    await gone.cloud.andromede("down", "--purge", "--keep-engines", "--yes");
  });

  it("the purge of the other leaves nothing either", async () => {
    const stays = clouds[1];
    assert.ok(stays);
    await stays.cloud.andromede("down", "--purge", "--keep-engines", "--yes");
    assert.deepEqual(await tracesOf(stays), []);
  });

  after(async () => {
    for (const instance of INSTANCES) {
      const cloud = describeCloud(instance);
      if (existsSync(join(cloud.directory, "config.json")))
        await cloud.andromede("down", "--purge", "--keep-engines", "--yes");
    }
  });
});
