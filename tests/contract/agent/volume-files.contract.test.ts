/** What only real volumes have: bytes that must be the same, keys that must be nowhere, crashes, disks that are full. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { buffer } from "node:stream/consumers";

import type { BackupSpec, ExportSpec, VolumeSource, VolumeSpec } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { MIB, WAIT, bench, newKey, verbs } from "./support/volume-bench.ts";
import {
  digestOfVolume,
  filesBelow,
  filesWith,
  snapshotsIn,
  withVolume,
  writeVolume,
} from "./support/volume-content.ts";

describe("what is in volumes", () => {
  const { host, ready, change, backup, exported } = bench();
  const file = ({ id, key }: VolumeSpec): { id: string; key: string | null } => ({ id, key });

  test("is there after snapshots, growing, reverting, cloning, and in an export", async () => {
    const old = randomBytes(3 * MIB);
    const [first, second] = [newUuid(), newUuid()];
    let spec = await ready();
    await writeVolume(host(), file(spec), [
      { offset: 512, data: old },
      { offset: 900 * MIB, data: randomBytes(MIB) },
    ]);
    const before_ = await digestOfVolume(host(), file(spec));
    spec = await change(spec, { snapshots: [first] });
    await writeVolume(host(), file(spec), [{ offset: MIB, data: randomBytes(MIB) }]);
    const after_ = await digestOfVolume(host(), file(spec));
    assert.notEqual(after_, before_);
    spec = await change(spec, { sizeGib: 3, snapshots: [first, second] });
    await withVolume(host(), file(spec), async (client) => assert.equal(client.sizeBytes, 3 * 2 ** 30));
    assert.equal(await digestOfVolume(host(), file(spec)), after_);
    assert.equal(await digestOfVolume(host(), file(spec), first), before_);
    const snapshotOf = { kind: "snapshot", volumeId: spec.id, snapshotId: first, key: spec.key } as const;
    const fromFirst = await ready({ source: snapshotOf });
    const fromNow = await ready({ sizeGib: 4, source: { kind: "volume", volumeId: spec.id, key: spec.key } });
    const plain = await ready({ key: null, source: snapshotOf });
    const id = newUuid();
    const key = newKey();
    const small = { id, volumeId: spec.id, volumeKey: spec.key, snapshotId: first, parentId: null, key };
    assert.equal((await backup(small)).state, "ready");
    const restored = await ready({ source: { kind: "backup", backupId: id, key } });
    for (const [copy, digest] of [
      [fromFirst, before_],
      [fromNow, after_],
      [plain, before_],
      [restored, before_],
    ] as const)
      assert.equal(await digestOfVolume(host(), file(copy)), digest);
    assert.deepEqual((await snapshotsIn(host(), spec.id)).toSorted(), [first, second].toSorted());
    // The first snapshot is of a smaller disk: the volume has its content, and its own size.
    spec = await change(spec, { revert: { snapshotId: first, nonce: "back" } });
    assert.equal(await digestOfVolume(host(), file(spec)), before_);
    await withVolume(host(), file(spec), async (client) => assert.equal(client.sizeBytes, 3 * 2 ** 30));
    const source = { kind: "volume", volumeId: spec.id, key: spec.key } as const;
    const raw = await exported({ id: newUuid(), source: { ...source, snapshotId: first }, format: "raw" });
    assert.equal(raw.length, 2 ** 30);
    assert.ok(raw.subarray(512, 512 + old.length).equals(old));
    const whole = await exported({ id: newUuid(), source: { ...source, snapshotId: null }, format: "qcow2" });
    assert.equal(whole.readBigUInt64BE(24), 3n * 2n ** 30n);
    spec = await change(spec, { snapshots: [] });
    assert.deepEqual(await snapshotsIn(host(), spec.id), []);
    assert.equal(await digestOfVolume(host(), file(spec)), before_);
  });

  test("comes out of a chain of backups, whatever became of the volume; each holds only what its parent has not", async () => {
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
      { offset: 512 * MIB, data: randomBytes(8 * MIB) },
    ]);
    const digests = [await digestOfVolume(host(), file(spec))];
    const full = await backup({ id: ids[0], parentId: null, ...common() });
    assert.deepEqual({ pieces: full.pieces, progress: full.progress }, { pieces: 5, progress: 100 });
    // Text is compressed, chance is not.
    assert.ok(full.storedBytes > 8 * MIB && full.storedBytes < 9 * MIB, `${full.storedBytes} bytes`);
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
      await client.writeZeroes(512 * MIB, 8 * MIB);
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
  });

  test("comes out of a backup whole, or not at all", async () => {
    const key = newKey();
    const id = newUuid();
    const spec = await ready();
    await writeVolume(host(), file(spec), [{ offset: 0, data: randomBytes(5 * MIB) }]);
    await backup({ id, volumeId: spec.id, volumeKey: spec.key, snapshotId: null, parentId: null, key });
    const { fault, specOf } = verbs(host);
    for (const name of ["pieces", "manifest"]) {
      const path = join(host().backups, id, name);
      const bytes = readFileSync(path);
      const at = bytes.length - 40;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      const broken = specOf({ source: { kind: "backup", backupId: id, key } });
      assert.match(await fault(broken), /damaged/);
      assert.ok(!filesBelow(host().volumes).some((each) => each.includes(broken.id)));
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    }
    await ready({ source: { kind: "backup", backupId: id, key } });
  });

  test("is the image that it was made from, checked first", async () => {
    const bytes = Buffer.concat([randomBytes(2 * MIB), Buffer.alloc(3 * MIB), randomBytes(MIB)]);
    const path = join(dirname(host().dataDir), "image.raw");
    writeFileSync(path, bytes);
    const sha512 = createHash("sha512").update(bytes).digest("hex");
    const image = { kind: "image", imageId: newUuid(), sha512, format: "raw", sizeBytes: bytes.length, path } as const;
    const spec = await ready({ source: image });
    await withVolume(host(), file(spec), async (client) =>
      assert.ok((await client.read(0, bytes.length)).equals(bytes)),
    );
    const { fault, specOf } = verbs(host);
    const other = { ...image, imageId: newUuid(), sha512: "0".repeat(128) };
    assert.match(await fault(specOf({ source: other })), /checksum/);
    const lost = { ...image, imageId: newUuid(), path: "/nowhere" };
    assert.match(await fault(specOf({ source: lost })), /cannot be read/);
  });

  test("and its keys are nowhere to be seen: not in files, not in what processes are called, not in logs", async () => {
    const marker = randomBytes(48);
    const keys = [newKey(), newKey(), newKey()] as const;
    const seen = watchProcesses(keys);
    const spec = await ready({ key: keys[0] });
    await writeVolume(
      host(),
      file(spec),
      Array.from({ length: 64 }, (_none, at) => ({ offset: at * 8192, data: marker })),
    );
    const snapshot = newUuid();
    await change(spec, { sizeGib: 2, snapshots: [snapshot] });
    const source = { kind: "snapshot", volumeId: spec.id, snapshotId: snapshot, key: keys[0] } as const;
    await ready({ sizeGib: 2, key: keys[1], source });
    const id = newUuid();
    const common = { id, volumeId: spec.id, volumeKey: keys[0], snapshotId: snapshot, parentId: null };
    const { storedBytes } = await backup({ ...common, key: keys[2] });
    assert.ok(storedBytes > 0);
    await ready({ sizeGib: 2, key: keys[1], source: { kind: "backup", backupId: id, key: keys[2] } });
    const { programs, exposed } = seen.stop();
    assert.deepEqual(exposed, []);
    for (const program of ["qemu-img", "qemu-nbd"]) assert.ok(programs.has(program), `${program} was seen`);
    assert.deepEqual(filesWith([host().volumes, host().backups], [marker]), []);
    const secrets = keys.flatMap((key) => [Buffer.from(key), Buffer.from(key, "base64")]);
    assert.deepEqual(filesWith([dirname(host().dataDir)], secrets), []);
    // The search finds what is there.
    const plain = await ready({ key: null, source: { ...source, key: keys[0] }, sizeGib: 2 });
    assert.deepEqual(filesWith([host().volumes], [marker]), [join(host().volumes, `${plain.id}.qcow2`)]);
  });
});

/** Command lines that name the directory, of QEMU's tools and of what starts them. */
function toolsOf(directory: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      return /qemu-(img|nbd)/.test(commandLine) && commandLine.includes(directory) ? commandLine : [];
    } catch {
      return [];
    }
  });
}

