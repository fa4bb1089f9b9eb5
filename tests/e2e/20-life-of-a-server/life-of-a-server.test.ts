import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Cloud, DATA, processesMentioning, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { run } from "../support/run.ts";

describe("the life of a server", () => {
  let cloud: Cloud;
  let key: Key;
  let address: string;
  let server: { id: string };
  let portId: string;
  const json = ["-f", "json"];
  before(async () => {
    cloud = await useCloud();
    key = await makeKey();
  });

  it("gives a token", async () => {
    const token: { id: string; expires: string } = await cloud.openstack("token", "issue", ...json);
    assert.ok(token.id.length > 100);
    assert.ok(Date.parse(token.expires) > Date.now());
  });

  it("makes an image from a file", async () => {
    const file = `${DATA}/built-images/mini.qcow2`;
    const image: { status: string; id: string; size: number } = await cloud.openstack(
      "image",
      "create",
      "life-image",
      "--file",
      file,
      "--disk-format",
      "qcow2",
      "--container-format",
      "bare",
      ...json,
    );
    const shown: { status: string; size: number; checksum: string } = await cloud.openstack(
      "image",
      "show",
      image.id,
      ...json,
    );
    assert.equal(shown.status, "active");
    const sums = await run(["md5sum", file]);
    assert.equal(shown.checksum, sums.split(" ")[0]);
  });

  it("makes a network with a way out, a rule and a key pair", async () => {
    await cloud.openstack("network", "create", "life-net", ...json);
    await cloud.openstack(
      "subnet",
      "create",
      "life-subnet",
      "--network",
      "life-net",
      "--subnet-range",
      "10.44.0.0/24",
      ...json,
    );
    await cloud.openstack("router", "create", "life-router", ...json);
    await cloud.openstack("router", "set", "life-router", "--external-gateway", "public");
    await cloud.openstack("router", "add", "subnet", "life-router", "life-subnet");
    await cloud.openstack("security", "group", "create", "life-ssh", ...json);
    await cloud.openstack(
      "security",
      "group",
      "rule",
      "create",
      "life-ssh",
      "--protocol",
      "tcp",
      "--dst-port",
      "22",
      "--ingress",
      ...json,
    );
    await cloud.openstack("keypair", "create", "life-key", "--public-key", key.publicFile, ...json);
  });

  it("boots a server and reaches it by a floating address", async () => {
    server = await cloud.openstack(
      "server",
      "create",
      "life-server",
      "--image",
      "life-image",
      "--flavor",
      "mini.tiny",
      "--network",
      "life-net",
      "--key-name",
      "life-key",
      "--security-group",
      "life-ssh",
      "--wait",
      ...json,
    );
    const ports: { ID: string }[] = await cloud.openstack("port", "list", "--server", "life-server", ...json);
    assert.equal(ports.length, 1);
    portId = ports[0]?.ID ?? "";
    const floating: { floating_ip_address: string } = await cloud.openstack(
      "floating",
      "ip",
      "create",
      "public",
      ...json,
    );
    address = floating.floating_ip_address;
    await cloud.openstack("server", "add", "floating", "ip", "life-server", address);
    assert.equal(await inGuest(key, address, "hostname"), "life-server");
  });

  it("shows the console", async () => {
    const text: string = await cloud.openstack("console", "log", "show", "life-server");
    assert.match(String(text), /mini: ready/);
  });

  const bootId = (): Promise<string> => inGuest(key, address, "cat /proc/sys/kernel/random/boot_id");
  const becomes = (status: string): Promise<unknown> =>
    waitUntil(
      `server ${status}`,
      async () => {
        const shown: { status: string; "OS-EXT-STS:task_state": string | null } = await cloud.openstack(
          "server",
          "show",
          "life-server",
          ...json,
        );
        assert.notEqual(shown.status, "ERROR");
        return shown.status === status && [null, "None"].includes(shown["OS-EXT-STS:task_state"]);
      },
      { timeoutMs: 120_000, everyMs: 500 },
    );

  it("stops and starts", async () => {
    const first = await bootId();
    await cloud.openstack("server", "stop", "life-server");
    await becomes("SHUTOFF");
    assert.deepEqual(qemuOf(server.id), []);
    await cloud.openstack("server", "start", "life-server");
    await becomes("ACTIVE");
    assert.notEqual(await bootId(), first);
  });

  it("reboots hard", async () => {
    const first = await bootId();
    await cloud.openstack("server", "reboot", "--hard", "--wait", "life-server");
    await becomes("ACTIVE");
    await waitUntil("another boot", async () => (await bootId()) !== first, { timeoutMs: 120_000, everyMs: 500 });
  });

  it("goes without a trace", async () => {
    await cloud.openstack("server", "delete", "--wait", "life-server");
    assert.deepEqual(processesMentioning(server.id), []);
    assert.equal(await cloud.nbctl("--bare", "--columns=name", "find", "Logical_Switch_Port", `name=${portId}`), "");
    assert.doesNotMatch(await cloud.nbctl("show"), new RegExp(portId));
    assert.doesNotMatch(await cloud.vsctl("--columns=name,external_ids", "list", "Interface"), new RegExp(portId));
    assert.doesNotMatch(await cloud.inNamespace("ip", "-o", "link"), new RegExp(`tap${portId.slice(0, 11)}`));
    // the ledger remembers for an hour that this guest is gone, so that no late order brings it back
    const files = await run([
      "find",
      `${cloud.directory}/hosts`,
      `${cloud.directory}/run`,
      "-name",
      `*${server.id}*`,
      "-not",
      "-path",
      "*/ledger/*",
    ]);
    assert.equal(files, "");
    const ports: unknown[] = await cloud.openstack("port", "list", "--device-id", server.id, ...json);
    assert.deepEqual(ports, []);
  });

  after(async () => {
    if (address !== undefined) await cloud.openstack("floating", "ip", "delete", address);
    await cloud.openstack("router", "unset", "--external-gateway", "life-router");
    await cloud.openstack("router", "remove", "subnet", "life-router", "life-subnet");
    await cloud.openstack("router", "delete", "life-router");
    await cloud.openstack("network", "delete", "life-net");
    await cloud.openstack("security", "group", "delete", "life-ssh");
    await cloud.openstack("keypair", "delete", "life-key");
    await cloud.openstack("image", "delete", "life-image");
    assert.doesNotMatch(await cloud.nbctl("show"), /life-/);
  });

  const qemuOf = (id: string): number[] => processesMentioning(id).filter((pid) => pid > 0);
});
