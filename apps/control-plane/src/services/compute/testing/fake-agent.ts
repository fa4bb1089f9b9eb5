/** A host agent in a few words of memory, by the contract of libs/agent-api. Tests decide when and how its guests converge. */
import { type Duplex, duplexPair } from "node:stream";

import type { AgentClient } from "@andromede/agent-api/client";
import {
  AGENT_API_VERSION,
  type GuestDiagnostics,
  type GuestReport,
  type GuestSpec,
  type HostFacts,
  type Report,
} from "@andromede/agent-api/types";
import { conflict, invalid, notFound, unavailable } from "@andromede/base/errors";

import { FakeStorage } from "./fake-storage.ts";

type Guest = { spec: GuestSpec; report: GuestReport };

export class FakeAgent extends FakeStorage implements AgentClient {
  readonly facts: HostFacts;
  readonly specs = new Map<string, GuestSpec>();
  readonly calls: string[] = [];
  /** Where reports go. */
  onReport: (report: Report) => Promise<void> = () => Promise.resolve();
  /** Guests stay where they are until released. */
  held = false;
  /** Every call fails as if nobody listened. */
  away = false;
  /** Guests fail with this instead of converging. */
  failWith: string | null = null;
  /** Specs are refused with this. */
  refuseWith: string | null = null;
  /** Guests have no agent inside. */
  noGuestAgent = false;
  /** The other end of the last stream that was opened. */
  lastStream: Duplex | null = null;
  readonly #guests = new Map<string, Guest>();

  constructor(facts: Partial<HostFacts> = {}) {
    super();
    this.isOpen = (volumeId) =>
      [...this.#guests.values()].some(
        ({ report }) => report.state !== "stopped" && report.disks.includes(volumeId) && report.gone !== true,
      );
    this.tellStorage = (part) => this.onReport({ full: false, host: this.facts, guests: [], ...part });
    this.facts = {
      apiVersion: AGENT_API_VERSION,
      hostname: "fake.example",
      backend: "simulated",
      accelerator: "none",
      vcpus: 64,
      memoryMib: 1024 * 1024,
      diskGib: 100_000,
      pools: [{ name: "pool", driver: "qcow2", totalGib: 100_000, freeGib: 100_000 }],
      ...facts,
    };
  }

