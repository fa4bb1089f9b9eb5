/** A host agent in a few words of memory, by the contract of libs/agent-api. Tests decide when and how its guests converge. */
import { PassThrough, type Duplex, duplexPair } from "node:stream";

import type { AgentClient } from "@andromede/agent-api/client";
import { AGENT_API_VERSION, type GuestReport, type GuestSpec, type GuestState, type HostFacts, type Report } from "@andromede/agent-api/types";
import { conflict, invalid, unavailable } from "@andromede/base/errors";

type Guest = { spec: GuestSpec; report: GuestReport; ignoredNonce: string | null };

export type FakeAgent = AgentClient & {
  readonly facts: HostFacts;
  readonly specs: Map<string, GuestSpec>;
  readonly calls: string[];
  /** Where reports go. */
  onReport: (report: Report) => Promise<void>;
  /** Guests stay where they are until released. */
  held: boolean;
  /** Converges all that was held. */
  release(): Promise<void>;
  /** Every call fails as if nobody listened. */
  away: boolean;
  /** Guests made from now on fail with this. */
  failWith: string | null;
  refuseWith: string | null;
  /** The guest does something by itself. */
  becomes(id: string, change: Partial<GuestReport>): Promise<void>;
  forgetGuest(id: string): void;
  adopt(spec: GuestSpec): void;
  fullReport(): Promise<void>;
  /** The other end of the last stream that was opened. */
  lastStream: Duplex | null;
};

export function createFakeAgent(facts: Partial<HostFacts> = {}): FakeAgent {
  const guests = new Map<string, Guest>();
  const specs = new Map<string, GuestSpec>();
  const reached = (call: string): void => {
    agent.calls.push(call);
    if (agent.away) throw unavailable("host agent does not answer");
  };
  const report = (...list: GuestReport[]): Promise<void> => agent.onReport({ full: false, host: agent.facts, guests: list });
  const emit = (guest: Guest): Promise<void> => report({ ...guest.report });

  const converge = async (guest: Guest): Promise<void> => {
    if (agent.failWith !== null) guest.report = { ...guest.report, state: "failed", converged: false, fault: agent.failWith };
    else {
      const state: GuestState = guest.spec.power;
      const { spontaneous: _s, fault: _f, ...plain } = guest.report;
      guest.report = { ...plain, state, converged: true, portsUp: guest.spec.interfaces.map((nic) => nic.portId) };
    }
    await emit(guest);
  };
  const soon = (guest: Guest): void => {
    if (!agent.held) setImmediate(() => void converge(guest));
  };

  const agent: FakeAgent = {
    facts: {
      apiVersion: AGENT_API_VERSION,
      hostname: "fake.example",
      backend: "simulated",
      accelerator: "none",
      vcpus: 64,
      memoryMib: 1024 * 1024,
      diskGib: 100_000,
      ...facts,
    },
    specs,
    calls: [],
    onReport: () => Promise.resolve(),
    held: false,
    away: false,
    failWith: null,
    refuseWith: null,
    lastStream: null,
    async release() {
      agent.held = false;
      for (const guest of guests.values()) await converge(guest);
    },
    async becomes(id, change) {
      const guest = guests.get(id);
      if (guest === undefined) throw new Error(`no guest ${id}`);
      guest.report = { ...guest.report, ...change };
      await emit(guest);
    },
    forgetGuest: (id) => void guests.delete(id),
    adopt(spec) {
      guests.set(spec.id, { spec, ignoredNonce: null, report: { id: spec.id, generation: spec.generation, state: "running", converged: true, portsUp: [] } });
    },
    fullReport: () => agent.onReport({ full: true, host: agent.facts, guests: [...guests.values()].map((guest) => ({ ...guest.report })) }),
    host: () => Promise.resolve(agent.facts),
    guests: () => Promise.resolve([...guests.values()].map((guest) => guest.report)),
    async putGuest(spec) {
      reached(`put ${spec.id} ${spec.generation} ${spec.power}`);
      if (agent.refuseWith !== null) throw invalid(agent.refuseWith);
      const known = guests.get(spec.id);
      if (known !== undefined && known.spec.generation > spec.generation) throw conflict("an older generation");
      specs.set(spec.id, spec);
      const sameWord = known !== undefined && known.spec.power === spec.power && known.spec.powerNonce === spec.powerNonce;
      const state = known?.report.state ?? "preparing";
      const guest: Guest = {
        spec,
        ignoredNonce: null,
        report: { id: spec.id, portsUp: [], ...known?.report, generation: spec.generation, state, converged: false },
      };
      guests.set(spec.id, guest);
      // off by its own doing: only a new word about power changes that
      if (!(sameWord && guest.report.spontaneous === true)) soon(guest);
      return { ...guest.report };
    },
    getGuest: (id) => {
      reached(`get ${id}`);
      return Promise.resolve(guests.get(id)?.report ?? null);
    },
    async deleteGuest(id, generation) {
      reached(`delete ${id}`);
      const guest = guests.get(id);
      if (guest === undefined) return false;
      if (guest.spec.generation > generation) throw conflict("an older generation");
      if (agent.held) return true;
      setImmediate(() => {
        guests.delete(id);
        void report({ ...guest.report, generation, converged: true, gone: true });
      });
      return true;
    },
    async rebootGuest(id, kind, nonce) {
      reached(`reboot ${id} ${kind}`);
      const guest = guests.get(id);
      if (guest === undefined) throw new Error(`no guest ${id}`);
      guest.report = { ...guest.report, rebootNonce: nonce, state: "starting", converged: false };
      await emit(guest);
      soon(guest);
    },
    async consoleText(id, lines) {
      reached(`console ${id} ${lines ?? "all"}`);
      return `output of ${id}\n`;
    },
    async openStream(id, stream) {
      reached(`open ${id} ${stream}`);
      const [near, far] = duplexPair();
      agent.lastStream = far;
      return near;
    },
    async *reports() {
      yield* new PassThrough() as unknown as AsyncIterable<Report>;
    },
    dropImage: () => Promise.resolve(),
  };
  return agent;
}
