/**
 * Decides the next step of a guest from what is wanted and what is seen. Pure; the reconciler carries the step out and
 * asks again, so each answer is one step, and any crash between two leaves a state from which this continues.
 */
import type { GuestDisk, GuestInterface, GuestReport, GuestState } from "@andromede/agent-api/types";

import type { ObservedGuest } from "./backend.ts";
import { FORGOTTEN_KEY, type LedgerEntry } from "./ledger.ts";

/** What the agent did to this process of the guest. Forgotten when the agent restarts: it then does it again. */
export type Progress = {
  launchedAtMs: number | null;
  shutdownAskedAtMs: number | null;
  /** The last press of the power button. */
  shutdownPressedAtMs: number | null;
  /** When its process died, lately. */
  deathsMs: readonly number[];
};

export type PlanLimits = {
  /** How long a started guest waits for its ports before that is a fault. */
  portsMs: number;
  /** How long a guest may take to power off when asked. */
  shutdownMs: number;
};

export const DEFAULT_LIMITS: PlanLimits = { portsMs: 30_000, shutdownMs: 60_000 };

const PRESS_AGAIN_MS = 10_000;
/** A guest whose process dies is started again; one that goes on dying is not, and is seen to be off. */
const DEATHS = { most: 3, withinMs: 600_000 };

export type Step =
  | { do: "prepare" }
  | { do: "launch"; resume: boolean }
  | { do: "begin" }
  | { do: "pause" }
  | { do: "resume" }
  | { do: "askShutdown" }
  | { do: "kill"; why: string }
  | { do: "suspend" }
  | { do: "discardSaved" }
  | { do: "acknowledgeExit" }
  | { do: "acknowledgeDeath" }
  | { do: "noteHalted" }
  | { do: "noteRebootDown"; nonce: string }
  | { do: "plug"; wanted: GuestInterface }
  | { do: "unplug"; portId: string }
  | { do: "plugDisk"; diskId: string }
  | { do: "unplugDisk"; diskId: string }
  | { do: "limitDisk"; diskId: string }
  | { do: "release" }
  | { do: "remove" }
  | { do: "wait"; untilMs: number; why: "ports" | "shutdown" }
  | { do: "needKeys" }
  | { do: "fault"; message: string }
  | { do: "done" };

type Case = { wanted: LedgerEntry; observed: ObservedGuest; progress: Progress; nowMs: number; limits: PlanLimits };

/** The next step, `wait`, `needKeys`, `fault` (these wait for something to change) or `done`. */
export function planGuest(now: Case): Step {
  const { wanted, observed } = now;
  if (wanted.deleting) return observed.process === "none" ? { do: "remove" } : { do: "kill", why: "deleted" };
  if (observed.exited) {
    const asked = wanted.reboot !== null || wanted.spec.power === "stopped" || wanted.halted;
    if (asked || startsAnew(observed)) return { do: "acknowledgeExit" };
    return observed.died && startsAfterDeath(now) ? { do: "acknowledgeDeath" } : { do: "noteHalted" };
  }
  if (wanted.reboot !== null) return planReboot(now, wanted.reboot);
  switch (wanted.spec.power) {
    case "stopped":
      return planStopped(now);
    case "suspended":
      return planSuspended(now);
    case "running":
    case "paused":
      return planOn(now);
  }
}

function startsAfterDeath({ progress, nowMs }: Case): boolean {
  return recentDeaths(progress, nowMs).length < DEATHS.most;
}

export function recentDeaths({ deathsMs }: Progress, nowMs: number): number[] {
  return deathsMs.filter((atMs) => nowMs - atMs < DEATHS.withinMs);
}

function planReboot(now: Case, reboot: { kind: "soft" | "hard"; nonce: string }): Step {
  const { observed } = now;
  if (observed.process !== "none") {
    const soft = reboot.kind === "soft" && observed.process === "running";
    return soft ? shutDown(now) : { do: "kill", why: "hard reboot" };
  }
  // The machine starts anew: what it had in memory does not come back.
  if (observed.stateSaved) return { do: "discardSaved" };
  return { do: "noteRebootDown", nonce: reboot.nonce };
}

