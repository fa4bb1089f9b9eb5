/** Volumes that a guest has open: what is done to them goes through its process, and it does not notice. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, test } from "node:test";

import type { GuestDisk, GuestSpec, VolumeSpec } from "@andromede/agent-api/types";
import { CloudError } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { specOf as guestSpecOf } from "./support/bench-host.ts";
import { tinyGuestImage } from "./support/tiny-guest.ts";
import { MIB, WAIT, bench, newKey } from "./support/volume-bench.ts";
import { digestOfVolume, snapshotsIn, snapshotsOfFile, writeVolume } from "./support/volume-content.ts";

const diskOf = ({ id, key, sizeGib }: VolumeSpec): GuestDisk => ({
  id,
  source: { kind: "volume", volumeId: id, key, readOnly: false, shared: false },
  sizeGib,
});

describe("a volume that a guest has open", () => {
  const { host, ready, change, fault, backup, exported, settled } = bench();

  async function converged(spec: GuestSpec): Promise<void> {
    await host().client.putGuest(spec);
    await waitUntil(
      "the guest",
      async () => {
        const report = await host().client.getGuest(spec.id);
        return report?.generation === spec.generation && report.converged && report.state === "running";
      },
      WAIT,
    );
  }
  async function attached(context: { after(fn: () => Promise<void>): void }, volume: VolumeSpec): Promise<GuestSpec> {
    const plain = guestSpecOf(host());
    const spec = { ...plain, disks: [...plain.disks, diskOf(volume)] };
    context.after(() => remove(spec.id));
    await converged(spec);
    return spec;
  }
  async function remove(guestId: string): Promise<void> {
    await host().client.deleteGuest(guestId, 1_000);
    await waitUntil("its end", async () => (await host().client.getGuest(guestId)) === null, WAIT);
  }
  async function filled(): Promise<{ volume: VolumeSpec; digest: string }> {
    const volume = await ready();
    await writeVolume(host(), volume, [{ offset: 3 * MIB, data: randomBytes(2 * MIB) }]);
    return { volume, digest: await digestOfVolume(host(), volume) };
  }

  test("has snapshots taken and removed, grows, and is copied; it is not reverted, and not deleted", async (context) => {
    const { digest, ...first } = await filled();
    let { volume } = first;
    const guest = await attached(context, volume);
    const snapshot = newUuid();
    volume = await change(volume, { snapshots: [snapshot] });
    assert.deepEqual(await snapshotsIn(host(), volume.id), [snapshot]);
    assert.equal(await digestOfVolume(host(), volume, snapshot), digest);
    volume = await change(volume, { sizeGib: 2 });
    assert.equal((await settled(volume)).sizeGib, 2);
    const source = { kind: "volume", volumeId: volume.id, key: volume.key } as const;
    assert.equal(await digestOfVolume(host(), await ready({ sizeGib: 2, source })), digest);
    const key = newKey();
    const id = newUuid();
    const common = { id, volumeId: volume.id, volumeKey: volume.key, parentId: null, key };
    assert.equal((await backup({ ...common, snapshotId: null })).state, "ready");
    const restored = await ready({ sizeGib: 2, source: { kind: "backup", backupId: id, key } });
    assert.equal(await digestOfVolume(host(), restored), digest);
    const whole = await exported({ id: newUuid(), source: { ...source, snapshotId: null }, format: "qcow2" });
    assert.equal(whole.readBigUInt64BE(24), 2n * 2n ** 30n);
    assert.deepEqual(await snapshotsIn(host(), volume.id), [snapshot]);
    const reverting = { ...volume, generation: 10, revert: { snapshotId: snapshot, nonce: "n" } };
    assert.match(await fault(reverting), /in use/);
    await assert.rejects(
      host().client.deleteVolume(volume.id, 11),
      (error) => error instanceof CloudError && error.kind === "conflict",
    );
    volume = await ready({ ...volume, generation: 12, snapshots: [] });
    assert.deepEqual(await snapshotsIn(host(), volume.id), []);
    await remove(guest.id);
    await host().client.deleteVolume(volume.id, 13);
    await waitUntil("its end", async () => (await host().client.getVolume(volume.id)) === null, WAIT);
  });

  test("is whole when the agent dies in the middle of a copy", async (context) => {
    const { volume, digest } = await filled();
    const guest = await attached(context, volume);
    await host().crashAgent();
    await host().startAgent({ crashAt: "backup:snapshot" });
    await host().client.putGuest(guest);
    const died = host().agentDied();
    const key = newKey();
    const common = { volumeId: volume.id, volumeKey: volume.key, snapshotId: null, parentId: null, key };
    const spec = { id: newUuid(), ...common };
    await host()
      .client.putBackup(spec)
      .catch(() => undefined);
    await died;
    await host().startAgent();
    await converged(guest);
    await ready(volume);
    assert.deepEqual(await snapshotsIn(host(), volume.id), []);
    assert.equal((await backup(spec)).state, "ready");
    const restored = await ready({ source: { kind: "backup", backupId: spec.id, key } });
    assert.equal(await digestOfVolume(host(), restored), digest);
  });

  test("a disk of the guest's own is exported while it runs", async (context) => {
    const { volume } = await filled();
    const guest = await attached(context, volume);
    const source = { kind: "guestDisk", guestId: guest.id, diskId: "root", quiesce: true } as const;
    const raw = await exported({ id: newUuid(), source, format: "raw" });
    assert.equal(raw.length, 2 ** 30);
    const boot = tinyGuestImage();
    assert.ok(raw.subarray(0, boot.length).equals(boot));
    const file = join(host().dataDir, "guests", guest.id, "disks", "root.qcow2");
    assert.deepEqual(await snapshotsOfFile(host(), file), []);
    // A volume is not the guest's own.
    const wrong = newUuid();
    await host().client.putExport({ id: wrong, source: { ...source, diskId: volume.id }, format: "raw" });
    await waitUntil("the refusal", async () => (await host().client.getExport(wrong))?.state === "failed", WAIT);
  });
});
