/**
 * A backend without QEMU: guests are a few words of memory each, steps are timers. Thousands of hosts fit in a process.
 * It obeys the same contract tests as the real one (tests/contract/agent), and can be told to be slow or to fail.
 */
import { type Duplex, PassThrough, Transform, duplexPair } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import type { GuestSpec } from "@andromede/agent-api/types";
import { conflict, invalid, unavailable } from "@andromede/base/errors";

import type { Backend, GuestProcess, GuestStream, ObservedGuest } from "../backend.ts";
import type { LedgerEntry } from "../ledger.ts";

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
  prepared: string | null;
  process: GuestProcess;
  exited: boolean;
  stateSaved: boolean;
  holdsPorts: boolean;
  plugged: string[];
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

const sizeOf = ({ vcpus, memoryMib }: GuestSpec): string => `${vcpus}/${memoryMib}`;
const disksOf = (spec: GuestSpec): string =>
  spec.disks.map(({ id, source, sizeGib }) => `${id}:${source.kind === "image" ? source.imageId : ""}:${sizeGib}`).join();

const ABSENT: ObservedGuest = {
  prepared: false,
  process: "none",
  exited: false,
  stateSaved: false,
  plugged: [],
  holdsPorts: false,
  portsUp: [],
  sized: true,
};

