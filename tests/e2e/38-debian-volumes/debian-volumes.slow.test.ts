/** Volumes as a real guest sees them: Debian boots from one, and what it wrote is what it reads, whatever is done to them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { connectApi } from "../support/api.ts";
import { type Cloud, DATA, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { tryRun } from "../support/run.ts";
import { type Scene, giveAddress, makeScene, waitForStatus } from "../support/scene.ts";

const json = ["-f", "json"];
const BOOT_MS = 600_000;
/** What a raw look at the disks must not find. */
const MARKER = "Liberte-Egalite-Fraternite-0123456789";
const GIB = 2 ** 30;

type Volume = { id: string; status: string };

describe("Debian on volumes", () => {
  let cloud: Cloud;
  let key: Key;
  let scene: Scene;
  let id: string;
  let address: string;
  let sums: string;

  const inDebian = (command: string): Promise<string> =>
    inGuest(key, address, command, { user: "debian", timeoutMs: BOOT_MS });
  const volumeIn = (name: string, status: string): Promise<string> =>
    waitUntil(
      `volume ${name} ${status}`,
      async () => {
        const volume: Volume = await cloud.openstack("volume", "show", name, ...json);
        assert.notEqual(volume.status, "error", name);
        return volume.status === status ? volume.id : undefined;
      },
      { timeoutMs: 300_000, everyMs: 500 },
    );
  const statusIn = (kind: string[], name: string, status: string): Promise<boolean> =>
    waitUntil(
      `${kind.join(" ")} ${name} ${status}`,
      async () => {
        const shown: { status: string } = await cloud.openstack(...kind, "show", name, ...json);
        assert.notEqual(shown.status, "error", name);
        return shown.status === status;
      },
      { timeoutMs: 300_000, everyMs: 500 },
    );
  /** The guest's name of a volume, by its serial. */
  const deviceOf = async (name: string): Promise<string> => {
    const volume: Volume = await cloud.openstack("volume", "show", name, ...json);
    const found = await inDebian(`readlink -f /dev/disk/by-id/virtio-${volume.id.slice(0, 20)}`);
    assert.match(found, /^\/dev\/vd[a-z]+$/);
    return found;
  };
  /** The file of the volume that the server boots from. */
  const rootFile = async (): Promise<string> => {
    const shown: { attachments: { device: string; server_id: string }[]; id: string }[] = await Promise.all(
      ((await cloud.openstack("volume", "list", ...json)) as { ID: string }[]).map(({ ID }) =>
        cloud.openstack("volume", "show", ID, ...json),
      ),
    );
    const own = shown.filter(({ attachments }) =>
      attachments.some((one) => one.server_id === id && one.device === "/dev/vda"),
    );
    assert.equal(own.length, 1);
    return join(cloud.directory, "volumes", `${own[0]?.id}.qcow2`);
  };
  const attach = async (name: string): Promise<string> => {
    await cloud.openstack("server", "add", "volume", id, name, ...json);
    await volumeIn(name, "in-use");
    return deviceOf(name);
  };
  const detach = async (name: string): Promise<void> => {
    await cloud.openstack("server", "remove", "volume", id, name);
    await volumeIn(name, "available");
  };
  const sumsOn = (device: string): Promise<string> =>
    inDebian(
      `sudo mkdir -p /look && sudo mount ${device} /look && (cd /look && sudo sha256sum letters numbers); sudo umount /look`,
    );

  before(async () => {
    cloud = await useCloud();
    key = await makeKey();
    scene = await makeScene(cloud, "volumes", key, "10.50.0.0/24");
    await cloud.andromede("image", "build", "debian-13");
    const file = join(DATA, "built-images/debian-13.qcow2");
    const from = ["--file", file, "--disk-format", "qcow2", "--container-format", "bare"];
    await cloud.openstack("image", "create", "volumes-debian", ...from, ...json);
  });

  it("boots from an encrypted volume", async () => {
    const server: { id: string } = await cloud.openstack(
      "server",
      "create",
      "volumes-server",
      "--image",
      "volumes-debian",
      "--boot-from-volume",
      "5",
      "--flavor",
      "SCS-1L-1",
      "--network",
      scene.networkName,
      "--key-name",
      `${scene.name}-key`,
      "--security-group",
      `${scene.name}-group`,
      ...json,
    );
    id = server.id;
    await waitForStatus(cloud, id, "ACTIVE", 300_000);
    address = await giveAddress(cloud, id);
    assert.equal(await inDebian("id -un"), "debian");
    await inDebian("cloud-init status --wait >/dev/null; true");
    const info = await cloud.engine("qemu-img", "info", "-U", "--output=json", await rootFile());
    assert.match(info, /"encrypted": true/);
  });

  it("gets a second volume while it runs, and makes a file system on it", async () => {
    await cloud.openstack("volume", "create", "volumes-data", "--size", "1", ...json);
    await volumeIn("volumes-data", "available");
    const device = await attach("volumes-data");
    await inDebian(`sudo mkfs.ext4 -q ${device} && sudo mkdir -p /data && sudo mount ${device} /data`);
    await inDebian(
      `sudo sh -c 'yes ${MARKER} | head -c 20000000 > /data/letters; head -c 20000000 /dev/urandom > /data/numbers; sync'`,
    );
    sums = await inDebian("cd /data && sudo sha256sum letters numbers");
  });

  it("is snapshotted while it writes, and the snapshot has what was there", async () => {
    await inDebian(
      "sudo systemd-run --unit=writer sh -c 'while :; do head -c 4000000 /dev/urandom > /data/more; sync; done' 2>&1",
    );
    await cloud.openstack(
      "volume",
      "snapshot",
      "create",
      "volumes-snap",
      "--volume",
      "volumes-data",
      "--force",
      ...json,
    );
    await statusIn(["volume", "snapshot"], "volumes-snap", "available");
    await cloud.openstack("volume", "create", "volumes-copy", "--snapshot", "volumes-snap", ...json);
    await volumeIn("volumes-copy", "available");
    await inDebian("sudo systemctl stop writer");
    assert.equal(await sumsOn(await attach("volumes-copy")), sums);
    await detach("volumes-copy");
    assert.equal(await inDebian("cd /data && sudo sha256sum letters numbers"), sums);
  });

  it("sees the volume grow", async () => {
    const device = await deviceOf("volumes-data");
    await cloud.openstack("--os-volume-api-version", "3.42", "volume", "set", "--size", "2", "volumes-data");
    await waitUntil(
      "the guest to see it",
      async () => Number(await inDebian(`sudo blockdev --getsize64 ${device}`)) === 2 * GIB,
      { timeoutMs: 60_000, everyMs: 500 },
    );
    await inDebian(`sudo resize2fs ${device} 2>&1`);
    assert.ok(Number(await inDebian("df --output=size -B1 /data | tail -1")) > 1.8 * GIB);
    assert.equal(await inDebian("cd /data && sudo sha256sum letters numbers"), sums);
  });

  it("is resized, and has it all", async () => {
    await cloud.openstack("server", "resize", "--flavor", "SCS-1V-2", id);
    await waitForStatus(cloud, id, "VERIFY_RESIZE", BOOT_MS);
    await cloud.openstack("server", "resize", "confirm", id);
    await waitForStatus(cloud, id, "ACTIVE");
    assert.ok(Number(await inDebian("awk '/MemTotal/ {print $2}' /proc/meminfo")) > 1_700_000);
    assert.equal(await sumsOn(await deviceOf("volumes-data")), sums);
  });

  it("is rebuilt in the volume it boots from: that is new, and the other as it was", async () => {
    const file = await rootFile();
    await inDebian("sudo touch /kept && sync");
    const before = await inDebian("cat /etc/ssh/ssh_host_ed25519_key.pub");
    const image: { id: string } = await cloud.openstack("image", "show", "volumes-debian", ...json);
    // Debian's client knows 2.92 at most.
    await connectApi(cloud).call("compute", "POST", `/servers/${id}/action`, {
      body: { rebuild: { imageRef: image.id } },
      headers: { "openstack-api-version": "compute 2.93" },
    });
    await waitForStatus(cloud, id, "ACTIVE", BOOT_MS);
    assert.equal(await rootFile(), file, "the same volume");
    assert.equal(await inDebian("test -e /kept -o -e /look && echo old || echo new"), "new");
    await inDebian("cloud-init status --wait >/dev/null; true");
    assert.notEqual(await inDebian("cat /etc/ssh/ssh_host_ed25519_key.pub"), before);
    assert.equal(await sumsOn(await deviceOf("volumes-data")), sums);
    assert.match(await cloud.engine("qemu-img", "info", "-U", "--output=json", file), /"encrypted": true/);
  });

  it("is backed up, whole and then what changed, and restored", async () => {
    await cloud.openstack("volume", "backup", "create", "--name", "volumes-full", "--force", "volumes-data", ...json);
    await statusIn(["volume", "backup"], "volumes-full", "available");
    const device = await deviceOf("volumes-data");
    await inDebian(
      `sudo mkdir -p /data && sudo mount ${device} /data && sudo sh -c 'head -c 3000000 /dev/urandom > /data/numbers; sync'`,
    );
    const changed = await inDebian("cd /data && sudo sha256sum letters numbers");
    assert.notEqual(changed, sums);
    const before = sums;
    sums = changed;
    await inDebian("sudo umount /data");
    await cloud.openstack(
      "volume",
      "backup",
      "create",
      "--name",
      "volumes-more",
      "--incremental",
      "--force",
      "volumes-data",
      ...json,
    );
    await statusIn(["volume", "backup"], "volumes-more", "available");
    for (const [backup, expected] of [
      ["volumes-full", before],
      ["volumes-more", changed],
    ] as const) {
      await cloud.openstack("volume", "create", `${backup}-back`, "--size", "2", ...json);
      await volumeIn(`${backup}-back`, "available");
      // Debian's client restores, and then fails to print what it was answered: the states say whether it did.
      await cloud.tryOpenstack("volume", "backup", "restore", "--force", backup, `${backup}-back`);
      await statusIn(["volume", "backup"], backup, "available");
      await volumeIn(`${backup}-back`, "available");
      assert.equal(await sumsOn(await attach(`${backup}-back`)), expected, backup);
      await detach(`${backup}-back`);
    }
  });

  it("may do 200 operations a second where its type says so", async () => {
    await cloud.operator(
      "volume",
      "qos",
      "create",
      "--consumer",
      "front-end",
      "--property",
      "total_iops_sec=200",
      "slow",
      ...json,
    );
    await cloud.operator("volume", "type", "create", "slow", ...json);
    await cloud.operator("volume", "qos", "associate", "slow", "slow");
    await cloud.openstack("volume", "create", "volumes-slow", "--size", "1", "--type", "slow", ...json);
    await volumeIn("volumes-slow", "available");
    const device = await attach("volumes-slow");
    const elapsed = await inDebian(
      `sudo sh -c 's=$(cut -d" " -f1 /proc/uptime); dd if=/dev/zero of=${device} bs=4k count=4000 oflag=direct 2>/dev/null; e=$(cut -d" " -f1 /proc/uptime); echo $s $e'`,
    );
    const [start = 0, end = 0] = elapsed.split(" ").map(Number);
    const rate = 4000 / (end - start);
    assert.ok(rate > 180 && rate < 220, `${rate.toFixed(1)} operations a second`);
    await detach("volumes-slow");
  });

  it("left nothing readable on the machine's disks", async () => {
    const places = ["volumes", "backups", "hosts", "postgres", "log"].map((name) => join(cloud.directory, name));
    const { stdout } = await tryRun(["grep", "-r", "-l", "-a", "-F", MARKER, ...places]);
    assert.equal(stdout, "");
    assert.match(
      await inDebian(
        `sudo mkdir -p /look && sudo mount ${await deviceOf("volumes-data")} /look && head -c 37 /look/letters; sudo umount /look`,
      ),
      new RegExp(MARKER),
    );
  });

  after(async () => {
    if (id !== undefined) await cloud.openstack("server", "delete", "--wait", id);
    if (address !== undefined) await cloud.openstack("floating", "ip", "delete", address);
    for (const backup of ["volumes-more", "volumes-full"]) {
      await cloud.tryOpenstack("volume", "backup", "delete", backup);
      await waitUntil(
        `the end of ${backup}`,
        async () => (await cloud.tryOpenstack("volume", "backup", "show", backup)).code !== 0,
        { timeoutMs: 60_000 },
      );
    }
    await cloud.openstack("volume", "snapshot", "delete", "volumes-snap");
    // A volume with a snapshot is not deleted.
    await waitUntil(
      "the snapshot's end",
      async () => ((await cloud.openstack("volume", "snapshot", "list", ...json)) as unknown[]).length === 0,
      { timeoutMs: 60_000, everyMs: 500 },
    );
    const volumes: { ID: string }[] = await cloud.openstack("volume", "list", ...json);
    // `--force` is an operator's word.
    for (const { ID } of volumes) await cloud.openstack("volume", "delete", ID);
    await waitUntil(
      "the volumes' end",
      async () => ((await cloud.openstack("volume", "list", ...json)) as unknown[]).length === 0,
      { timeoutMs: 60_000, everyMs: 500 },
    );
    await cloud.operator("volume", "type", "delete", "slow");
    await cloud.operator("volume", "qos", "delete", "slow");
    await cloud.openstack("image", "delete", "volumes-debian");
    await scene.clean();
  });
});
