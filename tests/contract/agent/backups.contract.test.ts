/** Backups of real volumes, in each place where they may be kept: a directory, and a bucket of the object store. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";

import type { BackupSpec, VolumeSpec } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { deaths } from "./support/agent-deaths.ts";
import { type BackupPlace, startFilePlace, startObjectPlace } from "./support/backup-places.ts";
import { MIB, WAIT, bench, newKey, verbs } from "./support/volume-bench.ts";
import { digestOfVolume, filesBelow, snapshotsIn, withVolume, writeVolume } from "./support/volume-content.ts";

describe("backups in files", () => suite(startFilePlace, /^[0-9a-f-]{36}\/(pieces|manifest)$/));
describe("backups in the object store", () =>
  suite(startObjectPlace, /^backups\/[0-9a-f-]{36}\/(complete|[0-9a-f]{32}\/(pieces-\d{8}|manifest))$/));

/** `known`: names of what belongs to backups. */
function suite(start: () => Promise<BackupPlace>, known: RegExp): void {
  let place: BackupPlace;
  before(async () => {
    place = await start();
  });
  const stand = bench(() => ({ backupStore: place.store }));
  after(() => place.stop());
  const { host, ready, change, backup, dieAt, untilReady, filled, madeAnew, assertTidy } = {
    ...stand,
    ...deaths(stand),
  };
  const file = ({ id, key }: VolumeSpec): { id: string; key: string | null } => ({ id, key });
  const of = (backupId: string, names: readonly string[]): string[] => names.filter((name) => name.includes(backupId));

  /** Nothing of backups but those: no half of one, no second try. What an agent left goes when the next one has come. */
  async function assertOnly(backupIds: readonly string[]): Promise<void> {
    await waitUntil(
      "the end of all halves",
      async () => {
        const names = await place.names();
        const parts = names.filter((name) => /pieces|manifest/.test(name));
        const directories = new Set(parts.map((name) => name.slice(0, name.lastIndexOf("/"))));
        const ids = names.map((name) => /[0-9a-f-]{36}/.exec(name)?.[0] ?? name);
        return (
          names.every((name) => known.test(name)) &&
          directories.size === backupIds.length &&
          ids.every((id) => backupIds.includes(id))
        );
      },
      WAIT,
    );
  }
  const removeAll = async (backupIds: readonly string[]): Promise<void> => {
    for (const id of backupIds) await host().client.deleteBackup(id);
    assert.deepEqual(await place.names(), []);
  };

  test("a volume comes out of a chain of them, whatever became of it; each holds only what its parent has not", async () => {
    const key = newKey();
    const ids = [newUuid(), newUuid(), newUuid()] as const;
    let spec = await ready();
    const common = (): Omit<BackupSpec, "id" | "parentId"> => ({
      volumeId: spec.id,
      volumeKey: spec.key,
      snapshotId: null,
      key,
    });
    const text = Buffer.alloc(12 * MIB, "the same again and again, ");
    await writeVolume(host(), file(spec), [
      { offset: 0, data: text },
      { offset: 512 * MIB, data: randomBytes(32 * MIB) },
    ]);
    const digests = [await digestOfVolume(host(), file(spec))];
    const full = await backup({ id: ids[0], parentId: null, ...common() });
    assert.deepEqual({ pieces: full.pieces, progress: full.progress }, { pieces: 11, progress: 100 });
    // Text is compressed, chance is not.
    assert.ok(full.storedBytes > 32 * MIB && full.storedBytes < 33 * MIB, `${full.storedBytes} bytes`);
    const { length } = Buffer.concat(
      await Promise.all(
        (await place.names()).filter((name) => name.includes("pieces")).map((name) => place.read(name)),
      ),
    );
    assert.equal(full.storedBytes, length);
    spec = await change(spec, { sizeGib: 2 });
    await writeVolume(host(), file(spec), [
      { offset: 4 * MIB, data: randomBytes(MIB) },
      { offset: 1500 * MIB, data: randomBytes(MIB) },
    ]);
    digests.push(await digestOfVolume(host(), file(spec)));
    const second = await backup({ id: ids[1], parentId: ids[0], ...common() });
    assert.equal(second.pieces, 2);
    // What became zero is in no backup from then on.
    await withVolume(host(), file(spec), async (client) => {
      await client.writeZeroes(512 * MIB, 32 * MIB);
      await client.flush();
    });
    digests.push(await digestOfVolume(host(), file(spec)));
    const third = await backup({ id: ids[2], parentId: ids[1], ...common() });
    assert.deepEqual({ pieces: third.pieces, storedBytes: third.storedBytes }, { pieces: 0, storedBytes: 0 });
    assert.deepEqual(await snapshotsIn(host(), spec.id), []);
    await host().client.deleteVolume(spec.id, 9);
    for (const [at, digest] of digests.entries()) {
      const restored = await ready({ sizeGib: 2, source: { kind: "backup", backupId: ids[at] ?? "", key } });
      assert.equal(await digestOfVolume(host(), file(restored)), digest, `backup ${at}`);
    }
    await assertOnly(ids);
    await removeAll(ids.toReversed());
  });

  test("a volume that is not encrypted cannot be read in them, nor can the keys", async () => {
    const marker = randomBytes(48);
    const plain = await ready({ key: null });
    const lines = Array.from({ length: 64 }, (_none, at) => ({ offset: at * 8192, data: marker }));
    await writeVolume(host(), file(plain), lines);
    const [id, key] = [newUuid(), newKey()];
    await backup({ id, volumeId: plain.id, volumeKey: null, snapshotId: null, parentId: null, key });
    const kept = Buffer.concat(await Promise.all((await place.names()).map((name) => place.read(name))));
    assert.ok(kept.length > 48);
    for (const secret of [marker, Buffer.from(key), Buffer.from(key, "base64")])
      assert.equal(kept.indexOf(secret), -1, "what is there can be read");
    const restored = await ready({ key: null, source: { kind: "backup", backupId: id, key } });
    await withVolume(host(), file(restored), async (client) =>
      assert.ok((await client.read(0, marker.length)).equals(marker)),
    );
    await removeAll([id]);
  });

  test("a volume comes out of one whole, or not at all", async () => {
    const key = newKey();
    const id = newUuid();
    const spec = await ready();
    await writeVolume(host(), file(spec), [{ offset: 0, data: randomBytes(5 * MIB) }]);
    await backup({ id, volumeId: spec.id, volumeKey: spec.key, snapshotId: null, parentId: null, key });
    const { fault, specOf } = verbs(host);
    const parts = of(id, await place.names()).filter((name) => /\/(pieces|manifest)[^/]*$/.test(name));
    assert.equal(parts.length, 2);
    for (const name of parts) {
      const bytes = await place.read(name);
      const spoiled = Buffer.from(bytes);
      spoiled.writeUInt8(spoiled.readUInt8(bytes.length - 40) ^ 1, bytes.length - 40);
      for (const wrong of [spoiled, bytes.subarray(0, -10)]) {
        await place.write(name, wrong);
        const broken = specOf({ source: { kind: "backup", backupId: id, key } });
        assert.match(await fault(broken), /damaged/);
        assert.ok(!filesBelow(host().volumes).some((each) => each.includes(broken.id)));
      }
      await place.write(name, bytes);
    }
    await ready({ source: { kind: "backup", backupId: id, key } });
    await removeAll([id]);
  });

  // More than a stripe of a bucket is there at the sixth piece, and more is to come.
  const making = ["backup:begun", "backup:snapshot", "backup:piece", "backup:piece#6", "backup:copied"];
  for (const step of [...making, "backup:complete"]) {
    test(`an agent that dies while one is made (${step}) leaves nothing in the way`, async () => {
      const { digest: _before, ...source } = await filled();
      await writeVolume(host(), source, [{ offset: 64 * MIB, data: randomBytes(32 * MIB) }]);
      const digest = await digestOfVolume(host(), source);
      const key = newKey();
      const common = { volumeId: source.id, volumeKey: source.key, snapshotId: null, parentId: null, key };
      const spec = { id: newUuid(), ...common };
      await dieAt(step, () => host().client.putBackup(spec));
      await waitUntil("the backup", async () => (await host().client.getBackup(spec.id))?.state === "ready", WAIT);
      const restored = await ready({ source: { kind: "backup", backupId: spec.id, key } });
      assert.equal(await digestOfVolume(host(), restored), digest);
      await host().client.putVolume(source);
      await untilReady(source);
      assert.deepEqual(await snapshotsIn(host(), source.id), []);
      assertTidy();
      await assertOnly([spec.id]);
      await dieAt("backup:removing", () => host().client.deleteBackup(spec.id));
      await assertOnly([]);
    });
  }

  test("one that is removed while it is made is not made, and leaves nothing", async () => {
    const { digest: _before, ...source } = await filled();
    await writeVolume(
      host(),
      source,
      [64, 96].map((at) => ({ offset: at * MIB, data: randomBytes(32 * MIB) })),
    );
    const common = { volumeId: source.id, volumeKey: source.key, snapshotId: null, parentId: null };
    const spec = { id: newUuid(), key: newKey(), ...common };
    await host().client.putBackup(spec);
    await waitUntil("its first bytes", async () => of(spec.id, await place.names()).length > 0, WAIT);
    await host().client.deleteBackup(spec.id);
    assert.equal(await host().client.getBackup(spec.id), null);
    await assertOnly([]);
    assert.deepEqual(await snapshotsIn(host(), source.id), []);
  });

  for (const step of [
    "remove:image",
    "make:begun",
    "restore:served",
    "restore:piece",
    "make:filled",
    "make:complete",
  ]) {
    test(`an agent that dies while one is restored into a volume (${step}) restores the whole of it`, async () => {
      const source = await ready();
      // More pieces than are under way at a time: some are there, and some are not.
      const writes = Array.from({ length: 8 }, (_none, at) => ({ offset: at * 8 * MIB, data: randomBytes(2 * MIB) }));
      await writeVolume(host(), source, writes);
      const digest = await digestOfVolume(host(), source);
      const key = newKey();
      const id = newUuid();
      await backup({ id, volumeId: source.id, volumeKey: source.key, snapshotId: null, parentId: null, key });
      const restored = await madeAnew(step, { kind: "backup", backupId: id, key });
      assert.equal(await digestOfVolume(host(), restored), digest);
      assert.equal(await digestOfVolume(host(), source), digest);
      assertTidy();
      // The backup is as good as it was.
      const again = await ready({ source: { kind: "backup", backupId: id, key } });
      assert.equal(await digestOfVolume(host(), again), digest);
      await removeAll([id]);
    });
  }

  test("without room for it none is made, and nothing is left of it; with room again it is", async () => {
    const spec = await ready();
    await writeVolume(host(), spec, [{ offset: 0, data: randomBytes(24 * MIB) }]);
    const common = { volumeId: spec.id, volumeKey: spec.key, snapshotId: null, parentId: null, key: newKey() };
    const wanted = { id: newUuid(), ...common };
    await place.limit(18 * MIB);
    const report = await backup(wanted);
    assert.match(report.fault ?? "", /no (space|room) left/);
    await assertOnly([]);
    assert.deepEqual(await snapshotsIn(host(), spec.id), []);
    await place.limit(null);
    assert.equal((await backup(wanted)).state, "ready");
    await removeAll([wanted.id]);
  });
}
