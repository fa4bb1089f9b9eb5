/**
 * One worker a volume: look, plan, do one step, again, until it is as it was last told to be. What may pass by itself is
 * tried again for some seconds before it is a fault; a fault stays until a newer generation comes. Nothing of this is on
 * disk: after a restart the control plane tells it again.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { VolumeReport, VolumeSpec } from "@andromede/agent-api/types";
import type { Clock } from "@andromede/base/clock";
import { type CloudError, conflict } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { VolumeDriver, VolumeName, VolumeState } from "./driver.ts";
import { type VolumeStep, planVolume, reportVolume } from "./volume.plan.ts";
import { faultOf, isTransient } from "./words.ts";

type Worker = {
  spec: VolumeSpec;
  deleting: boolean;
  phase: VolumeReport["state"];
  fault: string | null;
  /** What was there when it was last looked at. */
  state: VolumeState | null;
  /** Ends what is being done, when the volume is deleted. */
  abort: AbortController;
  turn: Promise<void> | null;
};

export type WorkersOptions = {
  driver: VolumeDriver;
  clock: Clock;
  log: Logger;
  /** The report may have changed; `gone`: the volume's last. */
  changed: (volumeId: string, gone?: VolumeReport) => void;
};

const QUIET_ATTEMPTS = 5;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
const WAIT_MS = 1_000;
const TOMBSTONE_MS = 3_600_000;

const STEP_IN_WORDS: { [step in VolumeStep["do"]]?: string } = {
  make: "make the volume",
  grow: "make the volume larger",
  takeSnapshot: "take the snapshot",
  removeSnapshot: "remove the snapshot",
  revert: "revert the volume",
};

