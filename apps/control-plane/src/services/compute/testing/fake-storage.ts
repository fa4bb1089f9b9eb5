/** The half of the fake agent that keeps volumes, backups and exports: what it is told is true at once. */
import { Readable } from "node:stream";

import type {
  BackupReport,
  BackupSpec,
  ExportReport,
  ExportSpec,
  Report,
  VolumeReport,
  VolumeSpec,
} from "@andromede/agent-api/types";
import { conflict, notFound } from "@andromede/base/errors";

type Part = Pick<Report, "volumes" | "backups" | "exports">;

export class FakeStorage {
  readonly volumes = new Map<string, { spec: VolumeSpec; report: VolumeReport }>();
  readonly backups = new Map<string, BackupReport>();
  readonly exports = new Map<string, ExportReport>();
  /** Volumes fail with this instead of becoming ready. */
  failVolumesWith: string | null = null;
  /** What an export holds. */
  exportedBytes: Buffer = Buffer.alloc(4096, 7);
  /** Has a guest the volume open? Its bytes then stay. */
  protected isOpen: (volumeId: string) => boolean = () => false;
  /** How storage tells what happened; the guest half overrides it. */
  protected tellStorage: (part: Part) => Promise<void> = () => Promise.resolve();

  async putVolume(spec: VolumeSpec): Promise<VolumeReport> {
    const known = this.volumes.get(spec.id);
    if (known !== undefined && known.spec.generation > spec.generation) throw conflict("an older generation");
    const failed = this.failVolumesWith !== null;
    const report: VolumeReport = {
      id: spec.id,
      generation: spec.generation,
      state: failed ? "failed" : "ready",
      sizeGib: spec.sizeGib,
      snapshots: spec.snapshots,
      ...(spec.revert === undefined ? {} : { revertNonce: spec.revert.nonce }),
      ...(this.failVolumesWith === null ? {} : { fault: this.failVolumesWith }),
    };
    this.volumes.set(spec.id, { spec, report });
    setImmediate(() => void this.tellStorage({ volumes: [report] }));
    return report;
  }

  async getVolume(id: string): Promise<VolumeReport | null> {
    return this.volumes.get(id)?.report ?? null;
  }

  async deleteVolume(id: string, _generation: number): Promise<boolean> {
    if (this.isOpen(id)) throw conflict(`Volume ${id} is in use`);
    this.volumes.delete(id);
    return false;
  }

  async putBackup(spec: BackupSpec): Promise<BackupReport> {
    const report: BackupReport = { id: spec.id, state: "ready", storedBytes: 4096, pieces: 1, progress: 100 };
    this.backups.set(spec.id, report);
    setImmediate(() => void this.tellStorage({ backups: [report] }));
    return report;
  }

  async getBackup(id: string): Promise<BackupReport | null> {
    return this.backups.get(id) ?? null;
  }

  async deleteBackup(id: string): Promise<void> {
    this.backups.delete(id);
  }

  async putExport(spec: ExportSpec): Promise<ExportReport> {
    const sizeBytes = this.exportedBytes.length;
    const report: ExportReport = { id: spec.id, state: "ready", sizeBytes, quiesced: false };
    this.exports.set(spec.id, report);
    setImmediate(() => void this.tellStorage({ exports: [report] }));
    return report;
  }

  async getExport(id: string): Promise<ExportReport | null> {
    return this.exports.get(id) ?? null;
  }

  async openExport(id: string): Promise<{ sizeBytes: number; data: Readable }> {
    if (!this.exports.has(id)) throw notFound(`no export ${id}`);
    return { sizeBytes: this.exportedBytes.length, data: Readable.from([this.exportedBytes]) };
  }

  async deleteExport(id: string): Promise<void> {
    this.exports.delete(id);
  }
}
