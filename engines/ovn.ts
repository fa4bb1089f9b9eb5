/**
 * OVN 25.03. Central side, one an instance: the northbound and southbound databases and ovn-northd, without privileges.
 * Host side, one a host: ovn-controller, in the host's network namespace.
 */
import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";

import { runInJail } from "./engine-root.ts";
import { type Jail, jailCommand, jailEnvironment } from "./jail.ts";
import type { HostSwitch } from "./openvswitch.ts";
import { ensureDatabaseFile, vlogFlags } from "./ovsdb-file.ts";
import type { Unit } from "./unit.ts";

export type OvnCentral = {
  engineRoot: string;
  /** Holds the two database files. */
  directory: string;
  /** Holds the sockets `ovnnb_db.sock` and `ovnsb_db.sock`. */
  runDirectory: string;
  logDirectory: string;
  /** Its group is the one that may connect (the control plane's). */
  user: { uid: number; gid: number };
};

type Database = "nb" | "sb";

export const northboundSocket = (central: OvnCentral): string => join(central.runDirectory, "ovnnb_db.sock");
export const southboundSocket = (central: OvnCentral): string => join(central.runDirectory, "ovnsb_db.sock");
const socketOf = (central: OvnCentral, database: Database): string =>
  database === "nb" ? northboundSocket(central) : southboundSocket(central);
const fileOf = (central: OvnCentral, database: Database): string => join(central.directory, `ovn${database}.db`);

function jailOf(central: OvnCentral): Jail {
  return {
    root: central.engineRoot,
    binds: [
      { from: central.directory, mode: "write" },
      { from: central.runDirectory, mode: "write" },
    ],
    unshare: ["pid", "ipc", "uts", "net"],
    user: central.user,
  };
}

function unit(
  central: OvnCentral,
  name: string,
  description: string,
  command: string[],
  after: string[],
  readySocket?: string,
): Unit {
  return {
    name,
    description,
    argv: jailCommand(jailOf(central), command),
    environment: jailEnvironment,
    log: join(central.logDirectory, `${name}.log`),
    after,
    ...(readySocket === undefined ? {} : { readySocket }),
    stopSignal: "SIGTERM",
    stopTimeoutMs: 10_000,
    kill: "tree",
  };
}

/** The three units of the central side. Pure. */
export function ovnCentralUnits(central: OvnCentral): Unit[] {
  const control = (name: string): string => `--unixctl=${join(central.runDirectory, `${name}.ctl`)}`;
  const databaseUnit = (database: Database, name: string): Unit =>
    unit(
      central,
      name,
      `OVN ${database === "nb" ? "northbound" : "southbound"} database`,
      [
        // its sockets are then open to its group, which is how the control plane reaches them
        "sh",
        "-c",
        'umask 007; exec "$@"',
        "sh",
        "ovsdb-server",
        ...vlogFlags,
        control(name),
        `--remote=punix:${socketOf(central, database)}`,
        fileOf(central, database),
      ],
      [],
      socketOf(central, database),
    );
  return [
    databaseUnit("nb", "ovn-northbound"),
    databaseUnit("sb", "ovn-southbound"),
    unit(
      central,
      "ovn-northd",
      "OVN northd",
      [
        "ovn-northd",
        ...vlogFlags,
        control("ovn-northd"),
        `--ovnnb-db=unix:${northboundSocket(central)}`,
        `--ovnsb-db=unix:${southboundSocket(central)}`,
      ],
      ["ovn-northbound", "ovn-southbound"],
    ),
  ];
}

/** Makes the database files unless they are there; brings an older schema up to date. MUST run before the units start. */
export async function prepareOvnCentral(central: OvnCentral): Promise<void> {
  await mkdir(central.directory, { recursive: true, mode: 0o700 });
  await mkdir(central.runDirectory, { recursive: true, mode: 0o750 });
  await Promise.all([
    chown(central.directory, central.user.uid, central.user.gid),
    chown(central.runDirectory, central.user.uid, central.user.gid),
  ]);
  await Promise.all(
    (["nb", "sb"] as const).map((database) =>
      ensureDatabaseFile(jailOf(central), fileOf(central, database), `/usr/share/ovn/ovn-${database}.ovsschema`),
    ),
  );
}

/** The unit of one host's ovn-controller. Pure. */
export function ovnControllerUnit(central: OvnCentral, host: HostSwitch): Unit {
  return {
    name: `ovn-controller@${host.name}`,
    description: `OVN controller of ${host.name}`,
    argv: jailCommand(controllerJail(central, host), [
      "ovn-controller",
      ...vlogFlags,
      "--unixctl=/run/ovn/ovn-controller.ctl",
      `unix:${join(host.runDirectory, "db.sock")}`,
    ]),
    environment: jailEnvironment,
    log: join(host.logDirectory, `ovn-controller@${host.name}.log`),
    after: [`ovs-vswitchd@${host.name}`, "ovn-southbound"],
    stopSignal: "SIGTERM",
    stopTimeoutMs: 10_000,
    kill: "tree",
  };
}

function controllerJail(central: OvnCentral, host: HostSwitch): Jail {
  return {
    root: host.engineRoot,
    binds: [
      { from: host.runDirectory, mode: "write" },
      // where it looks for the bridges' own sockets, a place it has compiled in
      { from: host.runDirectory, to: "/run/openvswitch", mode: "write" },
      { from: host.runDirectory, to: "/run/ovn", mode: "write" },
      { from: central.runDirectory, mode: "write" },
    ],
    unshare: ["pid", "ipc", "uts"],
    capabilities: ["net_admin", "net_raw", "dac_override"],
    networkNamespace: host.networkNamespace,
  };
}

/** Waits until a change of the northbound database has reached every host's flows: the whole chain works. */
export async function waitForOvn(central: OvnCentral, options: { hosts: boolean; timeoutMs: number }): Promise<void> {
  const how = options.hosts ? "--wait=hv" : "--wait=sb";
  await waitUntil(
    "OVN",
    async () => {
      await runInJail(jailOf(central), [
        "ovn-nbctl",
        `--db=unix:${northboundSocket(central)}`,
        "--timeout=5",
        how,
        "sync",
      ]);
      return true;
    },
    { timeoutMs: options.timeoutMs, everyMs: 100 },
  );
}

/** Waits until this host's ovn-controller is connected to the southbound database and has registered its chassis. */
export async function waitForChassis(central: OvnCentral, chassis: string, timeoutMs: number): Promise<void> {
  await waitUntil(
    `chassis ${chassis}`,
    async () => {
      const found = await runInJail(jailOf(central), [
        "ovn-sbctl",
        `--db=unix:${southboundSocket(central)}`,
        "--timeout=5",
        "--bare",
        "--columns=name",
        "find",
        "Chassis",
        `name=${chassis}`,
      ]);
      return found.trim() === chassis;
    },
    { timeoutMs, everyMs: 100 },
  );
}
