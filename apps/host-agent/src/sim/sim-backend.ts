/**
 * A backend without QEMU: guests are a few words of memory each, steps are timers. Thousands of hosts fit in a process.
 * It obeys the same contract tests as the real one (tests/contract/agent), and can be told to be slow or to fail.
 */
import { type Duplex, PassThrough, duplexPair } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import type { GuestDiagnostics, GuestDisk, GuestInterface, GuestSpec } from "@andromede/agent-api/types";
import { conflict, invalid, unavailable } from "@andromede/base/errors";

import type { Backend, GuestProcess, GuestStream, ObservedGuest } from "../backend.ts";
import type { LedgerEntry } from "../ledger.ts";
import type { OnlineGuests } from "../volumes/online.ts";
import { createSimOnline } from "./sim-online.ts";

/** Milliseconds, or the least and the most of them. */
export type SimulatedDelay = number | [number, number];

export type SimulatedDelays = {
  prepare: SimulatedDelay;
  launch: SimulatedDelay;
  /** From the launch to the ports being up. */
  ports: SimulatedDelay;
  begin: SimulatedDelay;
  /** From the power button to the guest being off. */
  shutdown: SimulatedDelay;
  /** Each step on a volume, and each copy; as `other` if it is not said. */
  volume: SimulatedDelay;
  /** All other steps. */
  other: SimulatedDelay;
};

/** The step fails for guests whose name contains the text, as often as `times` says (always, if it does not). */
export type SimulatedFault = { step: string; nameContains: string; message: string; times?: number };

export type SimHostOptions = {
  vcpus: number;
  memoryMib: number;
  diskGib: number;
  delaysMs?: Partial<SimulatedDelays>;
  faults?: SimulatedFault[];
};

type SimGuest = {
  /** What its own disks were made from, and how large they are. */
  made: Map<string, { source: string; sizeGib: number }>;
  process: GuestProcess;
  exited: boolean;
  died: boolean;
  stateSaved: boolean;
  holdsPorts: boolean;
  /** Of the process: id -> limits. */
  disks: Map<string, string>;
  plugged: string[];
  macAddresses: Map<string, string>;
  portsUp: string[];
  size: string;
  ignoresShutdown: boolean;
  console: string[];
};

/** A simulated machine. It outlives the backend as a real one outlives its agent. */
export type SimHost = {
  readonly options: SimHostOptions;
  readonly guests: Map<string, SimGuest>;
  readonly faults: SimulatedFault[];
  /** The guest's own doings, for tests. */
  powerOff(guestId: string): void;
  die(guestId: string): void;
  ignoreShutdown(guestId: string): void;
  /** Ports come up only when told so, from now on. */
  holdPorts(hold: boolean): void;
  held: boolean;
  /** The backend in charge listens here. */
  tell: (guestId: string) => void;
};

/** Makes a machine with nothing on it. */
export function createSimHost(options: SimHostOptions): SimHost {
  const guests = new Map<string, SimGuest>();
  const host: SimHost = {
    options,
    guests,
    faults: (options.faults ?? []).map((fault) => ({ ...fault })),
    held: false,
    tell: () => undefined,
    powerOff(guestId) {
      const guest = guests.get(guestId);
      if (guest !== undefined) endBySelf(host, guestId, guest);
    },
    die(guestId) {
      const guest = guests.get(guestId);
      if (guest === undefined) return;
      guest.died = true;
      endBySelf(host, guestId, guest);
    },
    ignoreShutdown(guestId) {
      const guest = guests.get(guestId);
      if (guest !== undefined) guest.ignoresShutdown = true;
    },
    holdPorts(hold) {
      host.held = hold;
      if (hold) return;
      for (const [guestId, guest] of guests) {
        guest.portsUp = [...guest.plugged];
        host.tell(guestId);
      }
    },
  };
  return host;
}

function endBySelf(host: SimHost, guestId: string, guest: SimGuest): void {
  if (guest.process !== "running" && guest.process !== "paused") return;
  guest.process = "none";
  guest.exited = true;
  guest.plugged = [];
  guest.portsUp = [];
  guest.console.push("System halted.");
  host.tell(guestId);
}

function pause(time: SimulatedDelay | undefined, signal?: AbortSignal): Promise<void> | void {
  if (time === undefined || time === 0) return undefined;
  const ms = typeof time === "number" ? time : time[0] + Math.random() * (time[1] - time[0]);
  return delay(ms, undefined, signal === undefined ? {} : { signal });
}

