/**
 * The handle on OVN's northbound database that the network reconcilers hold: the copy of the tables we write, the
 * indexes by which our rows are found, and port status. Nobody may act on it before `ready()`.
 */
import { unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { type OvsdbClient, type RowIndex, type TlsFiles, connectOvsdb } from "@andromede/ovsdb/client";
import { type OVNNorthboundTables, ovnNorthbound } from "@andromede/ovsdb/ovn-northbound";
import type { MonitorSpec, MonitoredRow } from "@andromede/ovsdb/types";

import { CLASS, ID } from "./names.ts";

export type Tables = OVNNorthboundTables;

/** Only columns we write or read: counters and the like would wake us for nothing. */
const MONITOR = {
  Logical_Switch: {
    columns: ["name", "ports", "external_ids", "other_config", "dns_records", "qos_rules", "load_balancer"],
  },
  Logical_Switch_Port: {
    columns: [
      "name",
      "type",
      "addresses",
      "port_security",
      "enabled",
      "options",
      "tag",
      "parent_name",
      "dhcpv4_options",
      "dhcpv6_options",
      "external_ids",
      "up",
    ],
  },
  Port_Group: { columns: ["name", "ports", "acls", "external_ids"] },
  ACL: { columns: ["priority", "direction", "match", "action", "external_ids"] },
  DHCP_Options: { columns: ["cidr", "options", "external_ids"] },
  DNS: { columns: ["records", "options", "external_ids"] },
  Logical_Router: {
    columns: ["name", "ports", "static_routes", "nat", "enabled", "options", "external_ids", "load_balancer"],
  },
  Logical_Router_Port: {
    columns: ["name", "mac", "networks", "enabled", "gateway_chassis", "ipv6_ra_configs", "options", "external_ids"],
  },
  Logical_Router_Static_Route: { columns: ["ip_prefix", "nexthop", "external_ids"] },
  Gateway_Chassis: { columns: ["name", "chassis_name", "priority", "external_ids"] },
  QoS: { columns: ["priority", "direction", "match", "action", "bandwidth", "external_ids"] },
  Load_Balancer: { columns: ["name", "vips", "protocol", "options", "external_ids"] },
  NAT: { columns: ["type", "external_ip", "logical_ip", "logical_port", "external_mac", "options", "external_ids"] },
} as const satisfies MonitorSpec<Tables>;

type Spec = typeof MONITOR;
export type TableName = keyof Spec;
export type Row<Table extends TableName> = MonitoredRow<Tables, Spec, Table>;

export type OvnNorthbound = {
  readonly client: OvsdbClient<Tables, Spec>;
  /** Rows of a table that carry our id, by `indexKey(class, id)`. */
  readonly owned: { readonly [Table in TableName]: RowIndex<Row<Table>> };
  /** Rows by their name, where the table has one. */
  readonly named: { readonly [Table in NamedTable]: RowIndex<Row<Table>> };
  /** Resolves when the whole copy is there. Every operation awaits it. */
  ready(timeoutMs?: number): Promise<void>;
  /** Is the port's other end plugged in somewhere? undefined: no such port. Throws `unavailable` while the copy is not whole. */
  portUp(portId: string): boolean | undefined;
  /** Tells of every port whose `up` came, changed or (undefined) went. Returns the way to stop it. */
  onPortUp(listener: (portId: string, up: boolean | undefined) => void): () => void;
  close(): Promise<void>;
};

type NamedTable =
  | "Logical_Switch"
  | "Logical_Switch_Port"
  | "Port_Group"
  | "Logical_Router"
  | "Logical_Router_Port"
  | "Gateway_Chassis";

/** The key of `owned`. */
export const indexKey = (owner: string, id: string): string => `${owner}/${id}`;

type Marked = { readonly external_ids: { readonly [key: string]: string } };
function ownedKey(row: Marked): string | undefined {
  const owner = row.external_ids[CLASS];
  const id = row.external_ids[ID];
  return owner === undefined || id === undefined ? undefined : indexKey(owner, id);
}

const nameOf = (row: { readonly name: string }): string => row.name;

/**
 * Connects to the northbound database, in the background and for ever: our APIs start and answer while OVN is down, and
 * operations wait for it. With `readyTimeoutMs` it waits here, and throws, until the copy is whole.
 */
export async function connectNorthbound(options: {
  address: string;
  log: Logger;
  tls?: TlsFiles;
  readyTimeoutMs?: number;
}): Promise<OvnNorthbound> {
  const { address, log, tls } = options;
  const client = connectOvsdb({
    address,
    log,
    database: ovnNorthbound,
    monitor: MONITOR,
    leaderOnly: true,
    ...(tls === undefined ? {} : { tls }),
  });
  const owned = {
    Logical_Switch: client.table("Logical_Switch").indexBy(ownedKey),
    Logical_Switch_Port: client.table("Logical_Switch_Port").indexBy(ownedKey),
    Port_Group: client.table("Port_Group").indexBy(ownedKey),
    ACL: client.table("ACL").indexBy(ownedKey),
    DHCP_Options: client.table("DHCP_Options").indexBy(ownedKey),
    DNS: client.table("DNS").indexBy(ownedKey),
    Logical_Router: client.table("Logical_Router").indexBy(ownedKey),
    Logical_Router_Port: client.table("Logical_Router_Port").indexBy(ownedKey),
    Logical_Router_Static_Route: client.table("Logical_Router_Static_Route").indexBy(ownedKey),
    Gateway_Chassis: client.table("Gateway_Chassis").indexBy(ownedKey),
    NAT: client.table("NAT").indexBy(ownedKey),
    QoS: client.table("QoS").indexBy(ownedKey),
    Load_Balancer: client.table("Load_Balancer").indexBy(ownedKey),
  };
  const named = {
    Logical_Switch: client.table("Logical_Switch").indexBy(nameOf),
    Logical_Switch_Port: client.table("Logical_Switch_Port").indexBy(nameOf),
    Port_Group: client.table("Port_Group").indexBy(nameOf),
    Logical_Router: client.table("Logical_Router").indexBy(nameOf),
    Logical_Router_Port: client.table("Logical_Router_Port").indexBy(nameOf),
    Gateway_Chassis: client.table("Gateway_Chassis").indexBy(nameOf),
  };
  const ovn: OvnNorthbound = {
    client,
    owned,
    named,
    ready: (timeoutMs) => client.ready(timeoutMs),
    portUp: (portId) => {
      if (!client.synchronized) throw unavailable("The network's state is not known at the moment");
      const row = named.Logical_Switch_Port.first(portId);
      return row === undefined ? undefined : row.up === true;
    },
    onPortUp: (listener) =>
      client.onChange((changes) => {
        for (const change of changes) {
          if (change.table !== "Logical_Switch_Port" || change.before?.up === change.after?.up) continue;
          const name = change.after?.name ?? change.before?.name;
          if (name !== undefined) listener(name, change.after === undefined ? undefined : change.after.up === true);
        }
      }),
    close: () => Promise.resolve(client.close()),
  };
  if (options.readyTimeoutMs === undefined) return ovn;
  try {
    await ovn.ready(options.readyTimeoutMs);
  } catch (error) {
    client.close();
    throw error;
  }
  return ovn;
}
