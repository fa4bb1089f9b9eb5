import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, before, describe, it } from "node:test";

import { type Cloud, DATA, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { type Scene, giveAddress, makeScene, waitForStatus } from "../support/scene.ts";

const json = ["-f", "json"];
const BOOT_MS = 600_000;

describe("Debian as a guest", () => {
  let cloud: Cloud;
  let key: Key;
  let scene: Scene;
  let id: string;
  let address: string;

  /** As user debian; waits for the first boot's end. */
  const inDebian = (command: string): Promise<string> =>
    inGuest(key, address, command, { user: "debian", timeoutMs: BOOT_MS });
  async function timed<T>(context: TestContext, what: string, work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work;
    context.diagnostic(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return result;
  }

  before(async () => {
    cloud = await useCloud();
    key = await makeKey();
    scene = await makeScene(cloud, "debian", key, "10.49.0.0/24");
  });

  it("is built, and taken in as an image", async (context) => {
    await timed(context, "build", cloud.andromede("image", "build", "debian-13"));
    const image: { id: string } = await timed(
      context,
      "upload",
      cloud.openstack(
        "image",
        "create",
        "debian-image",
        "--file",
        join(DATA, "built-images/debian-13.qcow2"),
        "--disk-format",
        "qcow2",
        "--container-format",
        "bare",
        ...json,
      ),
    );
    const shown: { status: string } = await cloud.openstack("image", "show", image.id, ...json);
    assert.equal(shown.status, "active");
  });

  it("boots to the SSH prompt of user debian", async (context) => {
    const userData = join(mkdtempSync(join(tmpdir(), "andromede-debian-")), "user-data");
    writeFileSync(userData, "#cloud-config\nwrite_files:\n- path: /etc/from-the-customer\n  content: |\n    bonjour\n");
    const server: { id: string } = await cloud.openstack(
      "server",
      "create",
      "debian-server",
      "--image",
      "debian-image",
      "--flavor",
      "SCS-1L-1-5",
      "--network",
      scene.networkName,
      "--key-name",
      `${scene.name}-key`,
      "--security-group",
      `${scene.name}-group`,
      "--user-data",
      userData,
      ...json,
    );
    id = server.id;
    await waitForStatus(cloud, id, "ACTIVE");
    address = await giveAddress(cloud, id);
    assert.equal(await timed(context, "first login after ACTIVE", inDebian("id -un")), "debian");
  });

  it("is what cloud-init was told", async (context) => {
    const status = await timed(
      context,
      "the rest of cloud-init",
      inDebian("cloud-init status --wait --long; cloud-id"),
    );
    assert.match(status, /^status: done$/m);
    assert.match(status, /^openstack$/m);
    assert.equal(
      await inDebian("hostname; cat /etc/from-the-customer; sudo -n id -un"),
      "debian-server\nbonjour\nroot",
    );
    const ports: { "Fixed IP Addresses": { ip_address: string }[] }[] = await cloud.openstack(
      "port",
      "list",
      "--server",
      id,
      ...json,
    );
    const fixed = ports[0]?.["Fixed IP Addresses"][0]?.ip_address;
    assert.match(await inDebian("ip -4 -o addr show scope global"), new RegExp(`inet ${fixed}/24`));
    assert.match(
      String(await cloud.openstack("console", "log", "show", id)),
      /debian-server login:|Cloud-init .* finished/,
    );
  });

  it("has the whole disk of its flavor", async () => {
    const [disk = 0, root = 0] = (
      await inDebian("sudo blockdev --getsize64 /dev/vda; df --output=size -B1 / | tail -1")
    )
      .split("\n")
      .map(Number);
    assert.equal(disk, 5 * 2 ** 30);
    assert.ok(root > 4.6 * 2 ** 30, `the root file system has ${root} bytes`);
  });

  it("shuts down in order when its power button is pressed", async (context) => {
    await cloud.openstack("server", "stop", id);
    await timed(context, "shutdown", waitForStatus(cloud, id, "SHUTOFF"));
    assert.match(String(await cloud.openstack("console", "log", "show", id)), /reboot: Power down|systemd-shutdown/);
  });

  after(async () => {
    if (id !== undefined) await cloud.openstack("server", "delete", "--wait", id);
    if (address !== undefined) await cloud.openstack("floating", "ip", "delete", address);
    await cloud.openstack("image", "delete", "debian-image");
    await scene.clean();
  });
});
