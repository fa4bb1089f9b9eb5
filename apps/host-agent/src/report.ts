/**
 * Tells the control planes what is seen: everything on connection, then what changes, and everything again every 30 s,
 * so that a lost or misunderstood line heals by itself.
 */
import type { ServerResponse } from "node:http";

import type {
  BackupReport,
  ExportReport,
  GuestReport,
  HostFacts,
  Report,
  VolumeReport,
} from "@andromede/agent-api/types";
import type { Logger } from "@andromede/base/log";

import type { Reported, StorageChange } from "./volumes/storage.ts";

const FULL_EVERY_MS = 30_000;
/** A control plane that reads slower than this much behind is cut off; it reconnects and gets a full report. */
const MAX_BEHIND_BYTES = 32 * 1024 * 1024;

/** What there is to tell, besides of the host itself. */
export type ReportSources = {
  guests: Reported<GuestReport>;
  volumes: Reported<VolumeReport>;
  backups: Reported<BackupReport>;
  exports: Reported<ExportReport>;
};
export type ReportSource = ReportSources & { host(): HostFacts };

type Kind = keyof ReportSources;
type Told = { [kind in Kind]: Map<string, string> };
type Things = Pick<Report, Kind>;
const KINDS: readonly Kind[] = ["guests", "volumes", "backups", "exports"];

/** The agent's report stream: any number of listeners, each an open HTTP response. */
export class Reports {
  readonly #source: ReportSource;
  readonly #log: Logger;
  readonly #listeners = new Set<ServerResponse>();
  /** What was last told of each, to tell only what changed. Empty while nobody listens. */
  readonly #told: Told = { guests: new Map(), volumes: new Map(), backups: new Map(), exports: new Map() };
  readonly #changed = { guests: new Set(), volumes: new Set(), backups: new Set(), exports: new Set() } as {
    [kind in Kind]: Set<string>;
  };
  #gone: { guests: GuestReport[]; volumes: VolumeReport[] } = { guests: [], volumes: [] };
  #flush: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: ReportSource, log: Logger) {
    this.#source = source;
    this.#log = log;
  }

  /** Adds a listener; its full report is written at once. */
  add(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    this.#listeners.add(response);
    response.once("close", () => {
      this.#listeners.delete(response);
      if (this.#listeners.size === 0) this.#rest();
    });
    this.#write([response], this.#full());
    this.#timer ??= setInterval(() => this.#write([...this.#listeners], this.#full()), FULL_EVERY_MS).unref();
  }

  /** The guest may look different now; `gone` is its last report. */
  changed(guestId: string, gone?: GuestReport): void {
    if (this.#listeners.size === 0) return;
    if (gone !== undefined) this.#gone.guests.push(gone);
    this.#mark("guests", guestId);
  }

  /** The same for what is stored. */
  storageChanged({ kind, id, gone }: StorageChange): void {
    if (this.#listeners.size === 0) return;
    if (gone !== undefined) this.#gone.volumes.push(gone);
    this.#mark(kind, id);
  }

  close(): void {
    this.#rest();
    for (const response of this.#listeners) response.end();
  }

  #mark(kind: Kind, id: string): void {
    this.#changed[kind].add(id);
    // All that changes in one turn of the event loop goes out as one line.
    this.#flush ??= setImmediate(() => this.#tellChanges());
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#flush = undefined;
    for (const kind of KINDS) {
      this.#changed[kind].clear();
      this.#told[kind].clear();
    }
    this.#gone = { guests: [], volumes: [] };
  }

  #full(): Report {
    for (const kind of KINDS) this.#told[kind].clear();
    const { guests, volumes, backups, exports } = this.#source;
    const things: Things = {
      guests: this.#news("guests", guests, guests.ids()),
      volumes: this.#news("volumes", volumes, volumes.ids()),
      backups: this.#news("backups", backups, backups.ids()),
      exports: this.#news("exports", exports, exports.ids()),
    };
    return { full: true, host: this.#source.host(), ...things };
  }

  #tellChanges(): void {
    this.#flush = undefined;
    const { guests, volumes, backups, exports } = this.#source;
    const { guests: goneGuests, volumes: goneVolumes } = this.#gone;
    this.#gone = { guests: [], volumes: [] };
    for (const { id } of goneGuests) this.#told.guests.delete(id);
    for (const { id } of goneVolumes) this.#told.volumes.delete(id);
    const changed = this.#changed;
    const things = {
      guests: [...goneGuests, ...this.#news("guests", guests, changed.guests)],
      volumes: [...goneVolumes, ...this.#news("volumes", volumes, changed.volumes)],
      backups: this.#news("backups", backups, changed.backups),
      exports: this.#news("exports", exports, changed.exports),
    };
    for (const kind of KINDS) changed[kind].clear();
    const { guests: toldGuests, ...stored } = things;
    const filled = Object.entries(stored).filter(([, reports]) => reports.length > 0);
    if (toldGuests.length === 0 && filled.length === 0) return;
    const report: Report = { full: false, host: this.#source.host(), guests: toldGuests };
    this.#write([...this.#listeners], { ...report, ...Object.fromEntries(filled) });
  }

  /** Reports that say something else than was told last. */
  #news<One>(kind: Kind, source: Reported<One>, ids: Iterable<string>): One[] {
    const told = this.#told[kind];
    const news: One[] = [];
    for (const id of ids) {
      const report = source.report(id);
      if (report === undefined) {
        told.delete(id);
        continue;
      }
      const text = JSON.stringify(report);
      if (told.get(id) === text) continue;
      told.set(id, text);
      news.push(report);
    }
    return news;
  }

  #write(listeners: ServerResponse[], report: Report): void {
    const line = `${JSON.stringify(report)}\n`;
    for (const response of listeners) {
      response.write(line);
      if (response.writableLength > MAX_BEHIND_BYTES) {
        this.#log.warn("a control plane reads its reports too slowly: connection closed");
        response.destroy();
      }
    }
  }
}
