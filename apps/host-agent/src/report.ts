/**
 * Tells the control planes what is seen: everything on connection, then what changes, and everything again every 30 s,
 * so that a lost or misunderstood line heals by itself.
 */
import type { ServerResponse } from "node:http";

import type { GuestReport, HostFacts, Report } from "@andromede/agent-api/types";
import type { Logger } from "@andromede/base/log";

const FULL_EVERY_MS = 30_000;
/** A control plane that reads slower than this much behind is cut off; it reconnects and gets a full report. */
const MAX_BEHIND_BYTES = 32 * 1024 * 1024;

export type ReportSource = {
  host(): HostFacts;
  /** Ids of all guests in the ledger. */
  guestIds(): Iterable<string>;
  report(guestId: string): GuestReport | undefined;
};

/** The agent's report stream: any number of listeners, each an open HTTP response. */
export class Reports {
  readonly #source: ReportSource;
  readonly #log: Logger;
  readonly #listeners = new Set<ServerResponse>();
  /** What was last told of each guest, to tell only what changed. Empty while nobody listens. */
  readonly #told = new Map<string, string>();
  readonly #changed = new Set<string>();
  #gone: GuestReport[] = [];
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
    if (gone !== undefined) this.#gone.push(gone);
    this.#changed.add(guestId);
    // All that changes in one turn of the event loop goes out as one line.
    this.#flush ??= setImmediate(() => this.#tellChanges());
  }

  close(): void {
    this.#rest();
    for (const response of this.#listeners) response.end();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#flush = undefined;
    this.#changed.clear();
    this.#told.clear();
    this.#gone = [];
  }

  #full(): Report {
    const guests: GuestReport[] = [];
    this.#told.clear();
    for (const guestId of this.#source.guestIds()) {
      const report = this.#source.report(guestId);
      if (report === undefined) continue;
      guests.push(report);
      this.#told.set(guestId, JSON.stringify(report));
    }
    return { full: true, host: this.#source.host(), guests };
  }

  #tellChanges(): void {
    this.#flush = undefined;
    const guests = this.#gone;
    this.#gone = [];
    for (const { id } of guests) this.#told.delete(id);
    for (const guestId of this.#changed) {
      const report = this.#source.report(guestId);
      if (report === undefined) continue;
      const text = JSON.stringify(report);
      if (this.#told.get(guestId) === text) continue;
      this.#told.set(guestId, text);
      guests.push(report);
    }
    this.#changed.clear();
    if (guests.length > 0) this.#write([...this.#listeners], { full: false, host: this.#source.host(), guests });
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
