/** Disks of guests on a real host, seen from inside by a kernel: volumes that come, grow, are limited, and go. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";

import type { GuestDisk, GuestReport, GuestSpec } from "@andromede/agent-api/types";
import { CloudError } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { specOf } from "./support/bench-host.ts";
import { type Shell, linuxGuestImage, openShell } from "./support/linux-guest.ts";
import { type QemuHost, startQemuHost } from "./support/qemu-host.ts";

const WAIT = { timeoutMs: 60_000, everyMs: 20 };
type Context = { after(fn: () => Promise<void>): void };

describe("disks of a QEMU guest", () => {
  let host: QemuHost;
  let linux: Pick<GuestSpec, "disks" | "images">;
  before(async () => {
    host = await startQemuHost();
    const bytes = await linuxGuestImage(host.engineRoot);
    const path = join(dirname(host.dataDir), "linux.raw");
    writeFileSync(path, bytes);
    const sha512 = createHash("sha512").update(bytes).digest("hex");
    const source = { kind: "image", imageId: "linux", sha512, format: "raw", sizeBytes: bytes.length } as const;
    linux = { disks: [{ id: "root", source, sizeGib: 1, bootIndex: 0 }], images: [{ imageId: "linux", path }] };
  });
  after(() => host.stop());

  const see = (id: string, what: string, fits: (report: GuestReport) => boolean): Promise<GuestReport> =>
    waitUntil(
      `guest to be ${what}`,
      async () => {
        const report = await host.client.getGuest(id);
        return report !== null && fits(report) && report;
      },
      WAIT,
    );
  const settled = (spec: GuestSpec, state: GuestReport["state"] = "running"): Promise<GuestReport> =>
    see(
      spec.id,
      `${state} as wanted`,
      (report) => report.converged && report.state === state && report.generation === spec.generation,
    );
  async function put(context: Context, changes: Partial<GuestSpec> = {}): Promise<GuestSpec> {
    const spec = specOf(host, { memoryMib: 128, ...linux, ...changes });
    context.after(async () => {
      if (!(await host.client.deleteGuest(spec.id, 1_000_000))) return;
      await waitUntil("guest to be gone", async () => (await host.client.getGuest(spec.id)) === null, WAIT);
      assert.deepEqual(await host.remains(spec.id), []);
      assert.ok(!existsSync(linksOf(spec.id)));
    });
    await host.client.putGuest(spec);
    return spec;
  }
  const change = async (spec: GuestSpec, changes: Partial<GuestSpec>): Promise<GuestSpec> => {
    const next = { ...spec, ...changes, generation: spec.generation + 1 };
    await host.client.putGuest(next);
    return next;
  };
  const linksOf = (guestId: string): string => join(host.volumes, "guests", "host1", guestId);
  const links = (guestId: string): string[] => (existsSync(linksOf(guestId)) ? readdirSync(linksOf(guestId)) : []);

  /** A volume that is there, and as a disk. */
  async function volume(options: { encrypted?: boolean; sizeGib?: number } = {}): Promise<GuestDisk> {
    const id = newUuid();
    const key = options.encrypted === false ? null : randomBytes(32).toString("base64");
    const sizeGib = options.sizeGib ?? 1;
    await host.client.putVolume({ id, generation: 1, sizeGib, key, source: { kind: "empty" }, snapshots: [] });
    await waitUntil("the volume", async () => (await host.client.getVolume(id))?.state === "ready", WAIT);
    return { id, source: { kind: "volume", volumeId: id, key, readOnly: false, shared: false }, sizeGib };
  }
  const keyOf = ({ source }: GuestDisk): string => (source.kind === "volume" ? (source.key ?? "") : "");
  async function shellOf(context: Context, guestId: string, fresh = true): Promise<Shell> {
    const shell = await openShell(host.client, guestId, fresh);
    context.after(async () => shell.close());
    return shell;
  }
  /** The device that has the disk's serial; "" when there is none. */
  const deviceOf = (shell: Shell, { id }: GuestDisk): Promise<string> =>
    shell.run(
      `for d in /sys/block/vd*; do busybox grep -q ${id.slice(0, 20)} $d/serial 2>/dev/null && busybox basename $d; done`,
    );
  const seesDevice = (shell: Shell, disk: GuestDisk): Promise<string> =>
    waitUntil("the guest to see the disk", async () => (await deviceOf(shell, disk)) || false, WAIT);
  const write = (shell: Shell, device: string, text: string): Promise<string> =>
    shell.run(`echo ${text} | dd of=/dev/${device} bs=512 conv=sync 2>/dev/null; busybox sync`);
  const read = (shell: Shell, device: string): Promise<string> =>
    shell.run(`dd if=/dev/${device} bs=512 count=1 2>/dev/null | busybox head -n 1`);

  test("a volume is there from the start, and another comes and goes while the guest runs; what is written stays", async (context) => {
    const [first, second] = [await volume(), await volume({ encrypted: false })];
    let spec = await put(context, { disks: [...linux.disks, first] });
    assert.deepEqual((await settled(spec)).disks, ["root", first.id]);
    const shell = await shellOf(context, spec.id);
    const device = await seesDevice(shell, first);
    await write(shell, device, "first");
    spec = await change(spec, { disks: [...linux.disks, first, second] });
    assert.deepEqual((await settled(spec)).disks, ["root", first.id, second.id]);
    const added = await seesDevice(shell, second);
    assert.equal(await shell.run(`busybox cat /sys/block/${added}/size`), String(2 ** 30 / 512));
    await write(shell, added, "second");
    assert.deepEqual(links(spec.id).toSorted(), [`${first.id}.qcow2`, `${second.id}.qcow2`].toSorted());
    // Both go; the guest no longer sees them, and the pool's files are nobody's any more.
    spec = await change(spec, { disks: linux.disks });
    assert.deepEqual((await settled(spec)).disks, ["root"]);
    assert.equal(await deviceOf(shell, first), "");
    assert.equal(await deviceOf(shell, second), "");
    assert.deepEqual(links(spec.id), []);
    for (const { id } of [first, second]) assert.equal(statSync(join(host.volumes, `${id}.qcow2`)).nlink, 1);
    // What was written is there, for another guest.
    const other = await put(context, { disks: [...linux.disks, second, first] });
    await settled(other);
    const otherShell = await shellOf(context, other.id);
    assert.equal(await read(otherShell, await seesDevice(otherShell, first)), "first");
    assert.equal(await read(otherShell, await seesDevice(otherShell, second)), "second");
  });

  test("keys are in no file, no log and no command line, nor in the jail once QEMU has read them", async (context) => {
    const [first, second] = [await volume(), await volume()];
    let spec = await put(context, { disks: [...linux.disks, first] });
    await settled(spec);
    spec = await change(spec, { disks: [...linux.disks, first, second] });
    await settled(spec);
    const written = [
      readFileSync(join(host.dataDir, "ledger", `${spec.id}.json`), "utf8"),
      readFileSync(join(host.dataDir, "guests", spec.id, "machine.json"), "utf8"),
      readFileSync(join(host.dataDir, "guests", spec.id, "qemu.log"), "utf8"),
      host.agentLog(),
      ...host.pids(spec.id).map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8")),
    ];
    for (const text of written) for (const disk of [first, second]) assert.ok(!text.includes(keyOf(disk)));
    const qemu = host
      .pids(spec.id)
      .find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("qemu-system"));
    assert.ok(!existsSync(`/proc/${qemu}/root/guest/keys`));
    assert.deepEqual(readdirSync(`/proc/${qemu}/root/guest/volumes`).length, 2);
  });

  test("a guest boots from a volume, also when it started with the system on another disk", async (context) => {
    const [image] = linux.images;
    const [root] = linux.disks;
    assert.ok(image !== undefined && root?.source.kind === "image");
    const id = newUuid();
    const key = randomBytes(32).toString("base64");
    const { kind: _kind, ...source } = root.source;
    await host.client.putVolume({
      id,
      generation: 1,
      sizeGib: 1,
      key,
      source: { kind: "image", ...source, path: image.path },
      snapshots: [],
    });
    await waitUntil("the volume", async () => (await host.client.getVolume(id))?.state === "ready", WAIT);
    const boot: GuestDisk = {
      id,
      source: { kind: "volume", volumeId: id, key, readOnly: false, shared: false },
      sizeGib: 1,
      bootIndex: 0,
    };
    const blank: GuestDisk = { id: newUuid(), source: { kind: "empty" }, sizeGib: 1, bootIndex: 1 };
    const spec = await put(context, { disks: [blank, boot], images: [] });
    await settled(spec);
    await shellOf(context, spec.id);
  });

  test("an agent that was killed knows no keys: the plan waits for them, and goes on with the next PUT", async (context) => {
    const disk = await volume();
    let spec = await put(context, { disks: [...linux.disks, disk] });
    await settled(spec);
    const shell = await shellOf(context, spec.id);
    await write(shell, await seesDevice(shell, disk), "kept");
    await host.crashAgent();
    await host.startAgent();
    // It runs, so that nothing is needed.
    assert.equal((await settled(spec)).needsKeys, undefined);
    await host.client.rebootGuest(spec.id, "hard", "n");
    const waiting = await see(spec.id, "waiting for keys", ({ needsKeys }) => needsKeys === true);
    assert.equal(waiting.converged, false);
    await host.client.putGuest(spec);
    await see(spec.id, "back", ({ converged, rebootNonce }) => converged && rebootNonce === "n");
    const after = await shellOf(context, spec.id);
    assert.equal(await read(after, await seesDevice(after, disk)), "kept");
    // The same when a volume is attached.
    const second = await volume();
    spec = await change(spec, { disks: [...linux.disks, disk, second] });
    await host.crashAgent();
    await host.startAgent();
    await see(spec.id, "waiting for keys, or done", ({ needsKeys, converged }) => needsKeys === true || converged);
    await host.client.putGuest(spec);
    assert.deepEqual((await settled(spec)).disks, ["root", disk.id, second.id]);
    await seesDevice(await shellOf(context, spec.id, false), second);
  });

  test("the agent dies at any step of a plug, an unplug or a start: the guest ends as wanted", async (context) => {
    const disk = await volume();
    let spec = await put(context);
    await settled(spec);
    const crashAt = async (step: string, changes: Partial<GuestSpec>): Promise<void> => {
      await host.crashAgent();
      await host.startAgent({ crashAt: step });
      spec = { ...spec, ...changes, generation: spec.generation + 1 };
      // It may die before it answers.
      await host.client.putGuest(spec).catch(() => undefined);
      await host.agentDied();
      await host.startAgent();
      await host.client.putGuest(spec);
    };
    await (await shellOf(context, spec.id)).run("true");
    for (const step of ["plugDisk:announced", "plugDisk:linked", "plugDisk:opened", "plugDisk:plugged"]) {
      await crashAt(step, { disks: [...linux.disks, { ...disk, limits: { totalIops: 100 } }] });
      assert.deepEqual((await settled(spec)).disks, ["root", disk.id], step);
      const shell = await shellOf(context, spec.id, false);
      const device = await seesDevice(shell, disk);
      await write(shell, device, step);
      assert.equal(await read(shell, device), step);
      assert.deepEqual(links(spec.id), [`${disk.id}.qcow2`]);
      spec = await change(spec, { disks: linux.disks });
      assert.deepEqual((await settled(spec)).disks, ["root"], step);
    }
    for (const step of ["unplugDisk:released", "unplugDisk:closed", "unplugDisk:unlinked"]) {
      spec = await change(spec, { disks: [...linux.disks, disk] });
      await settled(spec);
      await crashAt(step, { disks: linux.disks });
      assert.deepEqual((await settled(spec)).disks, ["root"], step);
      assert.equal(await deviceOf(await shellOf(context, spec.id, false), disk), "");
      assert.deepEqual(links(spec.id), []);
      assert.equal(statSync(join(host.volumes, `${disk.id}.qcow2`)).nlink, 1);
    }
    for (const step of ["launch:linked", "launch:launched"]) {
      spec = await change(spec, { power: "stopped", disks: [...linux.disks, disk] });
      await settled(spec, "stopped");
      await crashAt(step, { power: "running" });
      assert.deepEqual((await settled(spec)).disks, ["root", disk.id], step);
      const shell = await shellOf(context, spec.id);
      assert.equal(await read(shell, await seesDevice(shell, disk)), "plugDisk:plugged");
    }
  });

  test("a volume grows under the guest, and snapshots are taken of it while it is written", async (context) => {
    const disk = await volume();
    const spec = await put(context, { disks: [...linux.disks, disk] });
    await settled(spec);
    const shell = await shellOf(context, spec.id);
    const device = await seesDevice(shell, disk);
    await write(shell, device, "before");
    const snapshotId = newUuid();
    const volumeSpec = { id: disk.id, key: keyOf(disk), source: { kind: "empty" } } as const;
    await host.client.putVolume({ ...volumeSpec, generation: 2, sizeGib: 2, snapshots: [snapshotId] });
    await waitUntil(
      "the larger volume and its snapshot",
      async () => {
        const report = await host.client.getVolume(disk.id);
        return report?.state === "ready" && report.sizeGib === 2 && report.snapshots.includes(snapshotId);
      },
      WAIT,
    );
    await waitUntil(
      "the guest to see the new size",
      async () => (await shell.run(`busybox cat /sys/block/${device}/size`)) === String((2 * 2 ** 30) / 512),
      WAIT,
    );
    await write(shell, device, "after");
    // A copy of the snapshot has what was there then.
    const copy = newUuid();
    const key = randomBytes(32).toString("base64");
    const source = { kind: "snapshot", volumeId: disk.id, snapshotId, key: keyOf(disk) } as const;
    await host.client.putVolume({ id: copy, generation: 1, sizeGib: 2, key, source, snapshots: [] });
    await waitUntil("the copy", async () => (await host.client.getVolume(copy))?.state === "ready", WAIT);
    const clone: GuestDisk = {
      id: copy,
      source: { kind: "volume", volumeId: copy, key, readOnly: true, shared: false },
      sizeGib: 2,
    };
    await settled(await change(spec, { disks: [...linux.disks, disk, clone] }));
    const cloned = await seesDevice(shell, clone);
    assert.equal(await read(shell, cloned), "before");
    assert.equal(await read(shell, device), "after");
    assert.equal(await shell.run(`busybox cat /sys/block/${cloned}/ro`), "1");
  });

  test("limits hold within a tenth, are changed while the guest runs, and are of its own disks too", async (context) => {
    const disk = await volume();
    const limited = (limits: GuestDisk["limits"]): GuestDisk[] =>
      [...linux.disks, disk].map((each) => ({ ...each, ...(limits === undefined ? {} : { limits }) }));
    let spec = await put(context, { disks: limited({ totalIops: 200 }) });
    await settled(spec);
    const shell = await shellOf(context, spec.id);
    await seesDevice(shell, disk);
    /** Requests a second that the guest gets done on a disk, over some seconds. */
    const rate = async (diskId: string, device: string): Promise<number> => {
      const counted = async (): Promise<{ requests: number; atMs: number }> => {
        const { disks } = await host.client.diagnostics(spec.id);
        return { requests: disks.find(({ id }) => id === diskId)?.readRequests ?? 0, atMs: performance.now() };
      };
      await shell.run(`dd if=/dev/${device} of=/dev/null bs=4096 iflag=direct 2>/dev/null & echo begun`);
      const [first, last] = await waitUntil(
        "requests over some seconds",
        async () => {
          start ??= await counted();
          const now = await counted();
          return now.atMs - start.atMs > 3_000 && ([start, now] as const);
        },
        WAIT,
      );
      await shell.run("busybox killall dd; wait");
      return ((last.requests - first.requests) * 1000) / (last.atMs - first.atMs);
    };
    let start: { requests: number; atMs: number } | undefined;
    const measured: { [what: string]: number } = {};
    for (const [what, diskId, device] of [
      ["volume", disk.id, await deviceOf(shell, disk)],
      ["root", "root", "vda"],
    ] as const) {
      start = undefined;
      measured[what] = await rate(diskId, device);
    }
    for (const [what, found] of Object.entries(measured)) assert.ok(found > 180 && found < 220, `${what}: ${found}`);
    spec = await change(spec, { disks: limited({ readIops: 400 }) });
    await settled(spec);
    start = undefined;
    const faster = await rate(disk.id, await deviceOf(shell, disk));
    assert.ok(faster > 360 && faster < 440, `${faster}`);
    spec = await change(spec, { disks: limited(undefined) });
    await settled(spec);
    start = undefined;
    assert.ok((await rate(disk.id, await deviceOf(shell, disk))) > 600);
  });

  test("suspended and resumed with a volume, paused with another, stopped and started: data and disks are the same", async (context) => {
    const [first, second] = [await volume(), await volume()];
    let spec = await put(context, { disks: [...linux.disks, first] });
    await settled(spec);
    const shell = await shellOf(context, spec.id);
    const device = await seesDevice(shell, first);
    await write(shell, device, "first");
    await shell.run("LOST=not");
    spec = await change(spec, { power: "suspended" });
    assert.deepEqual((await settled(spec, "suspended")).disks, ["root", first.id]);
    assert.deepEqual(links(spec.id), []);
    spec = await change(spec, { power: "running" });
    await settled(spec);
    const resumed = await shellOf(context, spec.id, false);
    assert.equal(await resumed.run("echo $LOST"), "not");
    assert.equal(await read(resumed, device), "first");
    await write(resumed, device, "again");
    spec = await change(spec, { power: "paused", disks: [...linux.disks, first, second] });
    assert.deepEqual((await settled(spec, "paused")).disks, ["root", first.id, second.id]);
    spec = await change(spec, { power: "running" });
    await settled(spec);
    await seesDevice(resumed, second);
    spec = await change(spec, { power: "stopped" });
    assert.deepEqual((await settled(spec, "stopped")).disks, ["root", first.id, second.id]);
    assert.deepEqual(links(spec.id), []);
    // Detached while stopped: free at once.
    spec = await change(spec, { disks: [...linux.disks, first] });
    assert.deepEqual((await settled(spec, "stopped")).disks, ["root", first.id]);
    spec = await change(spec, { power: "running" });
    await settled(spec);
    const restarted = await shellOf(context, spec.id);
    assert.equal(await read(restarted, await seesDevice(restarted, first)), "again");
    assert.equal(await deviceOf(restarted, second), "");
  });

  test("a guest that does not let go of a volume keeps it, and gives it up when it is stopped", async (context) => {
    const { disk, images } = host.disk(1);
    const first = await volume();
    // No kernel: nobody to let go of anything.
    let spec = await put(context, { disks: [disk, first], images, memoryMib: 64 });
    await settled(spec);
    spec = await change(spec, { disks: [disk] });
    const still = await see(spec.id, "asked", ({ generation }) => generation === spec.generation);
    assert.deepEqual(still.disks, ["root", first.id]);
    assert.equal(still.converged, false);
    spec = await change(spec, { power: "stopped" });
    assert.deepEqual((await settled(spec, "stopped")).disks, ["root"]);
    assert.deepEqual(links(spec.id), []);
  });

  test("a volume that another guest has is not opened twice; one that is not there is a fault in words", async (context) => {
    const disk = await volume();
    const one = await put(context, { disks: [...linux.disks, disk] });
    await settled(one);
    let two = await put(context);
    await settled(two);
    two = await change(two, { disks: [...linux.disks, disk] });
    const refused = await see(two.id, "refused", ({ fault }) => fault !== undefined);
    assert.equal(refused.fault, "The host could not attach the volume");
    assert.deepEqual(refused.disks, ["root"]);
    const missing: GuestDisk = { ...disk, id: newUuid() };
    const gone = { ...missing, source: { ...missing.source, volumeId: missing.id } } as GuestDisk;
    two = await change(two, { disks: [...linux.disks, gone] });
    const fault = await see(two.id, "faulty", (report) => report.fault?.includes(missing.id) === true);
    assert.equal(fault.fault, `Volume ${missing.id} is not in the host's pool`);
  });

  test("a shared volume is one disk for two guests, survives agents and snapshots, and is closed with the last of them", async (context) => {
    const made = await volume();
    assert.ok(made.source.kind === "volume");
    const disk: GuestDisk = { ...made, source: { ...made.source, shared: true } };
    const shared = join(host.volumes, "shared", disk.id);
    let one = await put(context, { disks: [...linux.disks, disk] });
    let two = await put(context);
    await Promise.all([settled(one), settled(two)]);
    two = await change(two, { disks: [...linux.disks, disk] });
    assert.deepEqual((await settled(two)).disks, ["root", disk.id]);
    const [first, second] = [await shellOf(context, one.id), await shellOf(context, two.id)];
    const [mine, yours] = [await seesDevice(first, disk), await seesDevice(second, disk)];
    // Whoever reads past its own memory sees what the other has written.
    const readNow = (shell: Shell, device: string): Promise<string> =>
      shell.run(`dd if=/dev/${device} bs=512 count=1 iflag=direct 2>/dev/null | busybox head -n 1`);
    await write(first, mine, "one");
    assert.equal(await readNow(second, yours), "one");
    await write(second, yours, "two");
    assert.equal(await readNow(first, mine), "two");
    const snapshots = [newUuid()];
    const source = { kind: "empty" } as const;
    await host.client.putVolume({ id: disk.id, generation: 2, sizeGib: 1, key: keyOf(disk), source, snapshots });
    await waitUntil(
      "the snapshot",
      async () => (await host.client.getVolume(disk.id))?.snapshots.includes(snapshots[0] ?? "") === true,
      WAIT,
    );
    await host.crashAgent();
    await host.startAgent();
    await Promise.all([settled(one), settled(two)]);
    one = await change(one, { power: "stopped" });
    await settled(one, "stopped");
    assert.ok(existsSync(shared));
    const still = await shellOf(context, two.id, false);
    await write(still, yours, "still");
    two = await change(two, { disks: linux.disks });
    await settled(two);
    await waitUntil("the end of its server", () => !existsSync(shared), WAIT);
    one = await change(one, { power: "running" });
    await settled(one);
    const last = await shellOf(context, one.id);
    assert.equal(await read(last, await seesDevice(last, disk)), "still");
    assert.ok(!readFileSync(join(host.dataDir, "shared-volumes", `${disk.id}.log`), "utf8").includes(keyOf(disk)));
  });

  test("rebuild makes the root disk anew; a rescue keeps it; a resize takes another machine", async (context) => {
    const [root] = linux.disks;
    assert.ok(root !== undefined);
    let spec = await put(context);
    await settled(spec);
    let shell = await shellOf(context, spec.id);
    const mark = (): Promise<string> =>
      shell.run("echo marked | dd of=/dev/vda bs=512 seek=1000000 conv=notrunc 2>/dev/null; busybox sync");
    const marked = async (device = "vda"): Promise<boolean> =>
      (await shell.run(`dd if=/dev/${device} bs=512 skip=1000000 count=1 2>/dev/null`)).startsWith("marked");
    await mark();
    assert.ok(await marked());
    const reboots = async (): Promise<void> => {
      await settled(spec);
      shell = await shellOf(context, spec.id);
    };
    spec = await change(spec, { disks: [{ ...root, nonce: "rebuilt" }] });
    await reboots();
    assert.ok(!(await marked()));
    await mark();
    // Rescue: another disk is first, the original one second.
    const rebuilt = { ...root, nonce: "rebuilt" };
    const { bootIndex: _bootIndex, ...second } = rebuilt;
    spec = await change(spec, { disks: [{ ...root, id: "rescue" }, second] });
    await reboots();
    assert.ok(!(await marked("vda")));
    assert.ok(await marked("vdb"));
    spec = await change(spec, {
      disks: [
        { ...root, id: "rescue" },
        { ...second, detached: true },
      ],
    });
    await reboots();
    assert.equal(await shell.run("ls /sys/block | busybox grep -c vd"), "1");
    // A rescue that keeps every disk's name: its own comes last.
    const beside = await volume();
    spec = await change(spec, { disks: [second, beside, { ...root, id: "rescue" }] });
    await reboots();
    assert.deepEqual([await marked("vda"), await marked("vdc")], [true, false]);
    assert.equal(await seesDevice(shell, beside), "vdb");
    spec = await change(spec, { disks: [rebuilt] });
    await reboots();
    assert.ok(await marked());
    assert.ok(!existsSync(join(host.dataDir, "guests", spec.id, "disks", "rescue.qcow2")));
    spec = await change(spec, { vcpus: 2, memoryMib: 192, disks: [{ ...rebuilt, sizeGib: 2 }] });
    await reboots();
    assert.equal(await shell.run("busybox grep -c ^processor /proc/cpuinfo"), "2");
    assert.equal(await shell.run("busybox cat /sys/block/vda/size"), String((2 * 2 ** 30) / 512));
    assert.ok(await marked());
  });

  test("diagnostics count; an interrupt is injected; no password is set where no agent is", async (context) => {
    const spec = await put(context);
    await settled(spec);
    const shell = await shellOf(context, spec.id);
    await shell.run("dd if=/dev/vda of=/dev/null bs=1048576 count=8 2>/dev/null");
    const found = await host.client.diagnostics(spec.id);
    assert.equal(found.cpus.length, 1);
    assert.ok((found.cpus[0]?.timeNs ?? 0) > 1e9);
    assert.ok(found.memory.usedMib > 16 && found.memory.usedMib <= 128 && found.memory.maximumMib === 128);
    assert.ok((found.disks[0]?.readBytes ?? 0) > 8 * 2 ** 20);
    assert.equal(found.interfaces[0]?.portId, spec.interfaces[0]?.portId);
    const refused = (error: unknown): boolean => error instanceof CloudError && error.kind === "conflict";
    await host.client.injectNmi(spec.id);
    await assert.rejects(host.client.setPassword(spec.id, "root", "x"), refused);
    const off = await change(spec, { power: "stopped" });
    await settled(off, "stopped");
    await assert.rejects(host.client.diagnostics(spec.id), refused);
    await assert.rejects(host.client.injectNmi(spec.id), refused);
  });
});
