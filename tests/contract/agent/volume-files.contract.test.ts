/** What only real volumes have: bytes that must be the same, keys that must be nowhere, crashes, disks that are full. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { buffer } from "node:stream/consumers";

import type { ExportSpec, VolumeSpec } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { deaths } from "./support/agent-deaths.ts";
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
  const { host, ready, specOf, content, dieAt, untilReady, filled, madeAnew, assertTidy } = deaths(bench());
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
  const { host, ready, specOf, fault } = bench(() => ({ volumesMib: 20 }));

  test("is said so in words, and nothing is left on it", async () => {
    const small = await ready();
    const kept = filesBelow(host().volumes).toSorted();
    await writeVolume(host(), small, [{ offset: 0, data: randomBytes(10 * MIB) }]);
    const copy = specOf({ source: { kind: "volume", volumeId: small.id, key: small.key } });
    assert.match(await fault(copy), /no space left/);
    assert.deepEqual(filesBelow(host().volumes).toSorted(), kept);
    assert.deepEqual(await snapshotsIn(host(), small.id), []);
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