function planStopped(now: Case): Step {
  const { observed } = now;
  if (observed.process === "running") return shutDown(now);
  if (observed.process !== "none") return { do: "kill", why: "stopped while not running" };
  if (observed.stateSaved) return { do: "discardSaved" };
  if (!observed.prepared) return { do: "prepare" };
  return rest(observed);
}

function planSuspended(now: Case): Step {
  const { wanted, observed } = now;
  switch (observed.process) {
    case "none":
      return wanted.halted || observed.stateSaved ? rest(observed) : planOn(now);
    case "saved":
      return { do: "kill", why: "its state is saved" };
    case "starting":
      return observed.stateSaved ? { do: "kill", why: "its state is still saved" } : planOn(now);
    case "running":
    case "paused":
      return { do: "suspend" };
  }
}

function planOn(now: Case): Step {
  const { observed } = now;
  switch (observed.process) {
    case "none":
      return planStart(now);
    case "saved":
      return { do: "kill", why: "its state is saved" };
    case "starting":
      // A state that was saved goes on as the machine it is of, and only then becomes another.
      return startsAnew(observed) && !observed.stateSaved ? { do: "kill", why: "another is wanted" } : planBegin(now);
    case "paused":
      return planPaused(now);
    case "running":
      return planRunning(now);
  }
}

function planPaused(now: Case): Step {
  const next = planRestart(now) ?? planPlugs(now);
  if (next !== null) return next;
  return { do: now.wanted.spec.power === "paused" ? "done" : "resume" };
}

function planRunning(now: Case): Step {
  const next = planRestart(now) ?? planPlugs(now) ?? planInterfaces(now);
  if (next !== null) return next;
  // A guest need not let go of a disk; one that stands still cannot.
  return now.wanted.spec.power === "paused" ? { do: "pause" } : (planDetach(now) ?? { do: "done" });
}

function planStart({ wanted, observed }: Case): Step {
  if (wanted.halted) return rest(observed);
  // Its memory is of disks that will not be there.
  if (observed.stateSaved && observed.remake) return { do: "discardSaved" };
  if (!observed.prepared) return { do: "prepare" };
  const needed = pluggedDisks(wanted).filter(({ id }) => !observed.stateSaved || observed.disks.includes(id));
  return needed.some(isLocked) ? { do: "needKeys" } : { do: "launch", resume: observed.stateSaved };
}

/** Must the process go, because it cannot become what is wanted? */
const startsAnew = ({ sized, prepared }: ObservedGuest): boolean => !sized || !prepared;

function planRestart(now: Case): Step | null {
  const { observed } = now;
  // What it would save at the end is thrown away anyway.
  if (observed.remake) return { do: "kill", why: "its disks are made anew" };
  if (!startsAnew(observed)) return null;
  return observed.process === "running" ? shutDown(now) : { do: "kill", why: "another is wanted" };
}

const pluggedDisks = ({ spec }: LedgerEntry): GuestDisk[] => spec.disks.filter(({ detached }) => detached !== true);

/** The agent restarted since it heard the key (see ledger.ts). */
const isLocked = ({ source }: GuestDisk): boolean => source.kind === "volume" && source.key === FORGOTTEN_KEY;

/** A guest that stands still takes in a disk too: it finds it when it goes on. */
function planPlugs({ wanted, observed }: Case): Step | null {
  const missing = pluggedDisks(wanted).find(
    ({ id, source }) => source.kind === "volume" && !observed.disks.includes(id),
  );
  if (missing !== undefined) return isLocked(missing) ? { do: "needKeys" } : { do: "plugDisk", diskId: missing.id };
  const [diskId] = observed.toLimit;
  return diskId === undefined ? null : { do: "limitDisk", diskId };
}

function planDetach({ wanted, observed }: Case): Step | null {
  const diskId = extraDisk(wanted, observed);
  return diskId === undefined ? null : { do: "unplugDisk", diskId };
}