export class VolumeWorkers {
  readonly #options: WorkersOptions;
  readonly #workers = new Map<string, Worker>();
  /** Generations of deleted volumes, so that a late order does not bring one back. */
  readonly #tombstones = new Map<string, { generation: number; atMs: number }>();
  readonly #closing = new AbortController();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  ids(): Iterable<string> {
    return this.#workers.keys();
  }

  report(volumeId: string): VolumeReport | undefined {
    const worker = this.#workers.get(volumeId);
    if (worker === undefined) return undefined;
    return reportVolume(worker.spec, worker.state, { state: worker.phase, fault: worker.fault });
  }

  put(spec: VolumeSpec): VolumeReport {
    const { id, generation } = spec;
    const worker = this.#workers.get(id);
    const buried = this.#buried(id);
    if (buried !== undefined && generation <= buried) throw olderThan(spec, buried);
    if (worker === undefined) {
      this.#start(newWorker(spec));
    } else {
      if (generation < worker.spec.generation) throw olderThan(spec, worker.spec.generation);
      if (worker.deleting) throw conflict(`volume ${id} is being deleted`);
      const isNew = generation > worker.spec.generation;
      if (isNew) worker.fault = null;
      // Also what was told already: keys are not kept anywhere else.
      worker.spec = spec;
      if (isNew) this.#start(worker);
    }
    return this.report(id) ?? reportVolume(spec, null, { state: "working", fault: null });
  }

  /** null: there is nothing of it. The volume may be gone when this resolves; its report then says so. */
  async remove(volumeId: string, generation: number): Promise<VolumeReport | null> {
    const { driver } = this.#options;
    const worker = this.#workers.get(volumeId);
    if (worker !== undefined && generation < worker.spec.generation)
      throw olderThan({ id: volumeId, generation }, worker.spec.generation);
    if (worker === undefined && !(await driver.hasRemains(volumeId))) return null;
    if (worker?.deleting !== true && (await driver.isOpen(volumeId))) throw conflict(`Volume ${volumeId} is in use`);
    const doomed = this.#workers.get(volumeId) ?? newWorker(unknownSpec(volumeId, generation));
    doomed.deleting = true;
    doomed.fault = null;
    doomed.spec = { ...doomed.spec, generation: Math.max(generation, doomed.spec.generation) };
    doomed.abort.abort();
    this.#start(doomed);
    await Promise.race([doomed.turn, delay(PROMPT_MS, undefined, { ref: false })]);
    return this.report(volumeId) ?? goneReport(volumeId, doomed.spec.generation);
  }

  tidy(): void {
    for (const [id, { atMs }] of this.#tombstones)
      if (this.#options.clock.now() - atMs > TOMBSTONE_MS) this.#tombstones.delete(id);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const { abort } of this.#workers.values()) abort.abort();
    await Promise.all([...this.#workers.values()].map(({ turn }) => turn ?? Promise.resolve()));
  }

  #buried(volumeId: string): number | undefined {
    return this.#tombstones.get(volumeId)?.generation;
  }

  /** Sees to it that the worker is at work, on what it was told last. */
  #start(worker: Worker): void {
    this.#workers.set(worker.spec.id, worker);
    worker.phase = "working";
    this.#options.changed(worker.spec.id);
    if (worker.turn !== null || this.#closing.signal.aborted) return;
    worker.turn = this.#work(worker).finally(() => {
      worker.turn = null;
      // What came in its last moment.
      if (this.#workers.get(worker.spec.id) === worker && worker.phase === "working") this.#start(worker);
    });
  }

  async #work(worker: Worker): Promise<void> {
    let attempts = 0;
    while (!this.#closing.signal.aborted) {
      const { spec, deleting } = worker;
      let step: VolumeStep["do"] | "remove" = "remove";
      try {
        if (deleting) {
          // Steps of one volume are one after the other by design.
          // eslint-disable-next-line no-await-in-loop
          await this.#bury(worker);
          return;
        }
        // eslint-disable-next-line no-await-in-loop
        const next = await this.#next(worker);
        step = next.do;
        // eslint-disable-next-line no-await-in-loop
        const ended = await this.#step(worker, spec, next);
        attempts = 0;
        if (ended && worker.spec === spec && !worker.deleting) return;
      } catch (error) {
        // The deletion that ended it is next.
        if (worker.deleting && !deleting) continue;
        attempts = worker.spec === spec ? attempts + 1 : 1;
        // eslint-disable-next-line no-await-in-loop
        if (await this.#failed(worker, spec, { error, step, attempts })) return;
      }
    }
  }

  async #next(worker: Worker): Promise<VolumeStep> {
    const { driver } = this.#options;
    const { spec } = worker;
    worker.state = await driver.look(nameOf(spec));
    const extra = (worker.state?.snapshots ?? []).filter((snapshotId) => !spec.snapshots.includes(snapshotId));
    const read = new Set<string>();
    for (const snapshotId of extra) {
      // eslint-disable-next-line no-await-in-loop
      if (await driver.isRead(spec.id, snapshotId)) read.add(snapshotId);
    }
    return planVolume(spec, worker.state, (snapshotId) => read.has(snapshotId));
  }

  /** True when there is nothing more to do. */
  async #step(worker: Worker, spec: VolumeSpec, next: VolumeStep): Promise<boolean> {
    const { driver, log } = this.#options;
    if (next.do === "done" || next.do === "fault") {
      if (worker.spec !== spec || worker.deleting) return true;
      worker.phase = next.do === "done" ? "ready" : "failed";
      worker.fault = next.do === "done" ? null : next.message;
      this.#options.changed(spec.id);
      return true;
    }
    if (next.do === "wait") {
      await this.#pause(worker, WAIT_MS);
      return false;
    }
    this.#options.changed(spec.id);
    const started = performance.now();
    const volume = nameOf(spec);
    if (next.do === "make") await driver.make(spec, worker.abort.signal);
    else if (next.do === "grow") await driver.grow(volume, spec.sizeGib);
    else if (next.do === "revert") await driver.revert(volume, next.revert);
    else if (next.do === "takeSnapshot") await driver.takeSnapshot(volume, next.snapshotId);
    else await driver.removeSnapshot(volume, next.snapshotId);
    log.info({ volume: spec.id, step: next, ms: Math.round(performance.now() - started) }, "volume step done");
    return false;
  }

  /** True when it is given up until something new is said. */
  async #failed(
    worker: Worker,
    spec: VolumeSpec,
    { error, step, attempts }: { error: unknown; step: VolumeStep["do"] | "remove"; attempts: number },
  ): Promise<boolean> {
    const { log } = this.#options;
    if (this.#closing.signal.aborted) return true;
    const transient = isTransient(error);
    const last = !transient || attempts >= QUIET_ATTEMPTS;
    log[last ? "error" : "warn"]({ error, volume: spec.id, step, attempts }, "volume step failed");
    if (last && worker.spec === spec) {
      worker.phase = "failed";
      const doing = step === "remove" ? "remove the volume" : (STEP_IN_WORDS[step] ?? "see to the volume");
      worker.fault = faultOf(error, `The host could not ${doing}`);
      this.#options.changed(spec.id);
      return true;
    }
    if (worker.spec === spec) await this.#pause(worker, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1)));
    return false;
  }

  async #bury(worker: Worker): Promise<void> {
    const { driver, clock, log } = this.#options;
    const { id, generation } = worker.spec;
    await driver.remove(id);
    this.#workers.delete(id);
    this.#tombstones.set(id, { generation, atMs: clock.now() });
    log.info({ volume: id }, "volume removed");
    this.#options.changed(id, goneReport(id, generation));
  }

  /** Ends early when the volume is to be deleted, or the agent to end. */
  async #pause(worker: Worker, ms: number): Promise<void> {
    const signal = worker.deleting ? this.#closing.signal : worker.abort.signal;
    await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

const PROMPT_MS = 250;

const nameOf = ({ id, key }: VolumeSpec): VolumeName => ({ id, key });

const newWorker = (spec: VolumeSpec): Worker => ({
  spec,
  deleting: false,
  phase: "working",
  fault: null,
  state: null,
  abort: new AbortController(),
  turn: null,
});

/** Enough of a spec to delete what nobody told of. */
const unknownSpec = (id: string, generation: number): VolumeSpec => ({
  id,
  generation,
  sizeGib: 1,
  key: null,
  source: { kind: "empty" },
  snapshots: [],
});

/** What is told of a volume that is gone. */
const goneReport = (id: string, generation: number): VolumeReport => ({
  id,
  generation,
  state: "ready",
  sizeGib: 0,
  snapshots: [],
  gone: true,
});

const olderThan = ({ id, generation }: { id: string; generation: number }, newest: number): CloudError =>
  conflict(`generation ${generation} of volume ${id} is older than ${newest}`);
