/** A host agent that keeps volumes in a few words of memory, by the contract of libs/agent-api. Of guests it knows nothing. */
import { Readable } from "node:stream";

import type { AgentClient } from "@andromede/agent-api/client";
import {
  AGENT_API_VERSION,
  type BackupReport,
  type BackupSpec,
  type ExportReport,
  type ExportSpec,
  type HostFacts,
  type Report,
  type VolumeReport,
  type VolumeSpec,
} from "@andromede/agent-api/types";
import { conflict, notFound, unavailable } from "@andromede/base/errors";

type Kept = { spec: VolumeSpec; report: VolumeReport };

/** What is asked of an agent about volumes. */
type VolumeClient = Pick<
  AgentClient,
  | "putVolume"
  | "getVolume"
  | "deleteVolume"
  | "putBackup"
  | "getBackup"
  | "deleteBackup"
  | "putExport"
  | "getExport"
  | "openExport"
  | "deleteExport"
>;

export class FakeVolumeAgent implements VolumeClient {
  readonly facts: HostFacts;
  readonly calls: string[] = [];
  /** Every spec that came, by volume: the newest. */
  readonly specs = new Map<string, VolumeSpec>();
  readonly backupSpecs = new Map<string, BackupSpec>();
  readonly exportSpecs = new Map<string, ExportSpec>();
  /** What exports are made of. */
  exportBytes: Buffer = Buffer.alloc(1 << 20, 5);
  /** Where reports go. */
  onReport: (report: Report) => Promise<void> = () => Promise.resolve();
  /** What was asked stays undone until released. */
  held = false;
  /** Every call fails as if nobody listened. */
  away = false;
  /** What was asked fails with this. */
  failWith: string | null = null;
  readonly volumes = new Map<string, Kept>();
  readonly backups = new Map<string, BackupReport>();
  readonly #exports = new Map<string, ExportReport>();

  constructor(pool = "volumes") {
    this.facts = {
      apiVersion: AGENT_API_VERSION,
      hostname: "fake.example",
      backend: "simulated",
      accelerator: "none",
      vcpus: 8,
      memoryMib: 8192,
      diskGib: 100,
      pools: [{ name: pool, driver: "qcow2", totalGib: 1000, freeGib: 900 }],
    };
  }

  fullReport(): Promise<void> {
    return this.onReport({
      full: true,
      host: this.facts,
      guests: [],
      volumes: [...this.volumes.values()].map(({ report }) => ({ ...report })),
      backups: [...this.backups.values()],
      exports: [...this.#exports.values()],
    });
  }

  /** Does all that was held. */
  async release(): Promise<void> {
    this.held = false;
    for (const kept of this.volumes.values()) await this.#converge(kept);
    for (const [id, { state }] of this.backups) if (state === "working") await this.#finishBackup(id);
  }

  /** As after a restart: what it was told is forgotten, what it made is there. */
  forget(): void {
    this.specs.clear();
    this.backupSpecs.clear();
  }

  async putVolume(spec: VolumeSpec): Promise<VolumeReport> {
    this.#reached(`put volume ${spec.id} ${spec.generation} ${spec.source.kind}`);
    const known = this.volumes.get(spec.id);
    if (known !== undefined && known.spec.generation > spec.generation) throw conflict("an older generation");
    this.specs.set(spec.id, spec);
    const before = known?.report ?? { id: spec.id, sizeGib: 0, snapshots: [] as string[] };
    const kept: Kept = { spec, report: { ...before, generation: spec.generation, state: "working" } };
    delete kept.report.fault;
    this.volumes.set(spec.id, kept);
    if (!this.held) setImmediate(() => void this.#converge(kept));
    return { ...kept.report };
  }

  async getVolume(id: string): Promise<VolumeReport | null> {
    this.#reached(`get volume ${id}`);
    return this.volumes.get(id)?.report ?? null;
  }

  async deleteVolume(id: string, generation: number): Promise<boolean> {
    this.#reached(`delete volume ${id} ${generation}`);
    const kept = this.volumes.get(id);
    if (kept === undefined) return false;
    if (kept.spec.generation > generation) throw conflict("an older generation");
    if (this.held) return true;
    this.volumes.delete(id);
    setImmediate(() => void this.#tell({ volumes: [{ ...kept.report, generation, gone: true, sizeGib: 0 }] }));
    return true;
  }

  async putBackup(spec: BackupSpec): Promise<BackupReport> {
    this.#reached(`put backup ${spec.id}`);
    this.backupSpecs.set(spec.id, spec);
    const done = this.backups.get(spec.id);
    if (done?.state === "ready") return done;
    const report: BackupReport = { id: spec.id, state: "working", storedBytes: 0, pieces: 0, progress: 0 };
    this.backups.set(spec.id, report);
    if (!this.held) setImmediate(() => void this.#finishBackup(spec.id));
    return report;
  }

  async getBackup(id: string): Promise<BackupReport | null> {
    this.#reached(`get backup ${id}`);
    return this.backups.get(id) ?? null;
  }

  async deleteBackup(id: string): Promise<void> {
    this.#reached(`delete backup ${id}`);
    this.backups.delete(id);
  }

  async putExport(spec: ExportSpec): Promise<ExportReport> {
    this.#reached(`put export ${spec.id}`);
    this.exportSpecs.set(spec.id, spec);
    const report: ExportReport =
      this.failWith === null
        ? { id: spec.id, state: "ready", sizeBytes: this.exportBytes.length, quiesced: false }
        : { id: spec.id, state: "failed", sizeBytes: 0, quiesced: false, fault: this.failWith };
    this.#exports.set(spec.id, report);
    return report;
  }

  async getExport(id: string): Promise<ExportReport | null> {
    this.#reached(`get export ${id}`);
    return this.#exports.get(id) ?? null;
  }

  async openExport(id: string): Promise<{ sizeBytes: number; data: Readable }> {
    this.#reached(`open export ${id}`);
    if (!this.#exports.has(id)) throw notFound(`no export ${id}`);
    return { sizeBytes: this.exportBytes.length, data: Readable.from([this.exportBytes], { objectMode: false }) };
  }

  async deleteExport(id: string): Promise<void> {
    this.#reached(`delete export ${id}`);
    this.#exports.delete(id);
  }

  #reached(call: string): void {
    this.calls.push(call);
    if (this.away) throw unavailable("host agent does not answer");
  }

  #tell(part: Partial<Report>): Promise<void> {
    return this.onReport({ full: false, host: this.facts, guests: [], ...part });
  }

  async #converge(kept: Kept): Promise<void> {
    if (this.volumes.get(kept.spec.id) !== kept) return;
    const { spec } = kept;
    kept.report =
      this.failWith === null
        ? {
            ...kept.report,
            state: "ready",
            sizeGib: Math.max(spec.sizeGib, kept.report.sizeGib),
            snapshots: spec.snapshots,
            ...(spec.revert === undefined ? {} : { revertNonce: spec.revert.nonce }),
          }
        : { ...kept.report, state: "failed", fault: this.failWith };
    await this.#tell({ volumes: [{ ...kept.report }] });
  }

  async #finishBackup(id: string): Promise<void> {
    if (!this.backups.has(id)) return;
    const report: BackupReport =
      this.failWith === null
        ? { id, state: "ready", storedBytes: 4096, pieces: 3, progress: 100 }
        : { id, state: "failed", storedBytes: 0, pieces: 0, progress: 0, fault: this.failWith };
    this.backups.set(id, report);
    await this.#tell({ backups: [report] });
  }
}