const pluggedOf = ({ disks }: GuestSpec): GuestDisk[] => disks.filter(({ detached }) => detached !== true);
const ownOf = ({ disks }: GuestSpec): GuestDisk[] => disks.filter(({ source }) => source.kind !== "volume");
const sizeOf = (spec: GuestSpec): string => {
  const own = ownOf({ ...spec, disks: pluggedOf(spec) }).map(({ id, bootIndex }) => `${id}:${bootIndex}`);
  return `${spec.vcpus}/${spec.memoryMib}/${own.join()}`;
};
const limitsOf = ({ limits = {} }: GuestDisk): string => JSON.stringify(limits);
const sourceOf = ({ source, nonce }: GuestDisk): string =>
  `${source.kind === "image" ? source.imageId : ""}:${nonce ?? ""}`;

function isPrepared(spec: GuestSpec, { made }: SimGuest): boolean {
  return ownOf(spec).every(({ id, sizeGib, detached }) => detached === true || made.get(id)?.sizeGib === sizeGib);
}

function mustRemake(spec: GuestSpec, { made }: SimGuest): boolean {
  return [...made].some(([diskId, { source }]) => {
    const disk = ownOf(spec).find(({ id }) => id === diskId);
    return disk === undefined || (disk.detached !== true && sourceOf(disk) !== source);
  });
}

function makeDisks(spec: GuestSpec, guest: SimGuest): void {
  const kept = [...guest.made].filter(([diskId]) =>
    spec.disks.some(({ id, detached }) => id === diskId && detached === true),
  );
  const own = ownOf(spec).filter(({ detached }) => detached !== true);
  guest.made = new Map([
    ...kept,
    ...own.map((disk) => [disk.id, { source: sourceOf(disk), sizeGib: disk.sizeGib }] as const),
  ]);
}

const ABSENT: ObservedGuest = {
  prepared: false,
  remake: false,
  process: "none",
  exited: false,
  died: false,
  stateSaved: false,
  disks: [],
  toLimit: [],
  plugged: [],
  holdsPorts: false,
  portsUp: [],
  sized: true,
};

/** Makes the backend of a simulated machine. */
export function createSimBackend(host: SimHost): Backend {
  return new SimBackend(host);
}

class SimBackend implements Backend {
  readonly online: OnlineGuests;
  readonly #host: SimHost;
  readonly #delays: Partial<SimulatedDelays>;
  #listener: (guestId: string) => void = () => undefined;
  #closed = false;

