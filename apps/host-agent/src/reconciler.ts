/**
 * One worker a guest: look, plan, do one step, again, until there is nothing to do or only to wait. It is given a key
 * and nothing else; whatever happens (a PUT, a QMP event, a port that came up, a timer) only wakes it.
 *
 * Troubles that may pass (`unavailable` and everything unforeseen) are retried for some seconds before a customer hears
 * of them; what will not pass by itself is a fault at once. Both are retried for as long as the guest is wanted so.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { GuestReport } from "@andromede/agent-api/types";
import type { Clock } from "@andromede/base/clock";
import { CloudError } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { Backend } from "./backend.ts";
import { type PlanLimits, type Progress, type Step, planGuest, recentDeaths, reportGuest } from "./guest.plan.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";

type Worker = {
  busy: boolean;
  again: boolean;
  timer: NodeJS.Timeout | undefined;
  /** Set while a step waits to be tried again: what wakes the worker meanwhile does not hurry it. */
  retryAtMs: number;
  attempts: number;
  fault: string | null;
  /** The entry that the fault is about: a new wish is tried at once. */
  faultOf: LedgerEntry | null;
  progress: Progress;
  step: AbortController | null;
  /** What is being done, or was last. */
  turn: Promise<void> | undefined;
};

/** What there is to do, waiting aside. */
type ActiveStep = Exclude<Step, { do: "done" | "wait" | "needKeys" | "fault" }>;
const isActive = (step: Step): step is ActiveStep => !["done", "wait", "needKeys", "fault"].includes(step.do);
type EndStep = Extract<Step, { do: "acknowledgeExit" | "acknowledgeDeath" | "noteHalted" }>;
type PlainStep = Exclude<ActiveStep, EndStep | { do: "launch" | "askShutdown" | "kill" }>;

export type ReconcilerOptions = {
  ledger: Ledger;
  backend: Backend;
  clock: Clock;
  log: Logger;
  limits: PlanLimits;
  /** The guest's report may have changed; `gone` when it was removed. */
  onReport: (guestId: string, gone?: GuestReport) => void;
};

