/**
 * The engine under every reconciler. It knows no resource.
 *
 * - Level-triggered: a reconciler gets a key and nothing else; it loads the world, decides, does ONE step, and says
 *   what it is waiting for. Running it twice, or for a stale reason, is harmless.
 * - Activated by signal (a commit in this process, or NOTIFY from another) AND by time (a due `run_at`, the resync).
 * - At most one worker has a key (a lease in the row). A worker that dies loses its leases by time, or at once when
 *   a process with the same seat starts; one whose database dies gives up those that it does not know of.
 * - A throw means transient: backoff, with the cause in the log and the reason in the row. A reconciler never retries inside.
 */
import { setTimeout as delay } from "node:timers/promises";

import { messageOf } from "@andromede/base/errors";

import type { App } from "../app.ts";
import { backoffMs } from "./backoff.ts";
import {
  type ClaimedKey,
  type ResourceKey,
  claimKeys,
  finishKey,
  insertKeys,
  nextDueMs,
  postponeKey,
  releaseSeat,
  renewLeases,
} from "./queue.ts";
import { Notifier } from "./notify.ts";
import type { ReconcileSignal } from "./signal.ts";

/** What a reconciler answers. */
export type Outcome =
  | { done: true }
  /** Look again when that key is done (and every second, should the news get lost). */
  | { waitFor: ResourceKey }
  | { pollAfterMs: number; why: string };

export const done: Outcome = { done: true };
export const waitFor = (key: ResourceKey): Outcome => ({ waitFor: key });
export const pollAfter = (pollAfterMs: number, why: string): Outcome => ({ pollAfterMs, why });

export type Reconciler = {
  /** First part of the key: `server` for `server/<id>`. */
  kind: string;
  reconcile(app: App, id: string): Promise<Outcome>;
  /** Every key that should be looked at now and then although nobody asked. */
  resync?: { everyMs: number; ids(app: App): Promise<string[]> };
  /** At least so long from one turn of a key to its next: what changes many times in a row is then done for several at once. */
  restMs?: number;
};

const LEASE_MS = 15_000;
const WAIT_CHECK_MS = 1_000;
const IDLE_POLL_MS = 5_000;
const IDLE_CHECK_MS = 250;
const UNRECORDED_MS = 500;

export class Worker implements ReconcileSignal {
  readonly #reconcilers: Map<string, Reconciler>;
  readonly #kinds: string[];
  readonly #seat: string;
  readonly #concurrency: number;
  /** The latest claim of each key under way: what is renewed. */
  readonly #active = new Map<ResourceKey, ClaimedKey>();
  /** Turns under way; for a moment two of one key, when it was given back and is claimed anew. */
  #running = 0;
  /** For each turn under way, the keys that have come to their end since it began. */
  readonly #ended = new Set<Set<ResourceKey>>();
  /** Keys that had a turn a moment ago, and when they may have their next. */
  readonly #resting = new Map<ResourceKey, number>();
  readonly #waiters = new Map<ResourceKey, Set<() => void>>();
  readonly #stopping = new AbortController();
  #app: App | undefined;
  #notifier: Notifier | undefined;
  /** A statement failed on its way there or back: keys may be leased to us that nobody works on. */
  #uncertain = false;
  #claiming: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #loops: Promise<void>[] = [];
  #unlisten: (() => Promise<void>) | undefined;

  constructor(reconcilers: Reconciler[], options: { seat: string; concurrency?: number }) {
    this.#reconcilers = new Map(reconcilers.map((reconciler) => [reconciler.kind, reconciler]));
    this.#kinds = [...this.#reconcilers.keys()];
    this.#seat = options.seat;
    this.#concurrency = options.concurrency ?? 24;
  }

  async start(app: App): Promise<void> {
    this.#app = app;
    const notifier = new Notifier(app.db, app.log);
    this.#notifier = notifier;
    await releaseSeat(app.db, this.#seat);
    const listening = await app.db.listen(
      "reconcile",
      (from) => {
        if (from !== notifier.name) this.#look();
      },
      // after a break, what was told meanwhile was not heard
      () => this.#look(),
    );
    this.#unlisten = () => listening.unlisten();
    this.#loops = [
      this.#renewLoop(app),
      ...[...this.#reconcilers.values()].map((reconciler) => this.#resyncLoop(app, reconciler)),
    ];
    this.#look();
  }

  /** Takes no new key, waits for the steps under way, stops. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    this.#notifier?.stop();
    await this.#unlisten?.();
    await this.#claiming;
    while (this.#running > 0) await delay(5);
    await Promise.all(this.#loops);
  }

  /** Keys were enqueued here: for us to take, or for whoever is first. */
  wake(): void {
    this.#look();
    if (!this.#stopping.signal.aborted) this.#notifier?.tell();
  }

  #look(): void {
    if (this.#app === undefined || this.#stopping.signal.aborted) return;
    if (this.#claiming !== undefined) {
      this.#again = true;
      return;
    }
    this.#claiming = this.#claim(this.#app).finally(() => {
      this.#claiming = undefined;
      if (this.#again) {
        this.#again = false;
        this.#look();
      }
    });
  }

