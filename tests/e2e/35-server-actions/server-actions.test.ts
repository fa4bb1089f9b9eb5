import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";

import { waitUntil } from "@andromede/base/waiting";
import type { ApiError, Cloud as Api } from "@andromede/openstack-client/client";
import { createFlavor, deleteServer } from "@andromede/openstack-client/compute";

import { connectApi, deleteAndWait, see, untilActive } from "../support/api.ts";
import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey, portOpen } from "../support/guest.ts";
import { NOTHING, guestsOf, untilRemains } from "../support/remains.ts";
import { tryRun } from "../support/run.ts";
import { waitForStatus } from "../support/scene.ts";
import { lookAtScreen, openConsole, upgradeStatus } from "./console-client.ts";
import {
  type Guest,
  GROUP,
  KEY,
  NAMESERVER,
  type World,
  eui64,
  makeWorld,
  portsOf,
  reach,
  start,
  unmakeWorld,
  usage,
} from "./world.ts";

const json = ["-f", "json"];
const METADATA = "http://169.254.169.254/openstack/latest";
const PASSWORD = "Sesame-open-1";
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
/** Notes each of its runs on the disk. */
const SCRIPT = `#!/bin/sh\n${BOOT_ID} >>/var/lib/deeds\n`;
const zipped = gzipSync(SCRIPT);
const noise = Buffer.concat([Buffer.from([0xff, 0x00, 0xc3]), randomBytes(5000)]);