  /** Converges all that was held. */
  async release(): Promise<void> {
    this.held = false;
    for (const guest of this.#guests.values()) await this.#converge(guest);
  }

  /** The guest does something by itself. */
  async becomes(id: string, change: Partial<GuestReport>): Promise<void> {
    const guest = this.#get(id);
    guest.report = { ...guest.report, ...change };
    await this.#tell(guest.report);
  }

  forgetGuest(id: string): void {
    this.#guests.delete(id);
  }

  /** A guest that nobody asked for. */
  adopt(spec: GuestSpec): void {
    const report: GuestReport = {
      id: spec.id,
      generation: spec.generation,
      state: "running",
      converged: true,
      portsUp: [],
      disks: pluggedDisks(spec),
    };
    this.#guests.set(spec.id, { spec, report });
  }

  fullReport(): Promise<void> {
    return this.onReport({
      full: true,
      host: this.facts,
      guests: [...this.#guests.values()].map((guest) => ({ ...guest.report })),
    });
  }

  host(): Promise<HostFacts> {
    return Promise.resolve(this.facts);
  }

  guests(): Promise<GuestReport[]> {
    return Promise.resolve([...this.#guests.values()].map((guest) => guest.report));
  }

  async putGuest(spec: GuestSpec): Promise<GuestReport> {
    this.#reached(`put ${spec.id} ${spec.generation} ${spec.power}`);
    if (this.refuseWith !== null) throw invalid(this.refuseWith);
    const known = this.#guests.get(spec.id);
    if (known !== undefined && known.spec.generation > spec.generation) throw conflict("an older generation");
    this.specs.set(spec.id, spec);
    const before = known?.report ?? { id: spec.id, state: "preparing" as const, portsUp: [], disks: [] };
    const guest: Guest = { spec, report: { ...before, generation: spec.generation, converged: false } };
    this.#guests.set(spec.id, guest);
    // off by its own doing: only a new word about power changes that
    const sameWord = known?.spec.power === spec.power && known.spec.powerNonce === spec.powerNonce;
    if (sameWord && guest.report.spontaneous === true) await this.#tell(guest.report);
    else this.#soon(guest);
    return { ...guest.report };
  }

  async getGuest(id: string): Promise<GuestReport | null> {
    this.#reached(`get ${id}`);
    return this.#guests.get(id)?.report ?? null;
  }

  async deleteGuest(id: string, generation: number): Promise<boolean> {
    this.#reached(`delete ${id}`);
    const guest = this.#guests.get(id);
    if (guest === undefined) return false;
    if (guest.spec.generation > generation) throw conflict("an older generation");
    if (this.held) return true;
    setImmediate(() => {
      this.#guests.delete(id);
      void this.#tell({ ...guest.report, generation, converged: true, gone: true });
    });
    return true;
  }

  async rebootGuest(id: string, kind: "soft" | "hard", nonce: string): Promise<void> {
    this.#reached(`reboot ${id} ${kind}`);
    const guest = this.#get(id);
    guest.report = { ...guest.report, rebootNonce: nonce, state: "starting", converged: false };
    await this.#tell(guest.report);
    this.#soon(guest);
  }

  async consoleText(id: string, lines: number | undefined): Promise<string> {
    this.#reached(`console ${id} ${lines ?? "all"}`);
    return `output of ${id}\n`;
  }

  async setPassword(id: string, user: string, password: string): Promise<void> {
    this.#reached(`password ${id} ${user} ${password}`);
    if (this.noGuestAgent) throw conflict("No agent answers in the server");
  }

  async injectNmi(id: string): Promise<void> {
    this.#reached(`nmi ${id}`);
  }

  async diagnostics(id: string): Promise<GuestDiagnostics> {
    this.#reached(`diagnostics ${id}`);
    const { spec } = this.#get(id);
    const nothing = { bytes: 0, packets: 0, errors: 0, drops: 0 };
    return {
      uptimeSeconds: 60,
      cpus: Array.from({ length: spec.vcpus }, (_none, at) => ({ id: at, timeNs: 1_000_000_000 })),
      memory: { maximumMib: spec.memoryMib, usedMib: 64 },
      disks: spec.disks.map((disk) => ({
        id: disk.id,
        readBytes: 262_144,
        readRequests: 112,
        writtenBytes: 5_778_432,
        writeRequests: 488,
      })),
      interfaces: spec.interfaces.map((nic) => ({
        portId: nic.portId,
        macAddress: nic.macAddress,
        received: { ...nothing, bytes: 2070, packets: 26 },
        sent: { ...nothing, bytes: 140, packets: 2 },
      })),
    };
  }

  async openStream(id: string, stream: "vnc" | "serial"): Promise<Duplex> {
    this.#reached(`open ${id} ${stream}`);
    const [near, far] = duplexPair();
    this.lastStream = far;
    return near;
  }

  // eslint-disable-next-line require-yield
  async *reports(): AsyncIterable<Report> {
    throw unavailable("tests hand reports over by onReport");
  }

  dropImage(): Promise<void> {
    return Promise.resolve();
  }

  #get(id: string): Guest {
    const guest = this.#guests.get(id);
    if (guest === undefined) throw notFound(`no guest ${id}`);
    return guest;
  }

  #reached(call: string): void {
    this.calls.push(call);
    if (this.away) throw unavailable("host agent does not answer");
  }

  #tell(report: GuestReport): Promise<void> {
    return this.onReport({ full: false, host: this.facts, guests: [{ ...report }] });
  }

  #soon(guest: Guest): void {
    if (!this.held) setImmediate(() => void this.#converge(guest));
  }

  async #converge(guest: Guest): Promise<void> {
    const { spontaneous: _spontaneous, fault: _fault, ...plain } = guest.report;
    guest.report =
      this.failWith === null
        ? {
            ...plain,
            state: guest.spec.power,
            converged: true,
            portsUp: guest.spec.interfaces.map((nic) => nic.portId),
            disks: pluggedDisks(guest.spec),
          }
        : { ...plain, state: "failed", converged: false, fault: this.failWith };
    await this.#tell(guest.report);
  }
}

const pluggedDisks = ({ disks }: GuestSpec): string[] =>
  disks.flatMap(({ id, detached }) => (detached === true ? [] : [id]));
