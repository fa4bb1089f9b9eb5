/** The contract of volumes, backups and exports, the same tests on a real host and on a simulated one. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { buffer } from "node:stream/consumers";

import type {
  BackupReport,
  BackupSpec,
  ExportReport,
  Report,
  VolumeReport,
  VolumeSpec,
} from "@andromede/agent-api/types";
import { CloudError, type ErrorKind } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { type BenchHost, specOf } from "./support/bench-host.ts";
import { startQemuHost } from "./support/qemu-host.ts";
import { startSimHost } from "./support/sim-host.ts";

const WAIT = { timeoutMs: 60_000, everyMs: 10 };
const newKey = (): string => randomBytes(32).toString("base64");
const refusal =
  (kind: ErrorKind) =>
  (error: unknown): boolean =>
    error instanceof CloudError && error.kind === kind;

describe("simulated host", () => suite(startSimHost));
describe("QEMU host", () => suite(startQemuHost));

function suite(start: () => Promise<BenchHost>): void {
  let host: BenchHost;
  before(async () => {
    host = await start();
  });
  after(() => host.stop());

  const settled = (spec: VolumeSpec): Promise<VolumeReport> =>
    waitUntil(
      `volume ${spec.id} to settle`,
      async () => {
        const report = await host.client.getVolume(spec.id);
        return report !== null && report.generation === spec.generation && report.state !== "working" && report;
      },
      WAIT,
    );
  async function put(changes: Partial<VolumeSpec> = {}): Promise<VolumeSpec> {
    const spec: VolumeSpec = {
      id: newUuid(),
      generation: 1,
      sizeGib: 1,
      key: newKey(),
      source: { kind: "empty" },
      snapshots: [],
      ...changes,
    };
    const { id, generation } = await host.client.putVolume(spec);
    assert.deepEqual({ id, generation }, { id: spec.id, generation: spec.generation });
    return spec;
  }
  async function ready(changes: Partial<VolumeSpec> = {}): Promise<VolumeSpec> {
    const spec = await put(changes);
    const report = await settled(spec);
    assert.equal(report.fault, undefined);
    assert.equal(report.state, "ready");
    return spec;
  }
  const change = (spec: VolumeSpec, changes: Partial<VolumeSpec>): Promise<VolumeSpec> =>
    ready({ ...spec, generation: spec.generation + 1, ...changes });
  const faultOf = async (changes: Partial<VolumeSpec>): Promise<string> => {
    const report = await settled(await put(changes));
    assert.equal(report.state, "failed");
    return report.fault ?? "";
  };
  async function backedUp(spec: Omit<BackupSpec, "id">): Promise<BackupReport & { spec: BackupSpec }> {
    const whole = { id: newUuid(), ...spec };
    await host.client.putBackup(whole);
    const report = await waitUntil(
      "the backup",
      async () => {
        const seen = await host.client.getBackup(whole.id);
        return seen?.state !== "working" && seen !== null && seen;
      },
      WAIT,
    );
    return { ...report, spec: whole };
  }
  const exported = (id: string): Promise<ExportReport> =>
    waitUntil(
      "the export",
      async () => {
        const seen = await host.client.getExport(id);
        return seen !== null && seen.state !== "working" && seen;
      },
      WAIT,
    );

  test("the host says where volumes can be", async () => {
    const { pools } = await host.client.host();
    assert.deepEqual(
      pools?.map(({ name, driver }) => ({ name, driver })),
      [{ name: "local", driver: "qcow2" }],
    );
    assert.ok((pools?.[0]?.totalGib ?? 0) >= (pools?.[0]?.freeGib ?? -1));
  });

  test("a volume is made, grows, has snapshots, goes back to one, loses them, and goes", async () => {
    let spec = await ready();
    const [first, second] = [newUuid(), newUuid()];
    spec = await change(spec, { snapshots: [first] });
    spec = await change(spec, { sizeGib: 2, snapshots: [first, second] });
    const grown = await settled(spec);
    assert.deepEqual(
      { sizeGib: grown.sizeGib, snapshots: grown.snapshots },
      { sizeGib: 2, snapshots: [first, second] },
    );
    spec = await change(spec, { revert: { snapshotId: second, nonce: "once" } });
    assert.equal((await settled(spec)).revertNonce, "once");
    spec = await change(spec, { snapshots: [second] });
    assert.deepEqual((await settled(spec)).snapshots, [second]);
    // Told again, nothing happens.
    assert.equal((await host.client.putVolume(spec)).state, "ready");
    await host.client.deleteVolume(spec.id, spec.generation + 1);
    await waitUntil("its end", async () => (await host.client.getVolume(spec.id)) === null, WAIT);
    assert.equal(await host.client.deleteVolume(spec.id, spec.generation + 2), false);
    // A late order does not bring it back.
    await assert.rejects(host.client.putVolume(spec), refusal("conflict"));
  });

  test("older generations are refused, and change nothing", async () => {
    const spec = await ready({ generation: 5 });
    await assert.rejects(host.client.putVolume({ ...spec, generation: 4, sizeGib: 3 }), refusal("conflict"));
    await assert.rejects(host.client.deleteVolume(spec.id, 4), refusal("conflict"));
    assert.equal((await settled(spec)).sizeGib, 1);
  });

  test("volumes from a volume, from a snapshot, from a backup and from one on top of it", async () => {
    const snapshot = newUuid();
    const source = await ready({ snapshots: [snapshot] });
    await ready({ sizeGib: 2, source: { kind: "volume", volumeId: source.id, key: source.key } });
    await ready({ source: { kind: "snapshot", volumeId: source.id, snapshotId: snapshot, key: source.key } });
    const key = newKey();
    const full = await backedUp({
      volumeId: source.id,
      volumeKey: source.key,
      snapshotId: snapshot,
      parentId: null,
      key,
    });
    assert.deepEqual({ state: full.state, progress: full.progress }, { state: "ready", progress: 100 });
    const next = { volumeId: source.id, volumeKey: source.key, snapshotId: null, parentId: full.id, key };
    const onTop = await backedUp(next);
    assert.equal(onTop.state, "ready");
    await ready({ source: { kind: "backup", backupId: onTop.id, key } });
    // What was made stays what it is, however often it is asked for.
    assert.equal((await host.client.putBackup(full.spec)).state, "ready");
    assert.deepEqual((await settled(source)).snapshots, [snapshot]);
    await host.client.deleteBackup(onTop.id);
    await host.client.deleteBackup(onTop.id);
    assert.equal(await host.client.getBackup(onTop.id), null);
    assert.match(await faultOf({ source: { kind: "backup", backupId: onTop.id, key } }), /is not there/);
  });

  test("what cannot be is a fault in words, and a newer generation tries again", async () => {
    const source = await ready({ sizeGib: 2 });
    const { id: volumeId, key } = source;
    assert.match(await faultOf({ source: { kind: "volume", volumeId: newUuid(), key } }), /is not there/);
    assert.match(await faultOf({ source: { kind: "snapshot", volumeId, snapshotId: newUuid(), key } }), /is not there/);
    assert.match(await faultOf({ source: { kind: "volume", volumeId, key: newKey() } }), /key/);
    const late = newUuid();
    const spec = await put({ id: late, source: { kind: "volume", volumeId, key } });
    assert.match((await settled(spec)).fault ?? "", /larger|needs 2 GiB/);
    await ready({ ...spec, generation: 2, sizeGib: 2 });
    assert.match(await faultOf({ ...source, generation: 2, sizeGib: 1 }), /cannot shrink/);
    assert.match(await faultOf({ ...source, generation: 3, revert: { snapshotId: late, nonce: "n" } }), /is not there/);
    assert.match(await faultOf({ ...source, generation: 4, snapshots: [newUuid()], key: newKey() }), /key/);
    await change({ ...source, generation: 4 }, {});
    const bad = { volumeId, volumeKey: newKey(), snapshotId: null, parentId: null, key: newKey() };
    assert.match((await backedUp(bad)).fault ?? "", /key/);
  });

  test("an incremental backup needs its parent, and its key", async () => {
    const { id: volumeId, key: volumeKey } = await ready();
    const key = newKey();
    const common = { volumeId, volumeKey, snapshotId: null };
    assert.match((await backedUp({ ...common, parentId: newUuid(), key })).fault ?? "", /is not there/);
    const full = await backedUp({ ...common, parentId: null, key });
    const wrong = await backedUp({ ...common, parentId: full.id, key: newKey() });
    assert.match(wrong.fault ?? "", /key/);
    assert.match(await faultOf({ source: { kind: "backup", backupId: full.id, key: newKey() } }), /key/);
    // Asked for again, it is tried again.
    await host.client.deleteBackup(wrong.id);
    await host.client.putBackup({ ...wrong.spec, key });
    await waitUntil("the backup", async () => (await host.client.getBackup(wrong.id))?.state === "ready", WAIT);
  });

  test("a volume is exported as one file", async () => {
    const snapshotId = newUuid();
    const { id: volumeId, key } = await ready({ snapshots: [snapshotId] });
    const id = newUuid();
    await assert.rejects(host.client.openExport(id), refusal("notFound"));
    await host.client.putExport({ id, source: { kind: "volume", volumeId, snapshotId, key }, format: "qcow2" });
    const report = await exported(id);
    assert.deepEqual({ state: report.state, quiesced: report.quiesced }, { state: "ready", quiesced: false });
    const { sizeBytes, data } = await host.client.openExport(id);
    const bytes = await buffer(data);
    assert.equal(sizeBytes, report.sizeBytes);
    assert.equal(bytes.length, sizeBytes);
    assert.equal(bytes.toString("latin1", 0, 4), "QFI\u00fb");
    assert.equal(bytes.readBigUInt64BE(24), 2n ** 30n);
    await host.client.deleteExport(id);
    await host.client.deleteExport(id);
    assert.equal(await host.client.getExport(id), null);
    const lost = newUuid();
    await host.client.putExport({
      id: lost,
      source: { kind: "guestDisk", guestId: newUuid(), diskId: "root", quiesce: true },
      format: "raw",
    });
    assert.match((await exported(lost)).fault ?? "", /no disk root/);
  });

  test("the root disk of a guest that does not run is exported", async (context) => {
    const guest = specOf(host, { power: "stopped", interfaces: [] });
    await host.client.putGuest(guest);
    context.after(async () => {
      await host.client.deleteGuest(guest.id, 2);
      await waitUntil("its end", async () => (await host.client.getGuest(guest.id)) === null, WAIT);
    });
    await waitUntil("the guest", async () => (await host.client.getGuest(guest.id))?.converged, WAIT);
    const id = newUuid();
    const source = { kind: "guestDisk", guestId: guest.id, diskId: "root", quiesce: true } as const;
    await host.client.putExport({ id, source, format: "qcow2" });
    const report = await exported(id);
    assert.equal(report.fault, undefined);
    assert.equal(report.quiesced, false);
    await host.client.deleteExport(id);
  });

  test("reports tell of all of it: everything on connection, then what changes, an end once", async () => {
    const spec = await ready();
    const heard: Report[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const report of host.client.reports(stop.signal)) heard.push(report);
    })();
    await waitUntil("the full report", () => heard.length > 0, WAIT);
    assert.ok(heard[0]?.full === true && heard[0].volumes?.some(({ id }) => id === spec.id));
    const snapshot = newUuid();
    await change(spec, { snapshots: [snapshot] });
    const told = (): VolumeReport[] => heard.slice(1).flatMap(({ volumes = [] }) => volumes);
    await waitUntil("the change", () => told().some(({ snapshots }) => snapshots.includes(snapshot)), WAIT);
    const backup = await backedUp({
      volumeId: spec.id,
      volumeKey: spec.key,
      snapshotId: snapshot,
      parentId: null,
      key: newKey(),
    });
    await waitUntil(
      "news of the backup",
      () =>
        lastOf(
          heard.flatMap(({ backups = [] }) => backups),
          backup.id,
        ),
      WAIT,
    );
    await host.client.deleteVolume(spec.id, 9);
    await waitUntil("its end", () => told().filter(({ gone }) => gone === true).length === 1, WAIT);
    stop.abort();
    await listening;
  });

  test("an agent that was away knows nothing of volumes until it is told; then finds them as they were", async () => {
    const snapshot = newUuid();
    const spec = await ready({ snapshots: [snapshot] });
    await host.crashAgent();
    await host.startAgent();
    assert.equal(await host.client.getVolume(spec.id), null);
    await ready(spec);
    assert.deepEqual((await settled(spec)).snapshots, [snapshot]);
    await host.crashAgent();
    await host.startAgent();
    // Deleted without having been told of.
    await host.client.deleteVolume(spec.id, 2);
    await waitUntil("its end", async () => !(await host.client.deleteVolume(spec.id, 2)), WAIT);
  });

  test("what does not keep to the contract is refused", async () => {
    const spec = {
      id: newUuid(),
      generation: 1,
      sizeGib: 1,
      key: null,
      source: { kind: "empty" },
      snapshots: [],
    } as const;
    const bad: unknown[] = [
      { ...spec, id: "../../etc/passwd" },
      { ...spec, key: "short" },
      { ...spec, sizeGib: 0 },
      { ...spec, snapshots: ["../x"] },
      { ...spec, source: { kind: "image", imageId: "a/b", sha512: "0", format: "vmdk", sizeBytes: 1, path: "x" } },
      { ...spec, surprise: 1 },
      {},
    ];
    for (const body of bad) {
      await assert.rejects(
        host.client.putVolume(body as VolumeSpec),
        (error) => error instanceof CloudError && (error.kind === "invalid" || error.kind === "notFound"),
      );
    }
    await assert.rejects(host.client.putBackup({ id: spec.id } as BackupSpec), refusal("invalid"));
    await assert.rejects(host.client.deleteVolume(spec.id, -1), refusal("invalid"));
    assert.equal(await host.client.getVolume(spec.id), null);
  });
}

const lastOf = (reports: BackupReport[], id: string): boolean =>
  reports.filter((report) => report.id === id).at(-1)?.state === "ready";