describe("a running server", () => {
  let cloud: Cloud;
  let api: Api;
  let key: Key;
  let world: World;
  let usedBefore: { [name: string]: number };
  /** Has a script as user data. */
  let first: Guest;
  /** The same network; a zipped script. */
  let second: Guest;
  /** Addresses from the config drive, and user data that is no text at all. */
  let fixed: Guest;

  before(async () => {
    cloud = await useCloud();
    api = connectApi(cloud);
    key = await makeKey();
    // the first look makes the project's default group, which then stays
    await api.call("network", "GET", "/v2.0/security-groups");
    usedBefore = await usage(api);
    world = await makeWorld(api, key);
    const common = { key_name: KEY, security_groups: [{ name: GROUP }] };
    const ids = await Promise.all([
      start(api, "deed-first", world.dual.id, {
        ...common,
        user_data: Buffer.from(SCRIPT).toString("base64"),
        metadata: { colour: "blue" },
      }),
      start(api, "deed-second", world.dual.id, { ...common, user_data: zipped.toString("base64") }),
      start(api, "deed-fixed", world.fixed.id, {
        ...common,
        config_drive: true,
        adminPass: PASSWORD,
        user_data: noise.toString("base64"),
      }),
    ]);
    [first, second, fixed] = (await Promise.all(
      ids.map((id, index) => reach(api, world, ["deed-first", "deed-second", "deed-fixed"][index] ?? "", id)),
    )) as [Guest, Guest, Guest];
  });

  const inFirst = (command: string): Promise<string> => inGuest(key, first.address, command);
  const uptimeMs = async (): Promise<number> => 1000 * Number((await inFirst("cat /proc/uptime")).split(" ")[0]);

  it("ran its user data, zipped or not, and reads its very bytes", async () => {
    for (const guest of [first, second]) {
      await waitUntil(
        "the script's note",
        async () => /^[0-9a-f-]{36}$/.test(await inGuest(key, guest.address, "cat /var/lib/deeds")),
        { timeoutMs: 60_000 },
      );
    }
    assert.match(
      await inGuest(key, second.address, `wget -qO- ${METADATA}/user_data | sha256sum`),
      new RegExp(`^${sha256(zipped)} `),
    );
    assert.match(
      await inGuest(key, second.address, "wget -qO- http://169.254.169.254/latest/user-data | sha256sum"),
      new RegExp(`^${sha256(zipped)} `),
    );
  });

  it("has the addresses that its config drive says, where nobody gives any out", async () => {
    const read =
      "sudo mkdir -p /tmp/cd && sudo mount -o ro $(sudo blkid -L config-2) /tmp/cd && cat /tmp/cd/openstack/latest/network_data.json && echo && sha256sum /tmp/cd/openstack/latest/user_data && sudo umount /tmp/cd";
    const [data = "", sum] = (await inGuest(key, fixed.address, read)).split("\n");
    const address = (await portsOf(api, fixed.id))[0]?.fixed_ips[0]?.ip_address;
    const { networks } = JSON.parse(data) as { networks: { type: string; ip_address: string; netmask: string }[] };
    assert.deepEqual(
      networks.map(({ type, ip_address, netmask }) => [type, ip_address, netmask]),
      [["ipv4", address, "255.255.252.0"]],
    );
    assert.match(sum ?? "", new RegExp(`^${sha256(noise)} `));
    const seen = await inGuest(
      key,
      fixed.address,
      "ip -4 -o addr show eth0; ip route show default; cat /etc/resolv.conf; ps | grep -c '[u]dhcpc'; true",
    );
    assert.match(seen, new RegExp(`inet ${address}/22 `));
    assert.match(seen, /default via 10\.47\.0\.1 /);
    assert.match(seen, new RegExp(`nameserver ${NAMESERVER}`));
    assert.match(seen, /^0$/m);
  });

  it("has the IPv6 address of its port, and its neighbour reaches it by both", async () => {
    const [mine] = await portsOf(api, first.id);
    const addresses = mine?.fixed_ips.map(({ ip_address }) => ip_address) ?? [];
    const v6 = eui64("fd46::", mine?.mac_address ?? "");
    const v4 = addresses.find((address) => !address.includes(":"));
    assert.ok(addresses.includes(v6), `${v6} is none of ${addresses.join(", ")}`);
    await waitUntil(
      "the announced address",
      async () => (await inFirst("ip -6 -o addr show dev eth0 scope global")).includes(`inet6 ${v6}/64`),
      { timeoutMs: 30_000 },
    );
    // the neighbour's own address may still be under test for duplicates
    await waitUntil(
      "the neighbour's address",
      async () => {
        const seen = await inGuest(key, second.address, "ip -6 -o addr show dev eth0 scope global");
        return /inet6 fd46::/.test(seen) && !/tentative/.test(seen);
      },
      { timeoutMs: 30_000 },
    );
    assert.match(
      await inGuest(key, second.address, `ping -c 2 -W 5 ${v4} && ping -6 -c 2 -W 5 ${v6}`),
      / 0% packet loss[^]* 0% packet loss/,
    );
  });

  it("sees metadata as it is set and unset", async () => {
    const seen = async (): Promise<unknown> =>
      (JSON.parse(await inFirst(`wget -qO- ${METADATA}/meta_data.json`)) as { meta?: unknown }).meta;
    assert.deepEqual(await seen(), { colour: "blue" });
    await cloud.openstack("server", "set", "--property", "shape=round", "--property", "colour=été", first.id);
    await waitUntil(
      "the new metadata",
      async () => isDeepStrictEqual(await seen(), { colour: "été", shape: "round" }),
      { timeoutMs: 20_000 },
    );
    await cloud.openstack("server", "unset", "--property", "shape", "--property", "colour", first.id);
    await waitUntil("no metadata", async () => (await seen()) === undefined, { timeoutMs: 20_000 });
  });

  it("stands still while paused", async () => {
    const uptime = await uptimeMs();
    const askedAt = performance.now();
    await cloud.openstack("server", "pause", first.id);
    await waitForStatus(cloud, first.id, "PAUSED");
    const stoodFrom = performance.now();
    assert.notEqual((await tryRun(["ping", "-c", "1", "-W", "2", first.address])).code, 0);
    assert.equal(guestsOf(cloud, first.id).length, 1);
    const refused = await cloud.tryOpenstack("server", "suspend", first.id);
    assert.match(refused.stderr, /Cannot 'suspend' instance .* while it is in vm_state paused/);
    const stoodMs = performance.now() - stoodFrom;
    assert.ok(stoodMs > 1000, `only ${stoodMs} ms`);
    await cloud.openstack("server", "unpause", first.id);
    await waitForStatus(cloud, first.id, "ACTIVE");
    const livedMs = (await uptimeMs()) - uptime;
    const passedMs = performance.now() - askedAt;
    assert.ok(
      livedMs <= passedMs - stoodMs + 50,
      `its clock went on by ${livedMs} of ${passedMs} ms, though it stood for ${stoodMs}`,
    );
  });

  it("lives on in no process and no memory while suspended", async () => {
    const bootId = await inFirst(`echo kept >/tmp/in-memory; ${BOOT_ID}`);
    const uptime = await uptimeMs();
    await cloud.openstack("server", "suspend", first.id);
    await waitForStatus(cloud, first.id, "SUSPENDED");
    assert.deepEqual(guestsOf(cloud, first.id), []);
    assert.doesNotMatch(await cloud.inNamespace("ip", "-o", "link"), new RegExp(`/${first.id}/`));
    const refused = await cloud.tryOpenstack("server", "stop", first.id);
    assert.match(refused.stderr, /Cannot 'stop' instance .* while it is in vm_state suspended/);
    await cloud.openstack("server", "resume", first.id);
    await waitForStatus(cloud, first.id, "ACTIVE");
    assert.equal(guestsOf(cloud, first.id).length, 1);
    assert.equal(await inFirst(`cat /tmp/in-memory; ${BOOT_ID}`), `kept\n${bootId}`);
    assert.ok((await uptimeMs()) > uptime);
  });

  it("reboots in order, and does not run its user data again", async () => {
    const bootId = await inFirst(`echo kept >/tmp/on-the-way; sudo sh -c 'echo kept >/var/lib/kept'; ${BOOT_ID}`);
    await cloud.openstack("server", "reboot", "--soft", "--wait", first.id);
    await waitForStatus(cloud, first.id, "ACTIVE");
    assert.notEqual(await inFirst(BOOT_ID), bootId);
    assert.match(String(await cloud.openstack("console", "log", "show", first.id)), /mini: (poweroff|reboot)/);
    await waitUntil(
      "the second boot's end",
      async () => (await inFirst("test -e /run/mini/ready && echo yes || echo no")) === "yes",
      { timeoutMs: 60_000 },
    );
    // what was done: the disk kept, the memory not, and the script's single note is of the first boot
    assert.equal(
      await inFirst("cat /var/lib/kept; ls /tmp/on-the-way 2>/dev/null; cat /var/lib/deeds"),
      `kept\n${bootId}`,
    );
  });

  it("gets interfaces plugged in and out as it runs", async () => {
    await cloud.openstack("server", "add", "network", first.id, world.spare.name);
    const { port } = await api.call<{ port: { id: string; fixed_ips: { ip_address: string }[] } }>(
      "network",
      "POST",
      "/v2.0/ports",
      {
        body: {
          port: {
            network_id: world.spare.id,
            name: "deed-port",
            fixed_ips: [{ ip_address: "10.48.0.77" }],
            security_groups: [world.groupId],
          },
        },
      },
    );
    await cloud.openstack("server", "add", "port", second.id, port.id);
    const plugged = (await portsOf(api, first.id)).find(({ network_id }) => network_id === world.spare.id);
    const address = plugged?.fixed_ips[0]?.ip_address;
    assert.ok(address);
    for (const [guest, wanted] of [
      [first, address],
      [second, "10.48.0.77"],
    ] as const) {
      await waitUntil(
        `${wanted} on eth1`,
        async () => (await inGuest(key, guest.address, "ip -4 -o addr show dev eth1")).includes(`inet ${wanted}/24`),
        { timeoutMs: 60_000 },
      );
    }
    assert.match(await inFirst("ping -c 2 -W 5 -I eth1 10.48.0.77"), / 0% packet loss/);
    const shown: { addresses: { [network: string]: string[] } } = await cloud.openstack(
      "server",
      "show",
      first.id,
      ...json,
    );
    assert.deepEqual(shown.addresses["deed-spare"], [address]);
    await cloud.openstack("server", "remove", "network", first.id, world.spare.name);
    await cloud.openstack("server", "remove", "port", second.id, port.id);
    for (const guest of [first, second]) {
      await waitUntil(
        "no eth1",
        async () => (await inGuest(key, guest.address, "ls /sys/class/net")).includes("eth1") === false,
        { timeoutMs: 60_000 },
      );
      await waitForStatus(cloud, guest.id, "ACTIVE");
    }
    // the port that the server had made goes with its interface, the customer's own stays
    const ports = (
      await api.call<{ ports: { id: string; device_id: string }[] }>("network", "GET", "/v2.0/ports", {
        query: { network_id: world.spare.id, device_owner: "" },
      })
    ).ports;
    assert.deepEqual(
      ports.map(({ id, device_id }) => [id, device_id]),
      [[port.id, ""]],
    );
    assert.equal((await portsOf(api, first.id)).length, 1);
    await api.call("network", "DELETE", `/v2.0/ports/${port.id}`);
  });

  const consoleUrl = async (kind: "--novnc" | "--serial", { id }: Guest): Promise<string> =>
    ((await cloud.openstack("console", "url", "show", kind, id, ...json)) as { url: string }).url;

  it("can be logged in to on its serial line, through a URL that works once", async () => {
    const url = await consoleUrl("--serial", fixed);
    const terminal = await openConsole(cloud, url);
    try {
      terminal.send("\r");
      await terminal.expect(/deed-fixed login: /);
      // whoever was given no password is told what every terminal says
      terminal.send("root\r");
      await terminal.expect(/Password: /);
      terminal.send("none\r");
      await terminal.expect(/Login incorrect/);
      await terminal.expect(/deed-fixed login: /);
      terminal.send("mini\r");
      await terminal.expect(/Password: /);
      terminal.send(`${PASSWORD}\r`);
      await terminal.expect(/\$ /);
      terminal.send("echo $((6 * 7)) on $(tty)\r");
      await terminal.expect(/42 on \/dev\/ttyS0/);
      terminal.send("exit\r");
      await terminal.expect(/login: /);
    } finally {
      terminal.close();
    }
    assert.equal(await upgradeStatus(cloud, url), 401);
  });

  it("shows its screen to whoever holds the URL, once, and to no stranger", async () => {
    const url = await consoleUrl("--novnc", first);
    assert.equal(
      await upgradeStatus(cloud, url.replace("/vnc?", "/serial?")),
      401,
      "a token for the screen opens no serial line",
    );
    const screen = await openConsole(cloud, url);
    try {
      const { width, height, name } = await lookAtScreen(screen);
      assert.ok(width >= 640 && height >= 400, `${width} x ${height}`);
      assert.match(name, /QEMU/);
    } finally {
      screen.close();
    }
    assert.equal(await upgradeStatus(cloud, url), 401, "used");
    const late = await consoleUrl("--novnc", first);
    await cloud.sql(
      `update console_token set expires_at = now() - interval '1 second' where server_id = '${first.id}'`,
    );
    assert.equal(await upgradeStatus(cloud, late), 401, "expired");
    assert.equal(await upgradeStatus(cloud, late.replace(/token=.*/, "token=guessed")), 401, "guessed");
    const stranger = await makeStranger(cloud);
    try {
      for (const remote_console of [
        { protocol: "vnc", type: "novnc" },
        { protocol: "serial", type: "serial" },
      ]) {
        await assert.rejects(
          stranger.api.call("compute", "POST", `/servers/${first.id}/remote-consoles`, {
            body: { remote_console },
            headers: { "openstack-api-version": "compute 2.6" },
          }),
          (error: ApiError) => error.status === 404,
        );
      }
      await assert.rejects(
        stranger.api.call("compute", "POST", `/servers/${first.id}/action`, { body: { "os-getConsoleOutput": {} } }),
        (error: ApiError) => error.status === 404,
      );
    } finally {
      await stranger.leave();
    }
  });

  it("gives as much of its console log as is asked for", async () => {
    const whole = String(await cloud.openstack("console", "log", "show", second.id)).split(/\r?\n/);
    const three = String(await cloud.openstack("console", "log", "show", "--lines", "3", second.id)).split(/\r?\n/);
    assert.ok(whole.length > 10);
    assert.ok(three.length <= 3 && three.length > 0, JSON.stringify(three));
    assert.deepEqual(three, whole.slice(-three.length));
  });

  it("is open and shut as its security groups say", async () => {
    assert.equal(await portOpen(second.address, 22), true);
    await cloud.openstack("server", "remove", "security", "group", second.id, GROUP);
    await waitUntil("the closed door", async () => !(await portOpen(second.address, 22)), { timeoutMs: 20_000 });
    await cloud.openstack("server", "add", "security", "group", second.id, GROUP);
    await waitUntil("the open door", () => portOpen(second.address, 22), { timeoutMs: 20_000 });
  });

  it("is not disturbed when its key pair goes", async () => {
    const bootId = await inFirst(BOOT_ID);
    await cloud.openstack("keypair", "delete", KEY);
    assert.equal(await inFirst(BOOT_ID), bootId);
    assert.ok((await inFirst(`wget -qO- ${METADATA}/meta_data.json`)).includes("ssh-ed25519"));
  });

  it("is left alone by its own owner while it is locked", async () => {
    await cloud.openstack("--os-compute-api-version", "2.73", "server", "lock", "--reason", "hands off", first.id);
    for (const words of [["stop"], ["delete"], ["reboot"], ["pause"]]) {
      const refused = await cloud.tryOpenstack("server", ...words, first.id);
      assert.notEqual(refused.code, 0, words.join(" "));
      assert.match(refused.stderr, /409/);
      assert.match(refused.stderr, /is locked/);
    }
    assert.equal((await see(api, first.id)).status, "ACTIVE");
    await cloud.openstack("server", "unlock", first.id);
    await cloud.openstack("server", "stop", first.id);
    await waitForStatus(cloud, first.id, "SHUTOFF");
    assert.deepEqual(guestsOf(cloud, first.id), []);
  });

  it("has a list of all that was done to it", async () => {
    const events: { Action: string; "Request ID": string }[] = await cloud.openstack(
      "server",
      "event",
      "list",
      first.id,
      ...json,
    );
    assert.deepEqual(events.map(({ Action }) => Action).toReversed(), [
      "create",
      "pause",
      "unpause",
      "suspend",
      "resume",
      "reboot",
      "attach_interface",
      "detach_interface",
      "lock",
      "unlock",
      "stop",
    ]);
    for (const { Action, "Request ID": requestId } of events) {
      const { instanceAction } = await api.call<{
        instanceAction: { message: string | null; events: { result: string | null }[] };
      }>("compute", "GET", `/servers/${first.id}/os-instance-actions/${requestId}`, {
        headers: { "openstack-api-version": "compute 2.51" },
      });
      assert.equal(instanceAction.message, null, Action);
      assert.deepEqual(
        instanceAction.events.map(({ result }) => result),
        ["Success"],
        Action,
      );
    }
  });

  it("goes while it is still being built", async () => {
    for (const wait of [false, true]) {
      const id = await start(api, "deed-brief", world.dual.id);
      if (wait) await waitUntil("a process", () => guestsOf(cloud, id).length > 0, { timeoutMs: 20_000, everyMs: 5 });
      else assert.equal((await see(api, id)).status, "BUILD");
      await deleteAndWait(api, id);
      await untilRemains(cloud, id, NOTHING);
    }
  });

  it("is in ERROR when no host can have it, and goes", async () => {
    const operator = connectApi(cloud, "andromede-operator");
    const flavor = await createFlavor(operator, { name: "deed.impossible", vcpus: 1, ram: 128, disk: 1_000_000 });
    try {
      const id = await start(api, "deed-nowhere", world.dual.id, { flavorRef: flavor.id });
      await assert.rejects(untilActive(api, id), /No valid host was found/);
      const shown: { status: string; fault: { code: number; message: string } } = await cloud.openstack(
        "server",
        "show",
        id,
        ...json,
      );
      assert.equal(shown.status, "ERROR");
      assert.equal(shown.fault.code, 500);
      assert.match(shown.fault.message, /^No valid host was found\. /);
      await cloud.openstack("server", "delete", "--wait", id);
      await untilRemains(cloud, id, NOTHING);
    } finally {
      await operator.call("compute", "DELETE", `/flavors/${flavor.id}`);
    }
  });

  it("is refused beyond the quota, clearly", async () => {
    const { projectId } = await api.session();
    const uses = (await usage(api))["totalInstancesUsed"];
    await cloud.operator("quota", "set", "--instances", String(uses), projectId);
    try {
      const refused = await cloud.tryOpenstack(
        "server",
        "create",
        "deed-surplus",
        "--image",
        "mini",
        "--flavor",
        "mini.tiny",
        "--network",
        world.dual.id,
        ...json,
      );
      assert.notEqual(refused.code, 0);
      assert.match(
        refused.stderr,
        new RegExp(
          `Quota exceeded for instances: Requested 1, but already used ${uses} of ${uses} instances.*403`,
          "s",
        ),
      );
      assert.equal((await usage(api))["totalInstancesUsed"], uses);
    } finally {
      await connectApi(cloud, "andromede-operator").call("compute", "DELETE", `/os-quota-sets/${projectId}`);
    }
  });

  it("goes in whatever state it is, and is counted no more", async () => {
    await cloud.operator("server", "set", "--state", "error", second.id);
    assert.equal((await see(api, second.id)).status, "ERROR");
    await cloud.openstack("server", "pause", fixed.id);
    await waitForStatus(cloud, fixed.id, "PAUSED");
    // without --wait: the client takes a server that is still in ERROR for one that was not deleted
    await cloud.openstack("server", "delete", first.id, second.id, fixed.id);
    for (const { id } of [first, second, fixed]) await untilRemains(cloud, id, NOTHING);
    await unmakeWorld(api, world);
    assert.deepEqual(await usage(api), usedBefore);
  });

  after(async () => {
    // only of use when a case failed on the way
    const { servers } = await api.call<{ servers: { id: string; name: string }[] }>("compute", "GET", "/servers");
    for (const { id, name } of servers) if (name.startsWith("deed-")) await deleteServer(api, id);
    api.close();
  });
});

/** A customer of another project. */
async function makeStranger(cloud: Cloud): Promise<{ api: Api; leave(): Promise<void> }> {
  const password = "Quite-another-1";
  await cloud.operator("project", "create", "deed-other", ...json);
  await cloud.operator("user", "create", "deed-other", "--password", password, ...json);
  await cloud.operator("role", "add", "--project", "deed-other", "--user", "deed-other", "member");
  const api = connectApi(cloud, "andromede", { username: "deed-other", password, project: "deed-other" });
  return {
    api,
    async leave() {
      api.close();
      await cloud.operator("user", "delete", "deed-other");
      await cloud.operator("project", "delete", "deed-other");
    },
  };
}
