/**
 * A host of its own for a test file: OVN's central programs, Open vSwitch and ovn-controller in a fresh network
 * namespace, started from the same recipes as a real instance; a namespace for the outside world; guests as namespaces.
 * Nothing of it outlives `stop()`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { waitUntil } from "@andromede/base/waiting";
import {
  type HostSwitch,
  configureOpenvswitch,
  disableChecksumOffload,
  openvswitchUnits,
  ovsVsctl,
  physicalNetwork,
  prepareOpenvswitch,
} from "@andromede/engines/openvswitch";
import {
  type OvnCentral,
  northboundSocket,
  ovnCentralUnits,
  ovnControllerUnit,
  prepareOvnCentral,
  southboundSocket,
  waitForChassis,
  waitForOvn,
} from "@andromede/engines/ovn";
import type { Unit } from "@andromede/engines/unit";
import { type EngineProcess, engineRoot, runProcess, startProcess } from "@andromede/testkit/engines";

import type { Commands, Lease, Reply } from "./probe.ts";

export const CHASSIS = "lab";
export const PHYSICAL_NETWORK = physicalNetwork;
const ENTER = "nsenter";
const PROBE = join(import.meta.dirname, "probe.ts");

/** A network namespace with somebody in it. */
export type Guest = {
  readonly namespace: string;
  readonly call: <Op extends keyof Commands>(op: Op, args: Commands[Op]["args"]) => Promise<Commands[Op]["result"]>;
  /** Runs `ip` in the namespace. */
  readonly ip: (...args: string[]) => Promise<string>;
  /** Gets an address by DHCP and lives by the lease. */
  readonly configure: (mac: string) => Promise<Lease>;
  /** What a server there answers, or why it does not. */
  readonly ask: (address: string, port: number, localAddress?: string) => Promise<string>;
};

export type OvnLab = {
  readonly northbound: string;
  /** The world beyond the external network, at 192.0.2.1/24. */
  readonly outside: Guest;
  /** A guest whose link is plugged for a port. */
  guest(name: string, port: { id: string; macAddress: string }): Promise<Guest>;
  /** A guest that is a VLAN of a port's link: a switch of its own stands for the tagging that its kernel would do. */
  carried(name: string, parent: { id: string }, vlan: { macAddress: string; tag: number }): Promise<Guest>;
  /** Waits until all that is in the northbound database is in the flows. */
  synced(): Promise<void>;
  /** What the engines said, by unit. */
  said(): string;
  stop(): Promise<void>;
};

/** The unit's program, which for a test must not outlive it. */
function startUnit(unit: Unit): EngineProcess {
  return startProcess(unit.argv.flatMap((word) => (word === "bwrap" ? [word, "--die-with-parent"] : [word])));
}

function startProbe(namespace: string): { child: ChildProcess; call: Guest["call"] } {
  const argv = [`--net=/run/netns/${namespace}`, "--", process.execPath, PROBE];
  const child = spawn(ENTER, argv, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<number, (reply: Reply) => void>();
  let nextId = 1;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const reply = JSON.parse(line) as Reply;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  child.once("exit", () => {
    for (const [id, resolve] of waiting) resolve({ id, error: "the probe is gone" });
  });
  const call = (op: string, args: unknown): Promise<never> =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, (reply) =>
        reply.error === undefined
          ? resolve(reply.result as never)
          : reject(new Error(`${namespace}: ${op}: ${reply.error}`)),
      );
      child.stdin.write(`${JSON.stringify({ id, op, args })}\n`);
    });
  return { child, call };
}

const addressesIn = (hex: string | undefined): string => [...Buffer.from(hex ?? "", "hex")].join(".");

/** Routes of DHCP option 121 (RFC 3442): width, the destination's significant octets, the next hop. */
function classlessRoutes(hex: string | undefined): { destination: string; nexthop: string }[] {
  const bytes = [...Buffer.from(hex ?? "", "hex")];
  const routes: { destination: string; nexthop: string }[] = [];
  while (bytes.length > 0) {
    const width = bytes.shift() ?? 0;
    const octets = [...bytes.splice(0, Math.ceil(width / 8)), 0, 0, 0, 0].slice(0, 4);
    routes.push({ destination: `${octets.join(".")}/${width}`, nexthop: bytes.splice(0, 4).join(".") });
  }
  return routes;
}

