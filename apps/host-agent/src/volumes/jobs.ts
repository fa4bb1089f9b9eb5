/**
 * What is made once and then stays as it is (backups, exports), by name: asked for again, it goes on being made, or is
 * there; one that failed is tried again. Removing ends its making.
 */
import { setTimeout as delay } from "node:timers/promises";

import { unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { Slots } from "./slots.ts";
import { faultOf, isTransient } from "./words.ts";

export type JobState = "working" | "ready" | "failed";

type Job<Spec, Facts> = {
  spec: Spec;
  state: JobState;
  facts: Facts;
  fault: string | null;
  abort: AbortController;
  turn: Promise<void>;
};

export type JobsOptions<Spec, Facts, Report> = {
  /** In a sentence: "The host could not make the ...". */
  what: string;
  nothing: Facts;
  find: (id: string) => Promise<Facts | null>;
  make: (spec: Spec, tell: (facts: Facts) => void, signal: AbortSignal) => Promise<Facts>;
  remove: (id: string) => Promise<void>;
  report: (id: string, state: JobState, facts: Facts, fault: string | null) => Report;
  changed: (id: string) => void;
  copies: Slots;
  log: Logger;
};

const QUIET_ATTEMPTS = 4;
const FIRST_RETRY_MS = 500;

export class Jobs<Spec extends { id: string }, Facts, Report> {
  readonly #options: JobsOptions<Spec, Facts, Report>;
  readonly #jobs = new Map<string, Job<Spec, Facts>>();
  #closed = false;

  constructor(options: JobsOptions<Spec, Facts, Report>) {
    this.#options = options;
  }

  ids(): Iterable<string> {
    return this.#jobs.keys();
  }

  report(id: string): Report | undefined {
    const job = this.#jobs.get(id);
    return job === undefined ? undefined : this.#options.report(id, job.state, job.facts, job.fault);
  }

  /** What is there from before the agent's start. */
  adopt(spec: Spec, facts: Facts): void {
    const abort = new AbortController();
    this.#jobs.set(spec.id, { spec, state: "ready", facts, fault: null, abort, turn: Promise.resolve() });
  }

  async put(spec: Spec): Promise<Report> {
    const { find, nothing, changed, report } = this.#options;
    const { id } = spec;
    const there = this.#jobs.get(id)?.state === "ready" ? null : await find(id);
    const old = this.#jobs.get(id);
    if (this.#closed) throw unavailable("the agent is ending");
    if (old === undefined || old.state === "failed") {
      const job: Job<Spec, Facts> = {
        spec,
        state: there === null ? "working" : "ready",
        facts: there ?? nothing,
        fault: null,
        abort: new AbortController(),
        turn: Promise.resolve(),
      };
      this.#jobs.set(id, job);
      if (there === null) job.turn = this.#work(job);
      changed(id);
    }
    return this.report(id) ?? report(id, "working", nothing, null);
  }

  async remove(id: string): Promise<void> {
    const job = this.#jobs.get(id);
    job?.abort.abort();
    await job?.turn;
    await this.#options.remove(id);
    if (this.#jobs.get(id) === job) this.#jobs.delete(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { abort } of this.#jobs.values()) abort.abort();
    await Promise.all([...this.#jobs.values()].map(({ turn }) => turn));
  }

  async #work(job: Job<Spec, Facts>): Promise<void> {
    const { make, copies, changed, log, what } = this.#options;
    const { spec, abort } = job;
    const tell = (facts: Facts): void => {
      job.facts = facts;
      changed(spec.id);
    };
    for (let attempt = 1; !abort.signal.aborted; attempt += 1) {
      try {
        // Attempts are one after the other.
        // eslint-disable-next-line no-await-in-loop
        job.facts = await copies.run(() => make(spec, tell, abort.signal), abort.signal);
        job.state = "ready";
        changed(spec.id);
        return;
      } catch (error) {
        if (abort.signal.aborted) break;
        const last = !isTransient(error) || attempt >= QUIET_ATTEMPTS;
        log[last ? "error" : "warn"]({ error, id: spec.id, attempt }, `${what} was not made`);
        if (last) {
          job.fault = faultOf(error, `The host could not make the ${what}`);
          break;
        }
        const waiting = delay(FIRST_RETRY_MS * 2 ** (attempt - 1), undefined, { signal: abort.signal, ref: false });
        // eslint-disable-next-line no-await-in-loop
        await waiting.catch(() => undefined);
      }
    }
    job.state = "failed";
    job.fault ??= `The ${what} was given up`;
    changed(spec.id);
  }
}
