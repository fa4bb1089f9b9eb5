/** Golden: the whole command line, as text, in golden/. `UPDATE_GOLDEN=1` writes it anew; the diff is then reviewed. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import type { GuestDisk, GuestSpec } from "@andromede/agent-api/types";

import { jailCommand } from "../jail/jail.ts";
import { guestCommand, memoryLimitBytes } from "./guest-command.ts";
import { guestJail, guestPaths } from "./guest-jail.ts";
import {
  DEFAULT_UIDS,
  type Host,
  type MachineLayout,
  disksToLimit,
  layoutOf,
  machineFits,
  uidOf,
  volumesOf,
  withInterface,
  withLimits,
  withVolume,
  withoutDisk,
  withoutInterface,
} from "./layout.ts";

const ID = "0b7e5ad4-8b0f-4f5f-9f0c-6a1f3b8f2c11";
const PORTS = ["aaaaaaaa-1111-4111-8111-111111111111", "bbbbbbbb-2222-4222-8222-222222222222"] as const;
const VOLUME = "cccccccc-3333-4333-8333-333333333333";
const PLAIN_VOLUME = "dddddddd-4444-4444-8444-444444444444";
const TCG: Host = { instance: "andromede", host: "host1", accelerator: "tcg", datapath: "netdev" };
const KVM: Host = { ...TCG, accelerator: "kvm", datapath: "system" };

const spec: GuestSpec = {
  id: ID,
  name: "web",
  generation: 1,
  power: "running",
  vcpus: 2,
  memoryMib: 1024,
  disks: [
    {
      id: "root",
      source: { kind: "image", imageId: "img", sha512: "0".repeat(128), format: "qcow2", sizeBytes: 1 },
      sizeGib: 5,
      bootIndex: 0,
    },
    { id: "ephemeral0-with-a-long-name", source: { kind: "empty" }, sizeGib: 1 },
    {
      id: VOLUME,
      source: { kind: "volume", volumeId: VOLUME, key: `${"K".repeat(43)}=`, readOnly: false, shared: false },
      sizeGib: 1,
      bootIndex: 1,
    },
    {
      id: "plain",
      source: { kind: "volume", volumeId: PLAIN_VOLUME, key: null, readOnly: true, shared: false },
      sizeGib: 1,
    },
    { id: "kept", source: { kind: "empty" }, sizeGib: 1, detached: true },
  ],
  images: [],
  interfaces: PORTS.map((portId, at) => ({ portId, macAddress: `fa:16:3e:00:00:0${at}`, mtu: 1442 })),
  configDrive: true,
  metadata: { files: {} },
  addresses: [],
  networks: [],
};

/** One option with its value a line. */
function lines(argv: readonly string[]): string {
  return argv.join("\n").replaceAll(/\n(?!-)/g, " ") + "\n";
}

function assertGolden(name: string, actual: string): void {
  const path = join(import.meta.dirname, "golden", `${name}.txt`);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, actual);
  assert.equal(actual, readFileSync(path, "utf8"));
}

describe("QEMU's command line", () => {
  test("TCG, userspace datapath, all devices", () => {
    assertGolden("tcg-netdev", lines(guestCommand(layoutOf(spec, TCG), { resume: false })));
  });

  test("KVM, kernel datapath, nothing optional", () => {
    const bare = { ...spec, disks: spec.disks.slice(0, 1), interfaces: [], configDrive: false };
    assertGolden("kvm-system", lines(guestCommand(layoutOf(bare, KVM), { resume: false })));
  });

  test("resumed: the same machine, waiting for its state", () => {
    const layout = layoutOf(spec, TCG);
    assert.deepEqual(guestCommand(layout, { resume: true }), [
      ...guestCommand(layout, { resume: false }),
      "-incoming",
      "defer",
    ]);
  });

  test("the jail around it", () => {
    const jail = guestJail(layoutOf(spec, TCG), {
      engineRoot: "/engines/e1",
      paths: guestPaths("/data/hosts/host1", ID),
      imagePath: (imageId) => `/data/hosts/host1/images/${imageId}`,
      namespacePath: "/run/netns/andromede-host1",
      tun: { source: "/data/hosts/host1/tun", target: "/dev/net/tun" },
      user: { uid: 1_900_000_007, gid: 64_055 },
      cgroups: ["/sys/fs/cgroup/memory/andromede-host1/g/cgroup.procs"],
      volumesDirectory: "/data/volumes/guests/host1/0b7e5ad4-8b0f-4f5f-9f0c-6a1f3b8f2c11",
      keys: [{ slot: 2, descriptor: 3 }],
    });
    assertGolden("jail", lines(jailCommand(jail, ["qemu-system-x86_64"])));
  });
});