  settled(key: ResourceKey, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const set = this.#waiters.get(key) ?? new Set();
      this.#waiters.set(key, set);
      const settle = (value: boolean): void => {
        clearTimeout(timer);
        set.delete(tell);
        if (set.size === 0) this.#waiters.delete(key);
        resolve(value);
      };
      const tell = (): void => settle(true);
      const timer = setTimeout(() => settle(false), timeoutMs);
      set.add(tell);
    });
  }

  async #claim(app: App): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const room = this.#concurrency - this.#running;
      if (room <= 0) return; // #run wakes us when a place is free
      if (this.#uncertain) {
        this.#uncertain = false;
        await releaseSeat(app.db, this.#seat, [...this.#active.keys()]);
      }
      const claimed = await claimKeys(app.db, this.#seat, this.#kinds, room, LEASE_MS);
      for (const key of claimed) {
        this.#active.set(key.key, key);
        this.#running += 1;
        void this.#run(app, key);
      }
      if (claimed.length === room) return; // the same
      // what comes in while keys are being claimed wakes us; only an idle worker has to know when the next is due
      const dueMs = claimed.length > 0 ? IDLE_CHECK_MS : await nextDueMs(app.db, this.#kinds);
      this.#wakeIn(Math.min(IDLE_POLL_MS, Math.max(5, dueMs ?? IDLE_POLL_MS)));
    } catch (error) {
      app.log.error({ error }, "the reconcile queue cannot be read");
      this.#uncertain = true;
      this.#wakeIn(UNRECORDED_MS);
    }
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  async #run(app: App, claimed: ClaimedKey): Promise<void> {
    let again = true;
    const ended = new Set<ResourceKey>();
    this.#ended.add(ended);
    try {
      again = await this.#step(app, claimed, ended);
    } catch (error) {
      // the database went away under us: the key is taken up again as soon as it is back
      this.#uncertain = true;
      again = false;
      this.#wakeSoon(UNRECORDED_MS);
      app.log.error({ error, key: claimed.key }, "a reconcile step could not be recorded");
    } finally {
      this.#ended.delete(ended);
      const full = this.#running >= this.#concurrency;
      this.#running -= 1;
      // given back and claimed anew while this turn was ending: that claim is another turn's
      if (this.#active.get(claimed.key) === claimed) this.#active.delete(claimed.key);
      if (again || full) this.#look();
    }
  }

  async #step(app: App, claimed: ClaimedKey, ended: ReadonlySet<ResourceKey>): Promise<boolean> {
    const slash = claimed.key.indexOf("/");
    const reconciler = this.#reconcilers.get(claimed.key.slice(0, slash));
    if (reconciler === undefined) return false;
    let outcome: Outcome;
    if (reconciler.restMs !== undefined) await this.#rest(claimed.key, reconciler.restMs);
    try {
      outcome = await reconciler.reconcile(app, claimed.key.slice(slash + 1));
    } catch (error) {
      app.log.warn({ error, key: claimed.key, attempts: claimed.attempts + 1 }, "reconcile failed, will try again");
      const delayMs = backoffMs(claimed.attempts);
      await postponeKey(app.db, claimed, { delayMs, why: messageOf(error), failed: true });
      this.#wakeSoon(delayMs);
      return false;
    }
    if ("done" in outcome) {
      for (const others of this.#ended) others.add(claimed.key);
      // the world is as it should be, whatever the books say
      for (const tell of this.#waiters.get(claimed.key) ?? []) tell();
      return finishKey(app.db, claimed);
    }
    const delayMs = "waitFor" in outcome ? WAIT_CHECK_MS : outcome.pollAfterMs;
    const due = await postponeKey(app.db, claimed, {
      delayMs,
      why: "waitFor" in outcome ? `waits for ${outcome.waitFor}` : outcome.why,
      ...("waitFor" in outcome ? { waitingFor: outcome.waitFor } : {}),
    });
    if (due) return true;
    // the two statements may have crossed, and then neither saw the other
    if ("waitFor" in outcome && ended.has(outcome.waitFor)) {
      return postponeKey(app.db, claimed, { delayMs: 0, why: "what it waited for is there" });
    }
    this.#wakeSoon(delayMs);
    return false;
  }

  /** The key stays claimed meanwhile: who changes it again only says so in its row. */
  async #rest(key: ResourceKey, restMs: number): Promise<void> {
    const leftMs = (this.#resting.get(key) ?? 0) - performance.now();
    if (leftMs > 0) await this.#pause(leftMs);
    const until = performance.now() + restMs;
    this.#resting.set(key, until);
    setTimeout(() => {
      if (this.#resting.get(key) === until) this.#resting.delete(key);
    }, restMs).unref();
  }

  /** The claim loop's timer may be set later than a key that was just postponed. */
  #wakeSoon(delayMs: number): void {
    if (delayMs < IDLE_POLL_MS) setTimeout(() => this.#look(), delayMs + 2).unref();
  }

  async #renewLoop(app: App): Promise<void> {
    while (await this.#pause(LEASE_MS / 3)) {
      const keys = [...this.#active.keys()];
      if (keys.length === 0) continue;
      await renewLeases(app.db, this.#seat, keys, LEASE_MS).catch((error: unknown) =>
        app.log.warn({ error }, "leases not renewed"),
      );
    }
  }

  async #resyncLoop(app: App, reconciler: Reconciler): Promise<void> {
    const { resync } = reconciler;
    if (resync === undefined) return;
    // jitter, so that a restart is no stampede
    while (await this.#pause(resync.everyMs * (0.8 + Math.random() * 0.4))) {
      try {
        const ids = await resync.ids(app);
        if (ids.length > 0)
          await insertKeys(
            app.db,
            ids.map((id): ResourceKey => `${reconciler.kind}/${id}`),
          );
        if (ids.length > 0) this.wake();
      } catch (error) {
        app.log.warn({ error, kind: reconciler.kind }, "resync failed");
      }
    }
  }

  async #pause(ms: number): Promise<boolean> {
    try {
      await delay(ms, undefined, { signal: this.#stopping.signal, ref: false });
      return true;
    } catch {
      return false; // stopping: the only way a timer of ours is aborted
    }
  }
}
