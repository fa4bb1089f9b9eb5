/**
 * Open vSwitch 3.5 of one host: its database and switch, in the host's own network namespace (there is one userspace
 * datapath device a namespace, hence one Open vSwitch a namespace).
 *
 * Without the kernel's module the userspace datapath (`netdev`) forwards; both bridges and ovn-controller's setting must
 * say so, or ovn-controller makes br-int with a datapath that does not exist.
 */
import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";

import { runInJail } from "./engine-root.ts";
import { type Jail, jailCommand, jailEnvironment } from "./jail.ts";
import { ensureDatabaseFile, vlogFlags } from "./ovsdb-file.ts";
import { tryCommand } from "./run-command.ts";
import type { Unit } from "./unit.ts";

export type Datapath = "system" | "netdev";

export type HostSwitch = {
  /** The host's name, e.g. `host1`. */
  name: string;
  engineRoot: string;
  networkNamespace: string;
  /** Holds conf.db. */
  directory: string;
  /** Holds db.sock and the bridges' sockets. */
  runDirectory: string;
  logDirectory: string;
  datapath: Datapath;
};

export const integrationBridge = "br-int";
export const externalBridge = "br-ex";
export const physicalNetwork = "physnet1";

/** Which datapath this machine's kernel offers. */
export async function detectDatapath(): Promise<Datapath> {
  // Loads the module where it is one; a kernel without modules has no modprobe to say so, and need not.
  await tryCommand(["sh", "-c", "modprobe openvswitch"]);
  const families = await tryCommand(["genl", "ctrl", "list"]);
  return /^Name: ovs_datapath$/m.test(families.stdout) ? "system" : "netdev";
}

export const ovsdbSocket = (host: HostSwitch): string => join(host.runDirectory, "db.sock");
const databaseFile = (host: HostSwitch): string => join(host.directory, "conf.db");

function jailOf(host: HostSwitch, capabilities: string[]): Jail {
  return {
    root: host.engineRoot,
    binds: [
      { from: host.directory, mode: "write" },
      { from: host.runDirectory, mode: "write" },
      { from: host.runDirectory, to: "/run/openvswitch", mode: "write" },
    ],
    unshare: ["pid", "ipc", "uts"],
    capabilities,
    networkNamespace: host.networkNamespace,
  };
}

function switchJail(host: HostSwitch): Jail {
  const jail = jailOf(host, ["net_admin", "net_raw", "net_broadcast", "ipc_lock", "sys_nice"]);
  return { ...jail, binds: [...jail.binds, { from: "/dev/net/tun", mode: "device" }, { from: "/sys", mode: "read" }] };
}

/** The two units of a host's switch. Pure. */
export function openvswitchUnits(host: HostSwitch): Unit[] {
  const database = `ovsdb-server@${host.name}`;
  const shared = { environment: jailEnvironment, stopSignal: "SIGTERM", stopTimeoutMs: 10_000, kill: "tree" } as const;
  return [
    {
      ...shared,
      name: database,
      description: `Open vSwitch database of ${host.name}`,
      argv: jailCommand(jailOf(host, []), [
        "ovsdb-server",
        ...vlogFlags,
        "--unixctl=/run/openvswitch/ovsdb-server.ctl",
        `--remote=punix:${ovsdbSocket(host)}`,
        databaseFile(host),
      ]),
      log: join(host.logDirectory, `${database}.log`),
      after: [],
      readySocket: ovsdbSocket(host),
    },
    {
      ...shared,
      name: `ovs-vswitchd@${host.name}`,
      description: `Open vSwitch of ${host.name}`,
      argv: jailCommand(switchJail(host), [
        "ovs-vswitchd",
        ...vlogFlags,
        "--unixctl=/run/openvswitch/ovs-vswitchd.ctl",
        `unix:${ovsdbSocket(host)}`,
      ]),
      log: join(host.logDirectory, `ovs-vswitchd@${host.name}.log`),
      after: [database],
    },
  ];
}

/** Makes the database file and the directories. MUST run before the units start. */
export async function prepareOpenvswitch(host: HostSwitch): Promise<void> {
  await mkdir(host.directory, { recursive: true, mode: 0o700 });
  await mkdir(host.runDirectory, { recursive: true, mode: 0o700 });
  await Promise.all([chown(host.directory, 0, 0), chown(host.runDirectory, 0, 0)]);
  await ensureDatabaseFile(jailOf(host, []), databaseFile(host), "/usr/share/openvswitch/vswitch.ovsschema");
}

/** Runs ovs-vsctl on this host; gives what it printed. */
export function ovsVsctl(host: HostSwitch, args: string[]): Promise<string> {
  return runInJail(jailOf(host, []), ["ovs-vsctl", `--db=unix:${ovsdbSocket(host)}`, ...args]);
}

export type SwitchSettings = {
  /** The chassis's name in OVN, unique in the instance. */
  chassis: string;
  southbound: string;
  /** Address other hosts reach this one at, for tunnels. */
  encapsulationAddress: string;
  /** The link inside the namespace that leads to the machine: the external bridge's port. */
  uplink: string;
};

/** Says who this host is and makes its bridges. Idempotent. Waits until the switch has carried it out. */
export async function configureOpenvswitch(host: HostSwitch, settings: SwitchSettings): Promise<void> {
  await waitUntil(
    `Open vSwitch database of ${host.name}`,
    async () => {
      await ovsVsctl(host, ["--timeout=5", "--no-wait", "init"]);
      return true;
    },
    { timeoutMs: 20_000 },
  );
  const external = {
    "system-id": settings.chassis,
    hostname: host.name,
    "ovn-remote": `unix:${settings.southbound}`,
    "ovn-encap-type": "geneve",
    "ovn-encap-ip": settings.encapsulationAddress,
    "ovn-bridge": integrationBridge,
    "ovn-bridge-datapath-type": host.datapath,
    "ovn-bridge-mappings": `${physicalNetwork}:${externalBridge}`,
    "ovn-remote-probe-interval": "0",
    "ovn-openflow-probe-interval": "0",
  };
  const quoted = Object.entries(external).map(([key, value]) => `external_ids:${key}=${JSON.stringify(value)}`);
  await ovsVsctl(host, [
    "--timeout=30",
    // one thread each is enough for one machine's guests, and saves memory
    "set",
    "Open_vSwitch",
    ".",
    "other_config:n-handler-threads=1",
    "other_config:n-revalidator-threads=1",
    ...quoted,
    "--",
    "--may-exist",
    "add-br",
    integrationBridge,
    "--",
    "set",
    "Bridge",
    integrationBridge,
    `datapath_type=${host.datapath}`,
    "fail_mode=secure",
    "other-config:disable-in-band=true",
    "--",
    "--may-exist",
    "add-br",
    externalBridge,
    "--",
    "set",
    "Bridge",
    externalBridge,
    `datapath_type=${host.datapath}`,
    "other-config:disable-in-band=true",
    "--",
    "--may-exist",
    "add-port",
    externalBridge,
    settings.uplink,
  ]);
}

/**
 * Turns off transmit checksum offload of a link. The userspace datapath reads frames as they are in memory: a checksum
 * that the kernel left for a network card to fill in is wrong there, and TCP stalls.
 */
export async function disableChecksumOffload(
  engineRoot: string,
  networkNamespace: string | undefined,
  link: string,
): Promise<void> {
  await runInJail(
    {
      root: engineRoot,
      binds: [],
      unshare: [],
      capabilities: ["net_admin"],
      ...(networkNamespace === undefined ? {} : { networkNamespace }),
    },
    ["ethtool", "--offload", link, "tx", "off"],
  );
}
