/** Golden: the whole command line, as text, in golden/. `UPDATE_GOLDEN=1` writes it anew; the diff is then reviewed. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import type { GuestSpec } from "@andromede/agent-api/types";

import { jailCommand } from "../jail/jail.ts";
import { guestCommand, memoryLimitBytes } from "./guest-command.ts";
import { guestJail, guestPaths } from "./guest-jail.ts";
import {
  DEFAULT_UIDS,
  type Host,
  type MachineLayout,
  layoutOf,
  uidOf,
  withInterface,
  withoutInterface,
} from "./layout.ts";

const ID = "0b7e5ad4-8b0f-4f5f-9f0c-6a1f3b8f2c11";
const PORTS = ["aaaaaaaa-1111-4111-8111-111111111111", "bbbbbbbb-2222-4222-8222-222222222222"] as const;
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
    });
    assertGolden("jail", lines(jailCommand(jail, ["qemu-system-x86_64"])));
  });
});

describe("the machine of a guest", () => {
  const layout = layoutOf(spec, TCG);

  test("has room to plug more", () => {
    assert.equal(layout.slots, 8);
    const many = Array.from({ length: 20 }, (_none, at) => ({
      portId: `p${at}`,
      macAddress: "fa:16:3e:00:00:00",
      mtu: 1500,
    }));
    assert.equal(layoutOf({ ...spec, interfaces: many }, TCG).slots, 24);
  });

  test("a plugged card takes the first free slot, and keeps it", () => {
    const added = { portId: "cccccccc", macAddress: "fa:16:3e:00:00:09", mtu: 1500 };
    const three = withInterface(layout, added);
    assert.deepEqual(
      three?.interfaces.map(({ slot }) => slot),
      [0, 1, 2],
    );
    const two = withoutInterface(three as MachineLayout, PORTS[0]);
    assert.deepEqual(
      two.interfaces.map(({ slot }) => slot),
      [1, 2],
    );
    assert.equal(withInterface(two, { ...added, portId: "dddddddd" })?.interfaces.at(-1)?.slot, 0);
    assert.equal(withInterface({ ...layout, slots: 2 }, added), null);
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
