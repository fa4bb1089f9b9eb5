import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey, sshCommand } from "../support/guest.ts";
import { type Scene, giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";

type Status = { programs: { name: string; state: string; pid: number | null }[] };

const VICTIMS = ["control-plane", "agent", "supervisor", "postgresql"] as const;

describe("sudden death", () => {
  let cloud: Cloud;
  let key: Key;
  let scene: Scene;
  let guest: { id: string; address: string };

  before(async () => {
    cloud = await useCloud();
    key = await makeKey();
    scene = await makeScene(cloud, "death", key);
    const id = await startServer(cloud, scene, "death-guest");
    await waitForStatus(cloud, id, "ACTIVE");
    guest = { id, address: await giveAddress(cloud, id) };
    await inGuest(key, guest.address, "true");
  });

  /** A program's pid, as `status` says. Programs of a host carry its name: `agent@host1` and the like are matched by their first part. */
  async function pidOf(name: string): Promise<number> {
    return waitUntil(
      `${name} running`,
      async () => {
        const status = JSON.parse(await cloud.andromede("status", "--json")) as Status;
        const program = status.programs.find((one) => one.name === name || one.name.includes(name));
        return program?.state === "running" && program.pid !== null ? program.pid : undefined;
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
  }

  async function kill(name: string): Promise<number> {
    const pid = await pidOf(name);
    process.kill(pid, "SIGKILL");
    return pid;
  }

  const uptime = async (): Promise<number> => Number((await inGuest(key, guest.address, "cut -d' ' -f1 /proc/uptime")).trim());

  for (const victim of VICTIMS) {
    it(`of ${victim}: a server being created becomes ACTIVE by itself`, async () => {
      const id = await startServer(cloud, scene, `death-of-${victim}`);
      const killed = await kill(victim);
      await waitUntil(`another ${victim}`, async () => (await pidOf(victim)) !== killed, { timeoutMs: 60_000 });
      await waitForStatus(cloud, id, "ACTIVE");
      await cloud.openstack("server", "delete", "--wait", id);
    });

    it(`of ${victim}: a running guest does not notice`, async () => {
      const session = openSession(key, guest.address);
      await session.said(1);
      const before = await uptime();
      const killed = await kill(victim);
      await waitUntil(`another ${victim}`, async () => (await pidOf(victim)) !== killed, { timeoutMs: 60_000 });
      await waitForStatus(cloud, guest.id, "ACTIVE");
      const alreadySaid = session.count();
      await session.said(alreadySaid + 3);
      session.end();
      assert.ok((await uptime()) > before, "the guest kept its uptime");
    });
  }

  after(async () => {
    await cloud.openstack("server", "delete", "--wait", guest.id);
    const addresses: { ID: string }[] = await cloud.openstack("floating", "ip", "list", "-f", "json");
    for (const { ID } of addresses) await cloud.openstack("floating", "ip", "delete", ID);
    await scene.clean();
  });
});

/** One TCP connection for as long as it lasts: the guest says a line every half second. */
function openSession(key: Key, address: string) {
  const [program = "", ...args] = sshCommand(key, address, "while true; do echo tick; sleep 0.5; done");
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  let lines = 0;
  let ended = false;
  child.stdout.on("data", (chunk: Buffer) => {
    lines += chunk.toString().split("tick").length - 1;
  });
  child.once("close", () => {
    ended = true;
  });
  return {
    count: () => lines,
    said: (wanted: number) =>
      waitUntil(
        `${wanted} lines from the session`,
        () => {
          if (lines >= wanted) return true;
          return ended ? undefined : false;
        },
        { timeoutMs: 60_000 },
      ),
    end: () => void child.kill("SIGTERM"),
  };
}
