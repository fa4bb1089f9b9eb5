/** What there is of a server outside the API: on the host, in Open vSwitch, in OVN and in the database. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";

import type { Cloud } from "./cloud.ts";

export type Remains = {
  /** QEMU processes. */
  guests: number;
  /** Taps in the host's namespace. */
  taps: number;
  /** Interfaces in the host's Open vSwitch. */
  plugged: number;
  /** Disks of its directory. */
  disks: number;
  /** Rows of our database: the server and its ports. */
  servers: number;
  ports: number;
  /** Rows of OVN's northbound database for those ports. */
  logicalPorts: number;
  /** Ports in OVN's northbound database, of whatever server, that our database does not know. */
  strayPorts: number;
};

export const WHOLE: Remains = {
  guests: 1,
  taps: 1,
  plugged: 1,
  disks: 1,
  servers: 1,
  ports: 1,
  logicalPorts: 1,
  strayPorts: 0,
};
export const NOTHING: Remains = {
  guests: 0,
  taps: 0,
  plugged: 0,
  disks: 0,
  servers: 0,
  ports: 0,
  logicalPorts: 0,
  strayPorts: 0,
};

/** The QEMU processes of a server; those that wrap one are not counted. */
export function guestsOf(cloud: Cloud, id: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [program = "", ...words] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return (
          program.includes("qemu-system") &&
          words.some((word) => word.startsWith(`guest=${cloud.instance}/host1/${id},`))
        );
      } catch {
        return false; // ended meanwhile
      }
    })
    .map(Number);
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line.trim() !== "");

export async function remainsOf(cloud: Cloud, id: string): Promise<Remains> {
  const disks = join(cloud.directory, "hosts/host1/guests", id, "disks");
  const [links, plugged, servers, ports, logical] = await Promise.all([
    cloud.inNamespace("ip", "-o", "link"),
    cloud.vsctl("--bare", "--columns=name", "find", "Interface", `external_ids:vm-id=${id}`),
    cloud.sql(`select count(*) from server where id = '${id}'`),
    cloud.sql("select id, server_id from port"),
    cloud.nbctl("--bare", "--columns=name", "find", "Logical_Switch_Port", "external_ids:andromede\\:class=port"),
  ]);
  const known = lines(ports).map((line) => line.split("|"));
  const own = known.filter(([, server]) => server === id).map(([port]) => port);
  return {
    guests: guestsOf(cloud, id).length,
    taps: lines(links).filter((line) => line.includes(`/${id}/`)).length,
    plugged: lines(plugged).length,
    disks: existsSync(disks) ? readdirSync(disks).filter((name) => name.endsWith(".qcow2")).length : 0,
    servers: Number(servers),
    ports: own.length,
    logicalPorts: lines(logical).filter((name) => own.includes(name)).length,
    strayPorts: lines(logical).filter((name) => !known.some(([port]) => port === name)).length,
  };
}

/** Waits for the remains to be those, and shows the difference when they never are. */
export async function untilRemains(cloud: Cloud, id: string, wanted: Remains, timeoutMs = 20_000): Promise<void> {
  let last: Remains | undefined;
  try {
    await waitUntil(
      `the remains of ${id}`,
      async () => {
        last = await remainsOf(cloud, id);
        return JSON.stringify(last) === JSON.stringify(wanted);
      },
      { timeoutMs, everyMs: 200 },
    );
  } catch (cause) {
    throw new Error(`of server ${id} there is ${JSON.stringify(last)}, wanted ${JSON.stringify(wanted)}`, { cause });
  }
}