/** A transient trouble becomes a fault when the step has failed this often. */
const QUIET_ATTEMPTS = 3;
const TRANSIENT_BACKOFF = { firstMs: 1_000, lastMs: 60_000 };
/** A guest that did not let go may have been busy booting; Nova asks eight times, 20 s apart (device_detach_attempts). */
const ASK_AGAIN_BACKOFF = { firstMs: 1_000, lastMs: 5_000 };
const FAULT_BACKOFF = { firstMs: 30_000, lastMs: 600_000 };

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #workers = new Map<string, Worker>();
  readonly #turnsUnderWay = new Set<Promise<void>>();
  #closed = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    options.backend.onChange((guestId) => this.wake(guestId));
  }

  /** Something about the guest may have changed. */
  wake(guestId: string): void {
    if (this.#closed || this.#options.ledger.get(guestId) === undefined) return;
    const worker = this.#worker(guestId);
    if (worker.busy) {
      worker.again = true;
      if (this.#options.ledger.get(guestId)?.deleting === true) worker.step?.abort();
      // What is seen during a step (a port that came up) is told before the step ends.
      this.#options.onReport(guestId);
      return;
    }
    worker.busy = true;
    void this.#work(guestId, worker);
  }

  wakeAll(): void {
    for (const guestId of this.#options.ledger.entries.keys()) this.wake(guestId);
  }

  /** What is told of the guest at this moment. */
  report(guestId: string): GuestReport | undefined {
    const { ledger, backend } = this.#options;
    const wanted = ledger.get(guestId);
    if (wanted === undefined) return undefined;
    const worker = this.#workers.get(guestId);
    const observed = backend.observe(wanted.spec);
    const next = this.#plan(wanted, worker?.progress ?? noProgress());
    const fault = worker === undefined || worker.faultOf !== wanted ? null : worker.fault;
    const report = reportGuest(wanted, observed, next, next.do === "fault" ? next.message : fault);
    // What is seen in the middle of a step may look like its end.
    return worker === undefined || worker.step === null ? report : { ...report, converged: false };
  }

  /** Ends after the steps that are under way; guests stay as they are. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#workers.values()) {
      clearTimeout(worker.timer);
      worker.step?.abort();
    }
    await Promise.all(this.#turnsUnderWay);
  }

  #worker(guestId: string): Worker {
    let worker = this.#workers.get(guestId);
    if (worker === undefined) {
      worker = {
        busy: false,
        again: false,
        timer: undefined,
        retryAtMs: 0,
        attempts: 0,
        fault: null,
        faultOf: null,
        progress: noProgress(),
        step: null,
        turn: undefined,
      };
      this.#workers.set(guestId, worker);
    }
    return worker;
  }

  #plan(wanted: LedgerEntry, progress: Progress): Step {
    const { backend, clock, limits } = this.#options;
    return planGuest({ wanted, observed: backend.observe(wanted.spec), progress, nowMs: clock.now(), limits });
  }

  async #work(guestId: string, worker: Worker): Promise<void> {
    const turn = this.#turns(guestId, worker);
    worker.turn = turn;
    this.#turnsUnderWay.add(turn);
    await turn;
    this.#turnsUnderWay.delete(turn);
  }

  /** The end of what is being done to the guest at this moment, or `ms`, whichever comes first. */
  async endOfTurn(guestId: string, ms: number): Promise<void> {
    const turn = this.#workers.get(guestId)?.turn;
    if (turn === undefined) return;
    const enough = new AbortController();
    await Promise.race([turn, delay(ms, undefined, { signal: enough.signal, ref: false }).catch(() => undefined)]);
    enough.abort();
  }

  async #turns(guestId: string, worker: Worker): Promise<void> {
    clearTimeout(worker.timer);
    let more = true;
    while (more && !this.#closed) {
      worker.again = false;
      const wanted = this.#options.ledger.get(guestId);
      // The guest was removed; if it is wanted anew already, another worker has it.
      if (wanted === undefined || this.#workers.get(guestId) !== worker) return;
      // Steps of one guest are one after the other by design.
      // eslint-disable-next-line no-await-in-loop
      more = (await this.#turn(guestId, worker, wanted)) || worker.again;
    }
    worker.busy = false;
  }

  /** Looks and does one step. True when the next should follow at once. */
  async #turn(guestId: string, worker: Worker, wanted: LedgerEntry): Promise<boolean> {
    if (worker.faultOf !== wanted) {
      worker.fault = null;
      worker.faultOf = null;
      worker.attempts = 0;
      worker.retryAtMs = 0;
    }
    const next = this.#plan(wanted, worker.progress);
    const nowMs = this.#options.clock.now();
    if (!isActive(next)) {
      worker.fault = null;
      worker.attempts = 0;
      worker.retryAtMs = 0;
      if (next.do === "wait") this.#wakeLater(guestId, worker, next.untilMs - nowMs);
      this.#options.onReport(guestId);
      return false;
    }
    if (nowMs < worker.retryAtMs) {
      this.#wakeLater(guestId, worker, worker.retryAtMs - nowMs);
      this.#options.onReport(guestId);
      return false;
    }
    this.#options.onReport(guestId);
    return this.#attempt(guestId, worker, wanted, next);
  }

  async #attempt(guestId: string, worker: Worker, wanted: LedgerEntry, next: ActiveStep): Promise<boolean> {
    const { log } = this.#options;
    worker.step = new AbortController();
    const started = performance.now();
    try {
      await this.#perform(wanted, next, worker);
      log.info({ guest: guestId, step: next, ms: Math.round(performance.now() - started) }, "step done");
      worker.attempts = 0;
      worker.fault = null;
      worker.retryAtMs = 0;
      return true;
    } catch (error) {
      if (worker.step.signal.aborted) return !this.#closed;
      this.#failed(guestId, worker, wanted, next, error);
      return false;
    } finally {
      worker.step = null;
    }
  }

  #failed(guestId: string, worker: Worker, wanted: LedgerEntry, next: Step, error: unknown): void {
    const { log, clock } = this.#options;
    worker.attempts += 1;
    worker.faultOf = wanted;
    const lasting = error instanceof CloudError && error.kind !== "unavailable" && error.kind !== "internal";
    const asks = next.do === "unplug" || next.do === "unplugDisk";
    const backoff = lasting ? FAULT_BACKOFF : asks ? ASK_AGAIN_BACKOFF : TRANSIENT_BACKOFF;
    const delayMs = Math.min(backoff.lastMs, backoff.firstMs * 2 ** Math.min(worker.attempts - 1, 16));
    log[lasting ? "warn" : "error"](
      { error, guest: guestId, step: next, attempt: worker.attempts, delayMs },
      "step failed",
    );
    if (lasting || worker.attempts >= QUIET_ATTEMPTS) worker.fault = publicMessage(error, next);
    worker.retryAtMs = clock.now() + delayMs;
    this.#wakeLater(guestId, worker, delayMs);
    this.#options.onReport(guestId);
  }

  #wakeLater(guestId: string, worker: Worker, delayMs: number): void {
    clearTimeout(worker.timer);
    if (this.#closed) return;
    worker.timer = setTimeout(() => this.wake(guestId), Math.max(1, delayMs));
    worker.timer.unref();
  }

  async #perform(wanted: LedgerEntry, next: ActiveStep, worker: Worker): Promise<void> {
    const { backend, clock } = this.#options;
    const { spec } = wanted;
    // Steps about the process change what is known of its progress; the others are one call of the backend.
    if (next.do === "launch") {
      worker.progress = noProgress(worker.progress);
      await backend.launch(spec, { resume: next.resume });
      worker.progress = { ...worker.progress, launchedAtMs: clock.now() };
    } else if (next.do === "askShutdown") {
      await backend.askShutdown(spec);
      worker.progress = {
        ...worker.progress,
        shutdownAskedAtMs: worker.progress.shutdownAskedAtMs ?? clock.now(),
        shutdownPressedAtMs: clock.now(),
      };
    } else if (next.do === "kill") {
      await backend.kill(spec);
      worker.progress = noProgress(worker.progress);
    } else if (next.do === "acknowledgeExit" || next.do === "acknowledgeDeath" || next.do === "noteHalted") {
      await this.#performEnd(wanted, next, worker);
    } else {
      await this.#performPlain(wanted, next, worker.step?.signal ?? AbortSignal.abort());
    }
  }

  async #performEnd({ spec }: LedgerEntry, next: EndStep, worker: Worker): Promise<void> {
    const { backend, ledger, clock, log } = this.#options;
    if (next.do === "noteHalted") await ledger.noteHalted(spec.id);
    await backend.acknowledgeExit(spec);
    worker.progress = noProgress(worker.progress);
    if (next.do !== "acknowledgeDeath") return;
    const deathsMs = [...recentDeaths(worker.progress, clock.now()), clock.now()];
    worker.progress = { ...worker.progress, deathsMs };
    log.error({ guest: spec.id, lately: deathsMs.length }, "a guest's process died; it is started again");
  }

  #performPlain(wanted: LedgerEntry, next: PlainStep, signal: AbortSignal): Promise<void> {
    const { backend, ledger } = this.#options;
    const { spec } = wanted;
    switch (next.do) {
      case "prepare":
        return backend.prepare(spec, signal);
      case "begin":
        return backend.begin(spec);
      case "pause":
        return backend.pause(spec);
      case "resume":
        return backend.resume(spec);
      case "suspend":
        return backend.suspend(spec);
      case "discardSaved":
        return backend.discardSaved(spec);
      case "plug":
        return backend.plug(spec, next.wanted);
      case "unplug":
        return backend.unplug(spec, next.portId);
      case "plugDisk":
        return backend.plugDisk(spec, next.diskId);
      case "unplugDisk":
        return backend.unplugDisk(spec, next.diskId);
      case "limitDisk":
        return backend.limitDisk(spec, next.diskId);
      case "release":
        return backend.release(spec);
      case "noteRebootDown":
        return ledger.noteRebootDown(spec.id, next.nonce);
      case "remove":
        return this.#remove(wanted);
    }
  }

  async #remove(wanted: LedgerEntry): Promise<void> {
    const { backend, ledger } = this.#options;
    const { id } = wanted.spec;
    await backend.remove(wanted.spec);
    await ledger.forget(id);
    clearTimeout(this.#workers.get(id)?.timer);
    this.#workers.delete(id);
    const last = lastReport(id, wanted.generation);
    this.#options.onReport(id, last);
    backend.entriesChanged(ledger.entries);
  }
}

/** What is told of a guest when it is gone. */
export const lastReport = (id: string, generation: number): GuestReport => ({
  id,
  generation,
  state: "stopped",
  converged: true,
  portsUp: [],
  disks: [],
  gone: true,
});

/** Of the next process; what became of those before stays known. */
const noProgress = ({ deathsMs }: Pick<Progress, "deathsMs"> = { deathsMs: [] }): Progress => ({
  launchedAtMs: null,
  shutdownAskedAtMs: null,
  shutdownPressedAtMs: null,
  deathsMs,
});

const STEP_IN_WORDS: { [step in Step["do"]]?: string } = {
  prepare: "prepare the server's disks",
  launch: "start the server",
  begin: "start the server",
  kill: "stop the server",
  askShutdown: "ask the server to shut down",
  suspend: "save the server's memory",
  plug: "attach the interface",
  unplug: "detach the interface",
  plugDisk: "attach the volume",
  unplugDisk: "detach the volume",
  limitDisk: "limit the disk",
  remove: "remove the server",
};

function publicMessage(error: unknown, next: Step): string {
  if (error instanceof CloudError && error.kind !== "internal") return error.message;
  return `The host could not ${STEP_IN_WORDS[next.do] ?? "bring the server to the wanted state"}`;
}
