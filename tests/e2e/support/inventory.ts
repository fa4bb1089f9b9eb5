/** Everything countable that a customer's doings leave in a cloud: rows, OVN's rows, links, processes, files. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";

import { type Cloud, processesMentioning } from "./cloud.ts";

export type Inventory = { [what: string]: number };

/** Tables that remember on purpose what was (a destroyed key leaves its tombstone), or forget by themselves. */
const REMEMBERED =
  /^(event|event_.*|deleted_.*|revocation|revocation_.*|reconcile_.*|schema_.*|console_token|project_purge|project_key|object_(chunk|damage|pack|traffic|writer))$/;
/** A project, and the few rows that services keep of it until the operator purges it. */
export const UNTIL_PURGE =
  /^rows of (project|server_action|role_assignment|object_account|.+_project|.+_quota|.+_usage)$/;
/** OVN's northbound tables of which a customer's thing is made. */
const OVN_TABLES = [
  "ACL",
  "Address_Set",
  "DHCP_Options",
  "DNS",
  "Load_Balancer",
  "Logical_Router",
  "Logical_Router_Port",
  "Logical_Router_Static_Route",
  "Logical_Switch",
  "Logical_Switch_Port",
  "NAT",
  "Port_Group",
  "QoS",
];

export async function takeInventory(cloud: Cloud): Promise<Inventory> {
  const [tables, ovn, links, interfaces] = await Promise.all([
    countRows(cloud),
    Promise.all(OVN_TABLES.map(async (table) => [`ovn ${table}`, await countOvnRows(cloud, table)] as const)),
    cloud.inNamespace("ip", "-o", "link"),
    cloud.vsctl("--bare", "--columns=_uuid", "list", "Interface"),
  ]);
  return {
    ...tables,
    ...Object.fromEntries(ovn),
    "links on the host": lines(links).length,
    "interfaces of Open vSwitch": lines(interfaces).length,
    "QEMU processes": processesMentioning(`guest=${cloud.instance}/`).length,
    ...countFiles(cloud),
  };
}

/** The cloud's own rows, made when a network first needs them, are no customer's. */
const CLOUDS_OWN = /andromede:class""=base|andromede:rule""=(drop-in|drop-out|dhcpv4|dhcpv6)\b/;

async function countOvnRows(cloud: Cloud, table: string): Promise<number> {
  const rows = await cloud.nbctl("--format=csv", "--no-headings", "--columns=_uuid,external_ids", "list", table);
  return lines(rows).filter((row) => !CLOUDS_OWN.test(row)).length;
}

async function countRows(cloud: Cloud): Promise<Inventory> {
  const names = lines(
    await cloud.sql(
      "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    ),
  ).filter((name) => !REMEMBERED.test(name));
  const counted = await cloud.sql(
    names.map((name) => `select '${name}' as name, count(*) as rows from "${name}"`).join(" union all "),
  );
  return Object.fromEntries(
    lines(counted).map((line) => {
      const [name = "", rows = ""] = line.split("|");
      return [`rows of ${name}`, Number(rows)];
    }),
  );
}

/** Files of images and volumes, and guests' directories. */
function countFiles(cloud: Cloud): Inventory {
  const count = (directory: string): number => {
    try {
      return readdirSync(join(cloud.directory, directory)).length;
    } catch {
      return 0; // not made yet
    }
  };
  return {
    "files of images": count("images"),
    "directories of guests": count("hosts/host1/guests"),
    "files of volumes": count("hosts/host1/volumes") + count("volumes"),
    "volumes where guests open them": count("volumes/guests/host1"),
    "files of backups": count("backups"),
  };
}

/** Waits until OVN has every security group: the program that brings them there may just have been started. */
export async function untilGroupsAreThere(cloud: Cloud): Promise<void> {
  const column = ["--bare", "--columns=name", "find", "Port_Group"];
  await waitUntil(
    "security groups in OVN",
    async () => {
      const [rows, groups] = await Promise.all([
        cloud.sql("select count(*) from security_group"),
        cloud.nbctl(...column, "external_ids:andromede\\:class=security_group"),
      ]);
      return Number(rows) === lines(groups).length;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
}

/** What is there now and was not, or was and is not. */
function difference(before: Inventory, after: Inventory, but?: RegExp): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((what) => before[what] !== after[what] && but?.test(what) !== true)
    .map((what) => `${what}: ${before[what] ?? 0} before, ${after[what] ?? 0} after`);
}

/** Waits until all is as it was; else what is not, in words. */
export async function untilAsBefore(cloud: Cloud, before: Inventory, but?: RegExp): Promise<string[]> {
  let last = ["the inventory could not be taken"];
  const look = async (): Promise<boolean> => {
    last = difference(before, await takeInventory(cloud), but);
    return last.length === 0;
  };
  // what stays is the answer, not an error
  await waitUntil("the cloud as it was", look, { timeoutMs: 60_000, everyMs: 500 }).catch(() => undefined);
  return last;
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line.trim() !== "");