describe("the machine of a guest", () => {
  const layout = layoutOf(spec, TCG);

  test("has room to plug more", () => {
    // two interfaces, two volumes, eight to spare
    assert.equal(layout.slots, 12);
    assert.equal(layoutOf(spec, KVM).slots, 28);
    const many = Array.from({ length: 20 }, (_none, at) => ({
      portId: `p${at}`,
      macAddress: "fa:16:3e:00:00:00",
      mtu: 1500,
    }));
    assert.equal(layoutOf({ ...spec, interfaces: many }, TCG).slots, 30);
    assert.equal(layoutOf({ ...spec, interfaces: [...many, ...many, ...many] }, TCG).slots, 56);
  });

  test("a plugged card takes the first free slot, and keeps it", () => {
    const added = { portId: "cccccccc", macAddress: "fa:16:3e:00:00:09", mtu: 1500 };
    const three = withInterface(layout, added);
    // The volumes are in slots 2 and 3.
    assert.deepEqual(
      three?.interfaces.map(({ slot }) => slot),
      [0, 1, 4],
    );
    const two = withoutInterface(three as MachineLayout, PORTS[0]);
    assert.deepEqual(
      two.interfaces.map(({ slot }) => slot),
      [1, 4],
    );
    assert.equal(withInterface(two, { ...added, portId: "dddddddd" })?.interfaces.at(-1)?.slot, 0);
    assert.equal(withInterface({ ...layout, slots: 4 }, added), null);
  });

  test("a plugged volume takes the first free slot too, and is the last of the disks", () => {
    const disk: GuestDisk = {
      id: "v",
      source: { kind: "volume", volumeId: "v", key: "k", readOnly: true, shared: false },
      sizeGib: 1,
      limits: { totalIops: 5, readIops: 0 },
    };
    const next = withVolume(withoutDisk(layout, VOLUME), disk);
    assert.deepEqual(next?.disks.at(-1), {
      id: "v",
      imageId: null,
      bootIndex: null,
      limits: { totalIops: 5 },
      volume: { volumeId: "v", encrypted: true, readOnly: true, shared: false, slot: 2 },
      slot: null,
    });
    assert.deepEqual(
      volumesOf(next ?? layout).map(({ diskId }) => diskId),
      ["plain", "v"],
    );
    assert.ok(!JSON.stringify(layout).includes("KKK"));
  });

  test("a disk of the guest's own that comes after volumes is behind a root port too, so that it comes after them there", () => {
    const last: GuestDisk = { id: "rescue", source: { kind: "empty" }, sizeGib: 1, bootIndex: 0 };
    const rescued = layoutOf({ ...spec, disks: [...spec.disks, last] }, TCG);
    const { slot } = rescued.disks.at(-1) ?? {};
    const taken = [...rescued.interfaces.map((each) => each.slot), ...volumesOf(rescued).map((each) => each.slot)];
    assert.ok(
      slot !== undefined && slot !== null && taken.every((each) => each < slot),
      `${slot} after ${taken.join()}`,
    );
    assert.ok(
      guestCommand(rescued, { resume: false }).some(
        (word) => word.includes("id=virtio-rescue") && word.includes(`bus=slot${slot}`),
      ),
    );
    const next = withVolume(rescued, {
      id: "v",
      source: { kind: "volume", volumeId: "v", key: null, readOnly: false, shared: false },
      sizeGib: 1,
    });
    assert.notEqual(next?.disks.at(-1)?.volume?.slot, slot);
    assert.equal(layoutOf(spec, TCG).disks[0]?.slot, null);
  });

  test("limits that are not the wanted ones are found, whatever their order", () => {
    const limited = withLimits(layout, "root", { totalIops: 5, totalBytesSec: 7 });
    assert.deepEqual(disksToLimit(spec, limited), ["root"]);
    const wanted = spec.disks.map((disk) =>
      disk.id === "root" ? { ...disk, limits: { totalBytesSec: 7, totalIops: 5, readIops: 0 } } : disk,
    );
    assert.deepEqual(disksToLimit({ ...spec, disks: wanted }, limited), []);
    assert.deepEqual(disksToLimit({ ...spec, disks: wanted }, layout), ["root"]);
  });

  test("fits a spec unless its processors, its memory, its own disks or what it boots from differ", () => {
    assert.ok(machineFits(spec, layout));
    assert.ok(machineFits({ ...spec, disks: spec.disks.toReversed() }, layout));
    assert.ok(machineFits({ ...spec, disks: spec.disks.filter(({ id }) => id !== VOLUME) }, layout));
    assert.ok(!machineFits({ ...spec, vcpus: 3 }, layout));
    assert.ok(!machineFits({ ...spec, memoryMib: 1025 }, layout));
    const disks = (change: (disk: GuestDisk) => GuestDisk): GuestSpec => ({ ...spec, disks: spec.disks.map(change) });
    assert.ok(
      !machineFits(
        disks((disk) => (disk.id === "root" ? { ...disk, bootIndex: 3 } : disk)),
        layout,
      ),
    );
    assert.ok(
      !machineFits(
        disks((disk) => (disk.id === "root" ? { ...disk, detached: true } : disk)),
        layout,
      ),
    );
    assert.ok(
      !machineFits(
        disks(({ detached: _detached, ...disk }) => disk),
        layout,
      ),
    );
  });

  test("its memory limit leaves QEMU what it needs", () => {
    assert.equal(memoryLimitBytes(layout) / 2 ** 20, 1024 + 512 + 32 + 512);
    assert.equal(memoryLimitBytes({ ...layout, accelerator: "kvm" }) / 2 ** 20, 1024 + 512 + 32);
  });

  test("its user is its own, always the same, in the range", () => {
    const uid = uidOf(ID, DEFAULT_UIDS);
    assert.equal(uidOf(ID, DEFAULT_UIDS), uid);
    assert.notEqual(uidOf(PORTS[0], DEFAULT_UIDS), uid);
    assert.ok(uid >= DEFAULT_UIDS.first && uid < DEFAULT_UIDS.first + DEFAULT_UIDS.count);
    assert.equal(uidOf(ID, { first: 5, count: 1 }), 5);
  });
});
