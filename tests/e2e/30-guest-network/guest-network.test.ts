import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey, portOpen } from "../support/guest.ts";
import { tryRun } from "../support/run.ts";
import { type Scene, giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";

const json = ["-f", "json"];

describe("a guest's network", () => {
  let cloud: Cloud;
  let key: Key;
  let scene: Scene;
  const servers: { [name: string]: { id: string; address: string } } = {};

  before(async () => {
    cloud = await useCloud();
    key = await makeKey();
    scene = await makeScene(cloud, "wire", key, "10.0.0.0/24");
    for (const [name, more] of [
      ["wire-metadata", []],
      ["wire-drive", ["--config-drive", "true"]],
    ] as const) {
      const id = await startServer(cloud, scene, name, ...more);
      servers[name] = { id, address: "" };
    }
    for (const server of Object.values(servers)) {
      await waitForStatus(cloud, server.id, "ACTIVE");
      server.address = await giveAddress(cloud, server.id);
    }
  });

  const serverOf = (name: string): { id: string; address: string } => {
    const server = servers[name];
    assert.ok(server);
    return server;
  };

  it("has the address its port says, by DHCP", async () => {
    const { id, address } = serverOf("wire-metadata");
    const ports: { "Fixed IP Addresses": { ip_address: string }[] }[] = await cloud.openstack(
      "port",
      "list",
      "--server",
      id,
      ...json,
    );
    const fixed = ports[0]?.["Fixed IP Addresses"][0]?.ip_address;
    assert.match(await inGuest(key, address, "ip -4 -o addr show scope global"), new RegExp(`inet ${fixed}/24`));
    assert.match(await inGuest(key, address, "ps"), /udhcpc.*eth0/);
  });

  it("learns who it is from the metadata service", async () => {
    const { id, address } = serverOf("wire-metadata");
    assert.equal(await inGuest(key, address, "hostname"), "wire-metadata");
    const text = await inGuest(key, address, "wget -qO- http://169.254.169.254/openstack/latest/meta_data.json");
    assert.equal((JSON.parse(text) as { uuid: string }).uuid, id);
    assert.match(await inGuest(key, address, "wget -qO- http://169.254.169.254/latest/meta-data/instance-id"), /^i-/);
    assert.equal(await inGuest(key, address, "blkid -L config-2 || echo none"), "none");
  });

  it("learns who it is from the config drive", async () => {
    const { id, address } = serverOf("wire-drive");
    assert.equal(await inGuest(key, address, "hostname"), "wire-drive");
    const read =
      "sudo mkdir -p /tmp/cd && sudo mount -o ro $(sudo blkid -L config-2) /tmp/cd && cat /tmp/cd/openstack/latest/meta_data.json && sudo umount /tmp/cd";
    assert.equal((JSON.parse(await inGuest(key, address, read)) as { uuid: string }).uuid, id);
  });

  it("has no door that no rule opens", async () => {
    const { id, address } = serverOf("wire-metadata");
    await inGuest(
      key,
      address,
      "(while true; do echo hello | nc -l -p 8080; done) >/dev/null 2>&1 & sleep 0; echo started",
    );
    assert.equal(await portOpen(address, 22), true);
    assert.equal(await portOpen(address, 8080), false);
    const rule: { id: string } = await cloud.openstack(
      "security",
      "group",
      "rule",
      "create",
      "wire-group",
      "--protocol",
      "tcp",
      "--dst-port",
      "8080",
      ...json,
    );
    await waitUntil("the opened door", () => portOpen(address, 8080), { timeoutMs: 20_000 });
    await cloud.openstack("security", "group", "rule", "delete", rule.id);
    await waitUntil("the closed door", async () => !(await portOpen(address, 8080)), { timeoutMs: 20_000 });
    assert.ok(id);
  });

  it("answers at its floating address from the machine", async () => {
    const { address } = serverOf("wire-drive");
    assert.equal((await tryRun(["ping", "-c", "2", "-W", "3", address])).code, 0);
  });

  it("does not see another customer's 10.0.0.0/24", async () => {
    const other = await secondCustomer(cloud);
    try {
      await other.openstack("network", "create", "wire-net", ...json);
      await other.openstack(
        "subnet",
        "create",
        "wire-subnet",
        "--network",
        "wire-net",
        "--subnet-range",
        "10.0.0.0/24",
        ...json,
      );
      const first: { "Fixed IP Addresses": { ip_address: string }[] }[] = await cloud.openstack(
        "port",
        "list",
        "--server",
        serverOf("wire-metadata").id,
        ...json,
      );
      const taken = first[0]?.["Fixed IP Addresses"][0]?.ip_address ?? "";
      await other.openstack(
        "port",
        "create",
        "twin",
        "--network",
        "wire-net",
        "--fixed-ip",
        `ip-address=${taken}`,
        "--disable-port-security",
        "--no-security-group",
        ...json,
      );
      const twin: { id: string } = await other.openstack(
        "server",
        "create",
        "wire-twin",
        "--image",
        "mini",
        "--flavor",
        "mini.tiny",
        "--port",
        "twin",
        "--wait",
        ...json,
      );
      const neighbour = serverOf("wire-drive");
      const fixed: { "Fixed IP Addresses": { ip_address: string }[] }[] = await cloud.openstack(
        "port",
        "list",
        "--server",
        neighbour.id,
        ...json,
      );
      const mine = fixed[0]?.["Fixed IP Addresses"][0]?.ip_address ?? "";
      // the same address, twice: my neighbour reaches mine, which says who it is; the twin's network has nobody at my neighbour's address
      await waitUntil(
        "the twin's console",
        async () => /mini: ready/.test(String(await other.openstack("console", "log", "show", twin.id))),
        { timeoutMs: 120_000 },
      );
      const told = await inGuest(
        key,
        neighbour.address,
        `ping -c 1 -W 2 ${taken} >/dev/null && grep -w ${taken} /proc/net/arp`,
      );
      const macs: { mac_address: string }[] = [
        await cloud.openstack("port", "show", await portOf(cloud, serverOf("wire-metadata").id), ...json),
      ];
      assert.match(told, new RegExp(macs[0]?.mac_address ?? "none", "i"));
      assert.notEqual(mine, "");
      const foreign = await other.tryOpenstack("server", "show", neighbour.id, ...json);
      assert.notEqual(foreign.code, 0);
      assert.match(foreign.stderr, /No server|could not be found|404/i);
      await other.openstack("server", "delete", "--wait", "wire-twin");
    } finally {
      await other.leave();
    }
  });

  after(async () => {
    for (const { id } of Object.values(servers)) await cloud.openstack("server", "delete", "--wait", id);
    const addresses: { ID: string }[] = await cloud.openstack("floating", "ip", "list", ...json);
    for (const { ID } of addresses) await cloud.openstack("floating", "ip", "delete", ID);
    await scene.clean();
  });
});

async function portOf(cloud: Cloud, serverId: string): Promise<string> {
  const ports: { ID: string }[] = await cloud.openstack("port", "list", "--server", serverId, ...json);
  return ports[0]?.ID ?? "";
}

/** Another customer, made by the operator; `leave` takes everything of theirs away. */
async function secondCustomer(cloud: Cloud) {
  const password = "Quite-another-1";
  await cloud.operator("project", "create", "wire-other", ...json);
  await cloud.operator("user", "create", "wire-other", "--password", password, ...json);
  await cloud.operator("role", "add", "--project", "wire-other", "--user", "wire-other", "member");
  const shell = await cloud.andromede("env");
  const exported = Object.fromEntries(
    [...shell.matchAll(/^export (OS_\w+)=['"]?([^'"\n]*)['"]?$/gm)].map((found) => [found[1] ?? "", found[2] ?? ""]),
  );
  const env: { [name: string]: string } = {
    ...exported,
    OS_USERNAME: "wire-other",
    OS_PASSWORD: password,
    OS_PROJECT_NAME: "wire-other",
  };
  return {
    openstack: (...args: string[]) => cloud.openstackAs(env, ...args),
    tryOpenstack: (...args: string[]) => tryRun(["openstack", ...args], { env }),
    async leave() {
      await tryRun(["openstack", "server", "delete", "--wait", "wire-twin"], { env });
      await tryRun(["openstack", "port", "delete", "twin"], { env });
      await tryRun(["openstack", "network", "delete", "wire-net"], { env });
      await cloud.operator("user", "delete", "wire-other");
      await cloud.operator("project", "delete", "wire-other");
    },
  };
}
