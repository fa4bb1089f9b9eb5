/**
 * What carries guests: QEMU, or the simulation. The reconciler decides (guest.plan.ts) and calls exactly one of these
 * steps at a time for a guest; steps of different guests run side by side.
 *
 * Every step MUST be idempotent and MAY be repeated after a crash in its middle. A step throws a CloudError whose
 * message is fit for a customer, or anything else for a transient trouble.
 */
import type { Duplex } from "node:stream";

import type { GuestDiagnostics, GuestInterface, GuestSpec, HostFacts } from "@andromede/agent-api/types";

import type { LedgerEntry } from "./ledger.ts";
import type { OnlineGuests } from "./volumes/online.ts";

/** none: no process. starting: has not run a single instruction yet. saved: its state is on disk, it only has to go. */
export type GuestProcess = "none" | "starting" | "running" | "paused" | "saved";

/** What is seen of a guest, at no cost: backends keep it in memory and say when it changes. */
export type ObservedGuest = {
  /** Disks are there, whole, as the spec wants them. */
  prepared: boolean;
  /** A disk of the guest's own is there that must go, or be made anew, before the guest runs as wanted. */
  remake: boolean;
  process: GuestProcess;
  /** Had been running, and went without our doing. Stays true until `acknowledgeExit`. */
  exited: boolean;
  /** It went because its process was killed, or crashed: the machine had not been switched off. */
  died: boolean;
  /** A suspended state is on disk, from which `launch` with `resume` continues. */
  stateSaved: boolean;
  /** Ids of the disks that the process has (a suspended guest: will have again); without one, of those that are made. */
  disks: readonly string[];
  /** Disks of the process whose limits are not the spec's. */
  toLimit: readonly string[];
  /** Ports plugged into the process. */
  plugged: readonly string[];
  /** Taps, links to volumes or the like are held though no process uses them. */
  holdsPorts: boolean;
  /** Ports plugged in the switch whose flows are installed. */
  portsUp: readonly string[];
  /** False when the process runs with other processors, memory or disks of its own than the spec says. */
  sized: boolean;
};

export type GuestStream = "vnc" | "serial";

export type Backend = {
  /** For the volumes' side: what guests have open. */
  readonly online: OnlineGuests;
  facts(): Omit<HostFacts, "apiVersion" | "hostname">;
  /** Finds what is already there, adopts running guests, removes what belongs to no entry. MUST be called first, once. */
  start(entries: ReadonlyMap<string, LedgerEntry>): Promise<void>;
  /** Calls the listener when what `observe` says of a guest may have changed. */
  onChange(listener: (guestId: string) => void): void;
  /** What the hosts' networks need (metadata proxies) follows from all entries together. Never throws. */
  entriesChanged(entries: ReadonlyMap<string, LedgerEntry>): void;
  observe(spec: GuestSpec): ObservedGuest;

  prepare(spec: GuestSpec, signal: AbortSignal): Promise<void>;
  launch(spec: GuestSpec, options: { resume: boolean }): Promise<void>;
  /** Lets a `starting` guest run. */
  begin(spec: GuestSpec): Promise<void>;
  pause(spec: GuestSpec): Promise<void>;
  resume(spec: GuestSpec): Promise<void>;
  /** Presses the power button; the guest may take its time, or ignore it. */
  askShutdown(spec: GuestSpec): Promise<void>;
  kill(spec: GuestSpec): Promise<void>;
  suspend(spec: GuestSpec): Promise<void>;
  discardSaved(spec: GuestSpec): Promise<void>;
  acknowledgeExit(spec: GuestSpec): Promise<void>;
  plug(spec: GuestSpec, wanted: GuestInterface): Promise<void>;
  unplug(spec: GuestSpec, portId: string): Promise<void>;
  /** Plugs a volume of the spec; its key is there. */
  plugDisk(spec: GuestSpec, diskId: string): Promise<void>;
  /** Throws `unavailable` when the guest does not let go of it; it is then asked again. */
  unplugDisk(spec: GuestSpec, diskId: string): Promise<void>;
  /** Gives a disk the limits that the spec has for it. */
  limitDisk(spec: GuestSpec, diskId: string): Promise<void>;
  /** Gives back what a guest without a process need not hold: taps, control groups. */
  release(spec: GuestSpec): Promise<void>;
  /** Leaves nothing of the guest. */
  remove(spec: GuestSpec): Promise<void>;

  consoleText(guestId: string, lines: number | undefined): Promise<string>;
  /** `password`: base64. */
  setPassword(guestId: string, user: string, password: string): Promise<void>;
  injectNmi(guestId: string): Promise<void>;
  diagnostics(guestId: string): Promise<GuestDiagnostics>;
  openStream(guestId: string, stream: GuestStream): Promise<Duplex>;
  dropImage(imageId: string, entries: ReadonlyMap<string, LedgerEntry>): Promise<void>;
  /**
   * Removes what belongs to no entry, and cached images long unused. `isKnown` MUST be asked right before each removal
   * (a guest may come meanwhile); it also knows guests whose entry cannot be read.
   */
  collectGarbage(entries: ReadonlyMap<string, LedgerEntry>, isKnown: (guestId: string) => boolean): Promise<void>;
  /** Lets go of everything; guests keep running. */
  close(): Promise<void>;
};