/** Looks at all processes again and again: at their names, their command lines and their environments. */
function watchProcesses(keys: readonly string[]): { stop: () => { programs: Set<string>; exposed: string[] } } {
  const programs = new Set<string>();
  const exposed = new Set<string>();
  const read = (pid: string, name: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, "latin1");
    } catch {
      return "";
    }
  };
  const look = (): void => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (Number(pid) === process.pid) continue;
      const commandLine = read(pid, "cmdline");
      programs.add(commandLine.split("\0")[0] ?? "");
      const said = commandLine + read(pid, "environ");
      if (keys.some((key) => said.includes(key))) exposed.add(commandLine);
    }
  };
  const timer = setInterval(look, 20);
  return {
    stop() {
      clearInterval(timer);
      return { programs, exposed: [...exposed] };
    },
  };
}

describe("an agent that dies", () => {
  const { host, settled, specOf, ready, backup } = bench();
  const content = randomBytes(2 * MIB);
  /** An agent that is back has done what it was told within this. */
  const FINAL_STATE_MS = 30_000;

  /** The agent dies at the step of what `order` begins; another agent is told the same, and told to the end. */
  async function dieAt(step: string, order: () => Promise<unknown>): Promise<void> {
    await host().crashAgent();
    await host().startAgent({ crashAt: step });
    const died = host().agentDied();
    // It may die before it answers.
    await order().catch(() => undefined);
    await died;
    await waitUntil("the end of all that worked for it", () => toolsOf(host().volumes).length === 0, WAIT);
    await host().startAgent();
    await order();
  }
  async function untilReady(spec: VolumeSpec): Promise<void> {
    const since = performance.now();
    const report = await settled(spec);
    const took = performance.now() - since;
    assert.ok(took < FINAL_STATE_MS, `${took.toFixed(0)} ms after the agent was back`);
    assert.deepEqual({ state: report.state, fault: report.fault }, { state: "ready", fault: undefined });
  }
  /** Nothing but whole volumes, their records, and what is empty anyway. */
  function assertTidy(): void {
    const left = filesBelow(host().volumes).filter((path) => !/\/[0-9a-f-]{36}\.(qcow2|json)$/.test(path));
    assert.deepEqual(left, []);
    assert.deepEqual(
      readdirSync(host().backups).filter((name) => !/^[0-9a-f-]{36}$/.test(name)),
      [],
    );
  }
  async function filled(changes: Partial<VolumeSpec> = {}): Promise<VolumeSpec & { digest: string }> {
    const spec = await ready(changes);
    await writeVolume(host(), spec, [{ offset: 7 * MIB, data: content }]);
    return { ...spec, digest: await digestOfVolume(host(), spec) };
  }

  for (const step of ["make:begun", "make:created", "make:filled", "make:complete", "make:recorded"]) {
    test(`while a volume is copied (${step}) leaves nothing in the way`, async () => {
      const { digest, ...source } = await filled();
      const spec = specOf({ source: { kind: "volume", volumeId: source.id, key: source.key } });
      await dieAt(step, () => host().client.putVolume(spec));
      await untilReady(spec);
      await host().client.putVolume(source);
      await untilReady(source);
      assert.equal(await digestOfVolume(host(), spec), digest);
      assert.deepEqual(await snapshotsIn(host(), source.id), []);
      assertTidy();
    });
  }

  for (const phase of ["intended", "done", "recorded"]) {
    test(`while a volume changes (${phase}) leaves it whole`, async () => {
      const { digest, ...spec } = await filled();
      const [first, second] = [newUuid(), newUuid()];
      const grown = { ...spec, generation: 2, sizeGib: 2 };
      await dieAt(`grow:${phase}`, () => host().client.putVolume(grown));
      await untilReady(grown);
      const taken = { ...grown, generation: 3, snapshots: [first, second] };
      await dieAt(`snapshot:${phase}`, () => host().client.putVolume(taken));
      await untilReady(taken);
      await writeVolume(host(), spec, [{ offset: 0, data: content }]);
      const reverted = { ...taken, generation: 4, revert: { snapshotId: first, nonce: "n" } };
      await dieAt(`revert:${phase}`, () => host().client.putVolume(reverted));
      await untilReady(reverted);
      assert.equal(await digestOfVolume(host(), spec), digest);
      const fewer = { ...reverted, generation: 5, snapshots: [second] };
      await dieAt(`unsnapshot:${phase}`, () => host().client.putVolume(fewer));
      await untilReady(fewer);
      assert.deepEqual(await snapshotsIn(host(), spec.id), [second]);
      assert.equal(await digestOfVolume(host(), spec), digest);
      assert.equal(await digestOfVolume(host(), spec, second), digest);
      assertTidy();
    });
  }

  for (const step of ["remove:begun", "remove:image"]) {
    test(`while a volume is removed (${step}) lets it be removed`, async () => {
      const spec = await ready();
      await dieAt(step, () => host().client.deleteVolume(spec.id, 2));
      await waitUntil("its end", async () => !(await host().client.deleteVolume(spec.id, 2)), WAIT);
      assert.ok(!filesBelow(host().volumes).some((path) => path.includes(spec.id)));
    });
  }

  for (const step of ["backup:begun", "backup:snapshot", "backup:copied", "backup:complete"]) {
    test(`while a backup is made (${step}) leaves nothing in the way`, async () => {
      const { digest, ...source } = await filled();
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
      if (step !== "backup:complete") return;
      await dieAt("backup:removing", () => host().client.deleteBackup(spec.id));
      assertTidy();
      assert.ok(!existsSync(join(host().backups, spec.id)));
    });
  }

  /** What a volume is made anew from, when its old bytes have gone: its id and its key stay. */
  async function madeAnew(step: string, source: VolumeSource): Promise<VolumeSpec> {
    const { digest: _old, ...spec } = await filled();
    const anew = { ...spec, generation: 3, source };
    const order = async (): Promise<void> => {
      await host().client.deleteVolume(spec.id, 2);
      await waitUntil("its end", async () => !(await host().client.deleteVolume(spec.id, 2)), WAIT);
      await host().client.putVolume(anew);
    };
    await dieAt(step, order);
    await untilReady(anew);
    return anew;
  }
  for (const step of [
    "remove:image",
    "make:begun",
    "restore:served",
    "restore:piece",
    "make:filled",
    "make:complete",
  ]) {
    test(`while a backup is restored into a volume (${step}) restores the whole of it`, async () => {
      const source = await ready();
      // More pieces than are under way at a time: some are there, and some are not.
      const writes = Array.from({ length: 8 }, (_none, at) => ({ offset: at * 8 * MIB, data: content }));
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
    });
  }

  for (const step of ["remove:begun", "make:created", "make:filled", "make:complete"]) {
    test(`while a volume is made anew from an image (${step}) makes the whole of it`, async () => {
      const bytes = randomBytes(3 * MIB);
      const path = join(dirname(host().dataDir), `${newUuid()}.raw`);
      writeFileSync(path, bytes);
      const sha512 = createHash("sha512").update(bytes).digest("hex");
      const imageId = newUuid();
      const image = { kind: "image", imageId, sha512, format: "raw", sizeBytes: bytes.length, path } as const;
      const anew = await madeAnew(step, image);
      await withVolume(host(), anew, async (client) => {
        assert.ok((await client.read(0, bytes.length)).equals(bytes));
        // Nothing of what was there before.
        assert.ok((await client.read(7 * MIB, content.length)).every((byte) => byte === 0));
      });
      assertTidy();
    });
  }

  for (const step of ["export:begun", "export:snapshot", "export:copied", "export:named"]) {
    test(`while an export is made (${step}) leaves nothing in the way`, async () => {
      const { digest, ...source } = await filled();
      const from = { kind: "volume", volumeId: source.id, snapshotId: null, key: source.key } as const;
      const spec: ExportSpec = { id: newUuid(), source: from, format: "qcow2" };
      await dieAt(step, () => host().client.putExport(spec));
      await waitUntil("the export", async () => (await host().client.getExport(spec.id))?.state === "ready", WAIT);
      const { data } = await host().client.openExport(spec.id);
      const id = newUuid();
      writeFileSync(join(host().volumes, `${id}.qcow2`), await buffer(data));
      assert.equal(await digestOfVolume(host(), { id, key: null }), digest);
      rmSync(join(host().volumes, `${id}.qcow2`));
      await host().client.deleteExport(spec.id);
      assert.deepEqual(readdirSync(join(host().dataDir, "exports")), []);
      await host().client.putVolume(source);
      await untilReady(source);
      assert.deepEqual(await snapshotsIn(host(), source.id), []);
      assertTidy();
    });
  }
});