class Lab implements OvnLab {
  readonly #prefix = `ovnlab-${process.pid}`;
  readonly #root = engineRoot();
  readonly #directory = mkdtempSync(join(tmpdir(), "andromede-ovnlab-"));
  readonly #namespaces: string[] = [];
  readonly #probes: ChildProcess[] = [];
  readonly #units: [string, EngineProcess][] = [];
  readonly #central: OvnCentral;
  readonly #host: HostSwitch;
  #links = 0;
  #outside: Guest | undefined;

  constructor() {
    const at = (name: string): string => join(this.#directory, name);
    this.#central = {
      engineRoot: this.#root,
      directory: at("ovn"),
      runDirectory: at("ovn-run"),
      logDirectory: at("log"),
      user: { uid: 0, gid: 0 },
    };
    this.#host = {
      name: CHASSIS,
      engineRoot: this.#root,
      networkNamespace: `${this.#prefix}-host`,
      directory: at("ovs"),
      runDirectory: at("ovs-run"),
      logDirectory: at("log"),
      datapath: "netdev",
    };
  }

  get northbound(): string {
    return `unix:${northboundSocket(this.#central)}`;
  }

  get outside(): Guest {
    if (this.#outside === undefined) throw new Error("the lab was not started");
    return this.#outside;
  }

  async start(): Promise<void> {
    const host = this.#host.networkNamespace;
    await this.#addNamespace(host);
    await Promise.all([prepareOvnCentral(this.#central), prepareOpenvswitch(this.#host)]);
    for (const unit of [...ovnCentralUnits(this.#central), ...openvswitchUnits(this.#host)])
      this.#units.push([unit.name, startUnit(unit)]);
    await this.#addNamespace(`${this.#prefix}-out`);
    await this.#addLink("uplink", `${this.#prefix}-out`);
    const controller = ovnControllerUnit(this.#central, this.#host);
    await configureOpenvswitch(this.#host, {
      chassis: CHASSIS,
      southbound: southboundSocket(this.#central),
      encapsulationAddress: "127.0.0.1",
      uplink: "uplink",
    });
    // ovn-controller (seen in 25.03) dies if it meets a southbound database that northd has not written its first row to.
    await waitForOvn(this.#central, { hosts: false, timeoutMs: 30_000 });
    this.#units.push([controller.name, startUnit(controller)]);
    this.#outside = this.#guestIn(`${this.#prefix}-out`);
    await this.#outside.ip("address", "add", "192.0.2.1/24", "dev", "eth0");
    await waitForChassis(this.#central, CHASSIS, 10_000);
  }

  async guest(name: string, port: { id: string; macAddress: string }): Promise<Guest> {
    const namespace = `${this.#prefix}-${name}`;
    const link = `port${++this.#links}`;
    await this.#addNamespace(namespace);
    await this.#addLink(link, namespace, port.macAddress);
    await ovsVsctl(this.#host, [
      "--timeout=10",
      "add-port",
      "br-int",
      link,
      "--",
      "set",
      "Interface",
      link,
      `external_ids:iface-id=${port.id}`,
    ]);
    return this.#guestIn(namespace);
  }

  async carried(name: string, parent: { id: string }, vlan: { macAddress: string; tag: number }): Promise<Guest> {
    const host = this.#host.networkNamespace;
    const namespace = `${this.#prefix}-${name}`;
    const [link, outer, inner] = [`port${++this.#links}`, `outer${this.#links}`, `inner${this.#links}`];
    await this.#addNamespace(namespace);
    await this.#addLink(link, namespace, vlan.macAddress);
    await runProcess(["ip", "-n", host, "link", "add", outer, "type", "veth", "peer", "name", inner]);
    for (const end of [outer, inner]) {
      await disableChecksumOffload(this.#root, host, end);
      await runProcess(["ip", "-n", host, "link", "set", end, "up"]);
    }
    const bridge = ["add-br", "tagging", "--", "set", "Bridge", "tagging", "datapath_type=netdev"];
    await ovsVsctl(this.#host, ["--timeout=10", ...bridge]);
    await ovsVsctl(this.#host, ["--timeout=10", "add-port", "tagging", link, `tag=${vlan.tag}`]);
    await ovsVsctl(this.#host, ["--timeout=10", "add-port", "tagging", outer]);
    const plug = ["set", "Interface", inner, `external_ids:iface-id=${parent.id}`];
    await ovsVsctl(this.#host, ["--timeout=10", "add-port", "br-int", inner, "--", ...plug]);
    return this.#guestIn(namespace);
  }

  async synced(): Promise<void> {
    await waitForOvn(this.#central, { hosts: true, timeoutMs: 30_000 });
  }

  said(): string {
    return this.#units
      .map(
        ([name, unit]) => `== ${name} (${unit.child.signalCode ?? unit.child.exitCode ?? "running"})\n${unit.output()}`,
      )
      .join("\n");
  }

  async stop(): Promise<void> {
    for (const probe of this.#probes) probe.kill("SIGKILL");
    for (const [, unit] of this.#units.toReversed()) await unit.stop();
    for (const namespace of this.#namespaces) await runProcess(["ip", "netns", "del", namespace]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #addNamespace(name: string): Promise<void> {
    await runProcess(["ip", "netns", "add", name]);
    this.#namespaces.push(name);
    await runProcess(["ip", "-n", name, "link", "set", "lo", "up"]);
  }

  /** A pair of links: one end in the host, the other as eth0 of somebody's namespace. */
  async #addLink(link: string, namespace: string, macAddress?: string): Promise<void> {
    const host = this.#host.networkNamespace;
    const peer = [
      "peer",
      "name",
      "eth0",
      ...(macAddress === undefined ? [] : ["address", macAddress]),
      "netns",
      namespace,
    ];
    await runProcess(["ip", "-n", host, "link", "add", link, "type", "veth", ...peer]);
    await disableChecksumOffload(this.#root, host, link);
    await disableChecksumOffload(this.#root, namespace, "eth0");
    await runProcess(["ip", "-n", host, "link", "set", link, "up"]);
    await runProcess(["ip", "-n", namespace, "link", "set", "eth0", "up"]);
  }

  #guestIn(namespace: string): Guest {
    const { child, call } = startProbe(namespace);
    this.#probes.push(child);
    const ip = (...args: string[]): Promise<string> => runProcess(["ip", "-n", namespace, ...args]);
    return {
      namespace,
      call,
      ip,
      async configure(mac) {
        // A way for the broadcast to leave by; the lease's own routes take its place.
        await ip("route", "add", "255.255.255.255/32", "dev", "eth0");
        const lease = await call("dhcp", { mac });
        const mask = Buffer.from(lease.options[1] ?? "", "hex");
        const width = [...mask].reduce((bits, byte) => bits + byte.toString(2).replaceAll("0", "").length, 0);
        await ip("address", "add", `${lease.address}/${width}`, "dev", "eth0");
        await ip("link", "set", "eth0", "mtu", String(Number.parseInt(lease.options[26] ?? "5dc", 16)));
        const routes = classlessRoutes(lease.options[121]);
        if (routes.length === 0 && lease.options[3] !== undefined)
          routes.push({ destination: "0.0.0.0/0", nexthop: addressesIn(lease.options[3]) });
        for (const { destination, nexthop } of routes) await ip("route", "add", destination, "via", nexthop);
        return lease;
      },
      async ask(address, port, localAddress) {
        const answer = await call("connect", {
          address,
          port,
          timeoutMs: 1_500,
          ...(localAddress === undefined ? {} : { localAddress }),
        });
        return "text" in answer ? answer.text : answer.error;
      },
    };
  }
}

/** Starts a lab; about three seconds. */
export async function startOvnLab(): Promise<OvnLab> {
  const lab = new Lab();
  try {
    await lab.start();
  } catch (error) {
    process.stderr.write(lab.said());
    await lab.stop();
    throw error;
  }
  return lab;
}

/** Waits until `probe` gives what is wanted: flows follow the database, a moment later. */
export async function eventually(what: string, wanted: string, probe: () => Promise<string>): Promise<void> {
  let last = "";
  await waitUntil(
    `${what} (wanted ${wanted})`,
    async () => {
      last = await probe();
      return last === wanted;
    },
    { timeoutMs: 30_000, everyMs: 100 },
  ).catch((cause: unknown) => {
    throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, last seen ${JSON.stringify(last)}`, { cause });
  });
}
