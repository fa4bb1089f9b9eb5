/** What the tests of real volumes have in common. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before } from "node:test";
import { buffer } from "node:stream/consumers";

import type { BackupReport, BackupSpec, ExportSpec, VolumeReport, VolumeSpec } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { type QemuHost, type QemuHostOptions, startQemuHost } from "./qemu-host.ts";

export const WAIT = { timeoutMs: 120_000, everyMs: 10 };
export const MIB = 1024 * 1024;
export const newKey = (): string => randomBytes(32).toString("base64");

/** A host for the tests of a suite, and what is done with its volumes. `options`: asked for when it starts. */
export function bench(
  options: () => QemuHostOptions = () => ({}),
): { host: () => QemuHost } & ReturnType<typeof verbs> {
  let host: QemuHost | undefined;
  before(async () => {
    host = await startQemuHost(options());
  });
  after(() => host?.stop());
  const the = (): QemuHost => {
    if (host === undefined) throw new Error("the host is not up");
    return host;
  };
  return { host: the, ...verbs(the) };
}

/** What is done with the volumes of a host; everything waits for its end. */
export function verbs(the: () => QemuHost) {
  const settled = (spec: VolumeSpec): Promise<VolumeReport> =>
    waitUntil(
      `volume ${spec.id} to settle`,
      async () => {
        const report = await the().client.getVolume(spec.id);
        return report !== null && report.generation === spec.generation && report.state !== "working" && report;
      },
      WAIT,
    );
  const specOf = (changes: Partial<VolumeSpec> = {}): VolumeSpec => ({
    id: newUuid(),
    generation: 1,
    sizeGib: 1,
    key: newKey(),
    source: { kind: "empty" },
    snapshots: [],
    ...changes,
  });
  const ready = async (changes: Partial<VolumeSpec> = {}): Promise<VolumeSpec> => {
    const spec = specOf(changes);
    await the().client.putVolume(spec);
    const report = await settled(spec);
    assert.deepEqual({ state: report.state, fault: report.fault }, { state: "ready", fault: undefined });
    return spec;
  };
  const change = (spec: VolumeSpec, changes: Partial<VolumeSpec>): Promise<VolumeSpec> =>
    ready({ ...spec, generation: spec.generation + 1, ...changes });
  const fault = async (spec: VolumeSpec): Promise<string> => {
    await the().client.putVolume(spec);
    const report = await settled(spec);
    assert.equal(report.state, "failed");
    return report.fault ?? "";
  };
  const backup = async (spec: BackupSpec): Promise<BackupReport> => {
    await the().client.putBackup(spec);
    return waitUntil(
      "the backup",
      async () => {
        const seen = await the().client.getBackup(spec.id);
        return seen !== null && seen.state !== "working" && seen;
      },
      WAIT,
    );
  };
  const exported = async (spec: ExportSpec): Promise<Buffer> => {
    await the().client.putExport(spec);
    await waitUntil("the export", async () => (await the().client.getExport(spec.id))?.state === "ready", WAIT);
    const bytes = await buffer((await the().client.openExport(spec.id)).data);
    await the().client.deleteExport(spec.id);
    return bytes;
  };
  return { settled, specOf, ready, change, fault, backup, exported };
}