describe("a disk that is full", () => {
  const { host, ready, specOf, fault, backup } = bench({ volumesMib: 20, backupsMib: 8 });

  test("is said so in words, and nothing is left on it", async () => {
    const small = await ready();
    const kept = filesBelow(host().volumes).toSorted();
    await writeVolume(host(), small, [{ offset: 0, data: randomBytes(10 * MIB) }]);
    const copy = specOf({ source: { kind: "volume", volumeId: small.id, key: small.key } });
    assert.match(await fault(copy), /no space left/);
    assert.deepEqual(filesBelow(host().volumes).toSorted(), kept);
    assert.deepEqual(await snapshotsIn(host(), small.id), []);
    const spec = { volumeId: small.id, volumeKey: small.key, snapshotId: null, parentId: null, key: newKey() };
    const report = await backup({ id: newUuid(), ...spec });
    assert.match(report.fault ?? "", /no space left/);
    assert.deepEqual(readdirSync(host().backups), []);
    // With room again, the same is made.
    await ready({ ...specOf(), sizeGib: 1 });
  });

  test("so it is before anything is begun", async () => {
    const junk = join(host().volumes, "junk");
    mkdirSync(junk);
    fill(join(junk, "file"));
    const before_ = filesBelow(host().volumes).toSorted();
    assert.match(await fault(specOf()), /no space left/);
    assert.deepEqual(filesBelow(host().volumes).toSorted(), before_);
    rmSync(junk, { recursive: true });
    await ready();
  });
});

/** Writes until there is no space left. */
function fill(path: string): void {
  for (let size = 4 * MIB; size >= 512;) {
    try {
      writeFileSync(path, Buffer.alloc(size, 1), { flag: "a" });
    } catch {
      size /= 2;
    }
  }
}