  constructor(host: SimHost) {
    this.#host = host;
    this.online = createSimOnline(host.guests);
    this.#delays = host.options.delaysMs ?? {};
    host.tell = (guestId) => {
      if (!this.#closed) this.#listener(guestId);
    };
  }

  facts(): ReturnType<Backend["facts"]> {
    const { vcpus, memoryMib, diskGib } = this.#host.options;
    const acceleratorReason = "the host is simulated";
    return { backend: "simulated", accelerator: "none", acceleratorReason, vcpus, memoryMib, diskGib };
  }

  async start(entries: ReadonlyMap<string, LedgerEntry>): Promise<void> {
    await this.collectGarbage(entries, (guestId) => entries.has(guestId));
  }

  onChange(listener: (guestId: string) => void): void {
    this.#listener = listener;
  }

  /** There is no network here. */
  entriesChanged(): void {}

  observe(spec: GuestSpec): ObservedGuest {
    const guest = this.#host.guests.get(spec.id);
    if (guest === undefined) return ABSENT;
    const { process, exited, died, stateSaved, plugged, holdsPorts, portsUp } = guest;
    const remake = mustRemake(spec, guest);
    const prepared = !remake && isPrepared(spec, guest);
    const has = process !== "none" || stateSaved;
    const disks = has ? [...guest.disks.keys()] : prepared ? pluggedOf(spec).map(({ id }) => id) : [];
    const limits = new Map(spec.disks.map((disk) => [disk.id, limitsOf(disk)]));
    return {
      prepared,
      remake,
      process,
      exited,
      died,
      stateSaved,
      disks,
      toLimit:
        process === "none" ? [] : disks.filter((id) => (limits.get(id) ?? guest.disks.get(id)) !== guest.disks.get(id)),
      plugged,
      holdsPorts: holdsPorts && process === "none",
      portsUp,
      sized: guest.size === sizeOf(spec),
    };
  }

  async prepare(spec: GuestSpec, signal: AbortSignal): Promise<void> {
    await pause(this.#delays.prepare, signal);
    this.#fail("prepare", spec);
    checkDisks(spec);
    const guest = this.#host.guests.get(spec.id) ?? newGuest(spec);
    makeDisks(spec, guest);
    this.#host.guests.set(spec.id, guest);
  }

  async launch(spec: GuestSpec, { resume }: { resume: boolean }): Promise<void> {
    const guest = await this.#step("launch", spec);
    guest.process = "starting";
    if (!resume) {
      guest.size = sizeOf(spec);
      guest.disks = new Map(pluggedOf(spec).map((disk) => [disk.id, limitsOf(disk)]));
    }
    guest.holdsPorts = spec.interfaces.length > 0;
    guest.plugged = spec.interfaces.map(({ portId }) => portId);
    guest.macAddresses = new Map(spec.interfaces.map(({ portId, macAddress }) => [portId, macAddress]));
    guest.console.push(resume ? `${spec.name}: resumed` : `${spec.name}: started`);
    this.#raisePorts(spec.id, guest);
  }

  async begin(spec: GuestSpec): Promise<void> {
    const guest = await this.#step("begin", spec);
    guest.stateSaved = false;
    guest.process = "running";
  }

  async pause(spec: GuestSpec): Promise<void> {
    (await this.#step("pause", spec)).process = "paused";
  }

  async resume(spec: GuestSpec): Promise<void> {
    (await this.#step("resume", spec)).process = "running";
  }

  async askShutdown(spec: GuestSpec): Promise<void> {
    const guest = await this.#step("askShutdown", spec);
    if (!guest.ignoresShutdown) soon(this.#delays.shutdown, () => endBySelf(this.#host, spec.id, guest));
  }

  async kill(spec: GuestSpec): Promise<void> {
    const guest = await this.#step("kill", spec);
    guest.process = "none";
    guest.exited = false;
    guest.plugged = [];
    guest.portsUp = [];
  }

  async suspend(spec: GuestSpec): Promise<void> {
    const guest = await this.#step("suspend", spec);
    guest.stateSaved = true;
    guest.process = "saved";
  }

  async discardSaved(spec: GuestSpec): Promise<void> {
    (await this.#step("discardSaved", spec)).stateSaved = false;
  }

  async acknowledgeExit(spec: GuestSpec): Promise<void> {
    const guest = await this.#step("acknowledgeExit", spec);
    guest.exited = false;
    guest.died = false;
  }

  async plug(spec: GuestSpec, wanted: GuestInterface): Promise<void> {
    const guest = await this.#step("plug", spec);
    guest.plugged = [...guest.plugged, wanted.portId];
    guest.macAddresses.set(wanted.portId, wanted.macAddress);
    this.#raisePorts(spec.id, guest);
  }

  async unplug(spec: GuestSpec, portId: string): Promise<void> {
    const guest = await this.#step("unplug", spec);
    guest.plugged = guest.plugged.filter((each) => each !== portId);
    guest.portsUp = guest.portsUp.filter((each) => each !== portId);
  }

  async plugDisk(spec: GuestSpec, diskId: string): Promise<void> {
    await this.#setDisk("plugDisk", spec, diskId);
  }

  async unplugDisk(spec: GuestSpec, diskId: string): Promise<void> {
    (await this.#step("unplugDisk", spec)).disks.delete(diskId);
  }

  async limitDisk(spec: GuestSpec, diskId: string): Promise<void> {
    await this.#setDisk("limitDisk", spec, diskId);
  }

  async release(spec: GuestSpec): Promise<void> {
    (await this.#step("release", spec)).holdsPorts = false;
  }

  async remove(spec: GuestSpec): Promise<void> {
    await pause(this.#delays.other);
    this.#fail("remove", spec);
    this.#host.guests.delete(spec.id);
  }

  async consoleText(guestId: string, lines: number | undefined): Promise<string> {
    const all = this.#host.guests.get(guestId)?.console ?? [];
    const shown = lines === undefined ? all : all.slice(all.length - Math.min(lines, all.length));
    return shown.map((line) => `${line}\n`).join("");
  }

  /** Its guests have an agent, and passwords are nobody's business. */
  async setPassword(guestId: string): Promise<void> {
    this.#running(guestId);
  }

  async injectNmi(guestId: string): Promise<void> {
    this.#running(guestId).console.push("NMI received for unknown reason 30 on CPU 0.");
  }

  async diagnostics(guestId: string): Promise<GuestDiagnostics> {
    const guest = this.#host.guests.get(guestId);
    if (guest === undefined || guest.process === "none") throw conflict(`server ${guestId} is not running`);
    const [vcpus = 1, memoryMib = 0] = guest.size.split("/").map(Number);
    const nothing = { bytes: 0, packets: 0, errors: 0, drops: 0 };
    return {
      uptimeSeconds: 0,
      cpus: Array.from({ length: vcpus }, (_none, id) => ({ id, timeNs: 0 })),
      memory: { maximumMib: memoryMib, usedMib: memoryMib },
      disks: [...guest.disks.keys()].map((id) => ({
        id,
        readBytes: 0,
        readRequests: 0,
        writtenBytes: 0,
        writeRequests: 0,
      })),
      interfaces: guest.plugged.map((portId) => ({
        portId,
        macAddress: guest.macAddresses.get(portId) ?? "",
        received: nothing,
        sent: nothing,
      })),
    };
  }

  #running(guestId: string): SimGuest {
    const guest = this.#host.guests.get(guestId);
    if (guest?.process !== "running") throw conflict(`server ${guestId} is not running`);
    return guest;
  }

  async openStream(guestId: string, stream: GuestStream): Promise<Duplex> {
    const process = this.#host.guests.get(guestId)?.process ?? "none";
    if (process !== "running" && process !== "paused") throw conflict(`guest ${guestId} is not running`);
    return simulatedStream(stream);
  }

  async dropImage(imageId: string, entries: ReadonlyMap<string, LedgerEntry>): Promise<void> {
    if (usesImage(entries, imageId)) throw conflict(`image ${imageId} is in use`);
  }

  async collectGarbage(
    _entries: ReadonlyMap<string, LedgerEntry>,
    isKnown: (guestId: string) => boolean,
  ): Promise<void> {
    for (const guestId of this.#host.guests.keys()) if (!isKnown(guestId)) this.#host.guests.delete(guestId);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #setDisk(step: string, spec: GuestSpec, diskId: string): Promise<void> {
    const guest = await this.#step(step, spec);
    const disk = spec.disks.find(({ id }) => id === diskId);
    if (disk !== undefined) guest.disks.set(diskId, limitsOf(disk));
  }

  /** Takes its time, fails if it was told to, and gives the guest. */
  async #step(step: string, spec: GuestSpec): Promise<SimGuest> {
    await pause(step === "launch" || step === "begin" ? this.#delays[step] : this.#delays.other);
    this.#fail(step, spec);
    const guest = this.#host.guests.get(spec.id);
    if (guest === undefined) throw unavailable(`guest ${spec.id} is not prepared`);
    return guest;
  }

  #fail(step: string, spec: GuestSpec): void {
    const fault = this.#host.faults.find(
      (each) => each.step === step && each.times !== 0 && spec.name.includes(each.nameContains),
    );
    if (fault === undefined) return;
    if (fault.times !== undefined) fault.times -= 1;
    throw invalid(fault.message);
  }

  #raisePorts(guestId: string, guest: SimGuest): void {
    soon(this.#delays.ports, () => {
      if (this.#host.held || guest.process === "none") return;
      guest.portsUp = [...guest.plugged];
      this.#host.tell(guestId);
    });
  }
}

function soon(time: SimulatedDelay | undefined, work: () => void): void {
  const waiting = pause(time);
  if (waiting === undefined) work();
  else void waiting.then(work);
}

function newGuest(spec: GuestSpec): SimGuest {
  return {
    made: new Map(),
    process: "none",
    exited: false,
    died: false,
    stateSaved: false,
    holdsPorts: false,
    disks: new Map(),
    plugged: [],
    macAddresses: new Map(),
    portsUp: [],
    size: sizeOf(spec),
    ignoresShutdown: false,
    console: [],
  };
}

function checkDisks(spec: GuestSpec): void {
  for (const { source, sizeGib } of spec.disks) {
    if (source.kind !== "image") continue;
    if (!spec.images.some(({ imageId }) => imageId === source.imageId))
      throw invalid(`Image ${source.imageId} cannot be read by the host`);
    if (sizeGib > 0 && source.sizeBytes > sizeGib * 2 ** 30) {
      throw invalid(`Image ${source.imageId} is larger than the disk of ${sizeGib} GiB`);
    }
  }
}

function usesImage(entries: ReadonlyMap<string, LedgerEntry>, imageId: string): boolean {
  for (const { spec } of entries.values()) {
    if (spec.disks.some(({ source }) => source.kind === "image" && source.imageId === imageId)) return true;
  }
  return false;
}

/** VNC: says its version as a server does. Serial: an echo. */
function simulatedStream(stream: GuestStream): Duplex {
  const [near, far] = duplexPair();
  if (stream === "vnc") {
    far.write("RFB 003.008\n");
    far.resume();
  } else {
    const echo = new PassThrough();
    far.pipe(echo).pipe(far);
  }
  return near;
}