function extraDisk(wanted: LedgerEntry, observed: ObservedGuest): string | undefined {
  const ids = pluggedDisks(wanted).map(({ id }) => id);
  return observed.disks.find((id) => !ids.includes(id));
}

/** No guest runs before its network does: cloud-init would wait for DHCP in vain. */
function planBegin({ wanted, observed, progress, nowMs, limits }: Case): Step {
  const missing = wanted.spec.interfaces.filter(
    ({ portId }) => observed.plugged.includes(portId) && !observed.portsUp.includes(portId),
  );
  if (missing.length === 0) return { do: "begin" };
  const untilMs = (progress.launchedAtMs ?? nowMs) + limits.portsMs;
  if (nowMs < untilMs) return { do: "wait", untilMs, why: "ports" };
  const ports = missing.map(({ portId }) => portId).join(", ");
  return { do: "fault", message: `The network did not set up port ${ports} within ${limits.portsMs / 1000} s` };
}

function planInterfaces({ wanted, observed }: Case): Step | null {
  const wantedPorts = wanted.spec.interfaces.map(({ portId }) => portId);
  const extra = observed.plugged.find((portId) => !wantedPorts.includes(portId));
  if (extra !== undefined) return { do: "unplug", portId: extra };
  const missing = wanted.spec.interfaces.find(({ portId }) => !observed.plugged.includes(portId));
  return missing === undefined ? null : { do: "plug", wanted: missing };
}

/** A press while the guest still boots is lost, so it is repeated, as Nova does (libvirt driver, `_clean_shutdown`). */
function shutDown({ progress, nowMs, limits }: Case): Step {
  const { shutdownAskedAtMs, shutdownPressedAtMs } = progress;
  if (shutdownAskedAtMs === null || shutdownPressedAtMs === null) return { do: "askShutdown" };
  const deadlineMs = shutdownAskedAtMs + limits.shutdownMs;
  if (nowMs >= deadlineMs) return { do: "kill", why: `it did not power off within ${limits.shutdownMs / 1000} s` };
  const nextPressMs = shutdownPressedAtMs + PRESS_AGAIN_MS;
  if (nowMs >= nextPressMs) return { do: "askShutdown" };
  return { do: "wait", untilMs: Math.min(deadlineMs, nextPressMs), why: "shutdown" };
}

const rest = (observed: ObservedGuest): Step => (observed.holdsPorts ? { do: "release" } : { do: "done" });

/** What is told of the guest, given the step that comes next and the fault that stands in its way, if any. */
export function reportGuest(
  wanted: LedgerEntry,
  observed: ObservedGuest,
  next: Step,
  fault: string | null,
): GuestReport {
  const stoppedAsWanted = wanted.spec.power === "stopped";
  const converged =
    next.do === "done" &&
    fault === null &&
    (!wanted.halted || stoppedAsWanted) &&
    (observed.process === "none" || (observed.sized && extraDisk(wanted, observed) === undefined));
  const ports = new Set(wanted.spec.interfaces.map(({ portId }) => portId));
  return {
    id: wanted.spec.id,
    generation: wanted.generation,
    state: stateOf(wanted, observed, fault),
    converged,
    portsUp: observed.portsUp.filter((portId) => ports.has(portId)),
    disks: [...observed.disks],
    ...(wanted.halted && !stoppedAsWanted ? { spontaneous: true as const } : {}),
    ...(wanted.rebootDone === null ? {} : { rebootNonce: wanted.rebootDone }),
    ...(fault === null ? {} : { fault }),
    ...(next.do === "needKeys" ? { needsKeys: true as const } : {}),
  };
}

function stateOf(wanted: LedgerEntry, observed: ObservedGuest, fault: string | null): GuestState {
  switch (observed.process) {
    case "running":
      return "running";
    case "paused":
      return "paused";
    case "saved":
      return "suspended";
    case "starting":
      return fault === null ? "starting" : "failed";
    case "none":
      if (fault !== null) return "failed";
      if (wanted.halted) return "stopped";
      if (observed.stateSaved) return "suspended";
      return wanted.spec.power === "stopped" && observed.prepared ? "stopped" : "preparing";
  }
}