/** Makes the backend of a simulated machine. */
export function createSimBackend(host: SimHost): Backend {
  const { options, guests } = host;
  const delays = options.delaysMs ?? {};
  let listener: (guestId: string) => void = () => undefined;
  let closed = false;
  host.tell = (guestId) => {
    if (!closed) listener(guestId);
  };

  function fail(step: string, spec: GuestSpec): void {
    const fault = host.faults.find((each) => each.step === step && each.times !== 0 && spec.name.includes(each.nameContains));
    if (fault === undefined) return;
    if (fault.times !== undefined) fault.times -= 1;
    throw invalid(fault.message);
  }

  function known(spec: GuestSpec): SimGuest {
    const guest = guests.get(spec.id);
    if (guest === undefined) throw unavailable(`guest ${spec.id} is not prepared`);
    return guest;
  }

  async function other(step: string, spec: GuestSpec): Promise<SimGuest> {
    await pause(delays.other);
    fail(step, spec);
    return known(spec);
  }

  function raisePorts(guestId: string, guest: SimGuest): void {
    const up = (): void => {
      if (host.held || guest.process === "none") return;
      guest.portsUp = [...guest.plugged];
      host.tell(guestId);
    };
    const waiting = pause(delays.ports);
    if (waiting === undefined) up();
    else void waiting.then(up);
  }

  function powerButton(guestId: string, guest: SimGuest): void {
    if (guest.ignoresShutdown) return;
    const waiting = pause(delays.shutdown);
    if (waiting === undefined) endBySelf(host, guestId, guest);
    else void waiting.then(() => endBySelf(host, guestId, guest));
  }

  return {
    facts: () => ({
      backend: "simulated",
      accelerator: "none",
      acceleratorReason: "the host is simulated",
      vcpus: options.vcpus,
      memoryMib: options.memoryMib,
      diskGib: options.diskGib,
    }),
    async start(entries) {
      for (const guestId of guests.keys()) if (!entries.has(guestId)) guests.delete(guestId);
    },
    onChange(listen) {
      listener = listen;
    },
    entriesChanged: () => undefined,
    observe(spec) {
      const guest = guests.get(spec.id);
      if (guest === undefined) return ABSENT;
      const { process, exited, stateSaved, plugged, holdsPorts, portsUp } = guest;
      return {
        prepared: guest.prepared === disksOf(spec),
        process,
        exited,
        stateSaved,
        plugged,
        holdsPorts: holdsPorts && process === "none",
        portsUp,
        sized: guest.size === sizeOf(spec),
      };
    },
    async prepare(spec, signal) {
      await pause(delays.prepare, signal);
      fail("prepare", spec);
      checkDisks(spec);
      const guest = guests.get(spec.id);
      if (guest === undefined) guests.set(spec.id, newGuest(spec));
      else guest.prepared = disksOf(spec);
    },
    async launch(spec, { resume }) {
      await pause(delays.launch);
      fail("launch", spec);
      const guest = known(spec);
      guest.process = "starting";
      guest.size = sizeOf(spec);
      guest.holdsPorts = spec.interfaces.length > 0;
      guest.plugged = spec.interfaces.map(({ portId }) => portId);
      guest.console.push(resume ? `${spec.name}: resumed` : `${spec.name}: started`);
      raisePorts(spec.id, guest);
    },
    async begin(spec) {
      await pause(delays.begin);
      fail("begin", spec);
      const guest = known(spec);
      guest.stateSaved = false;
      guest.process = "running";
    },
    async pause(spec) {
      (await other("pause", spec)).process = "paused";
    },
    async resume(spec) {
      (await other("resume", spec)).process = "running";
    },
    async askShutdown(spec) {
      powerButton(spec.id, await other("askShutdown", spec));
    },
    async kill(spec) {
      const guest = await other("kill", spec);
      guest.process = "none";
      guest.exited = false;
      guest.plugged = [];
      guest.portsUp = [];
    },
    async suspend(spec) {
      const guest = await other("suspend", spec);
      guest.stateSaved = true;
      guest.process = "saved";
    },
    async discardSaved(spec) {
      (await other("discardSaved", spec)).stateSaved = false;
    },
    async acknowledgeExit(spec) {
      (await other("acknowledgeExit", spec)).exited = false;
    },
    async plug(spec, wanted) {
      const guest = await other("plug", spec);
      guest.plugged = [...guest.plugged, wanted.portId];
      raisePorts(spec.id, guest);
    },
    async unplug(spec, portId) {
      const guest = await other("unplug", spec);
      guest.plugged = guest.plugged.filter((each) => each !== portId);
      guest.portsUp = guest.portsUp.filter((each) => each !== portId);
    },
    async release(spec) {
      (await other("release", spec)).holdsPorts = false;
    },
    async remove(spec) {
      await pause(delays.other);
      fail("remove", spec);
      guests.delete(spec.id);
    },
    async consoleText(guestId, lines) {
      const all = guests.get(guestId)?.console ?? [];
      const shown = lines === undefined ? all : all.slice(all.length - Math.min(lines, all.length));
      return shown.map((line) => `${line}\n`).join("");
    },
    async openStream(guestId, stream) {
      const process = guests.get(guestId)?.process ?? "none";
      if (process !== "running" && process !== "paused") throw conflict(`guest ${guestId} is not running`);
      return simulatedStream(stream);
    },
    async dropImage(imageId, entries) {
      if (usesImage(entries, imageId)) throw conflict(`image ${imageId} is in use`);
    },
    async collectGarbage(_entries, isKnown) {
      for (const guestId of guests.keys()) if (!isKnown(guestId)) guests.delete(guestId);
    },
    async close() {
      closed = true;
    },
  };
}

function newGuest(spec: GuestSpec): SimGuest {
  return {
    prepared: disksOf(spec),
    process: "none",
    exited: false,
    stateSaved: false,
    holdsPorts: false,
    plugged: [],
    portsUp: [],
    size: sizeOf(spec),
    ignoresShutdown: false,
    console: [],
  };
}

function checkDisks(spec: GuestSpec): void {
  for (const { source, sizeGib } of spec.disks) {
    if (source.kind !== "image") continue;
    if (!spec.images.some(({ imageId }) => imageId === source.imageId)) throw invalid(`Image ${source.imageId} cannot be read by the host`);
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
    const echo: Transform = new PassThrough();
    far.pipe(echo).pipe(far);
  }
  return near;
}
