/**
 * The host's Open vSwitch, through its database: ports of the integration bridge, and what OVN says of them
 * (`ovn-installed`, which ovn-controller sets on an interface once its flows are in place).
 */
import type { Logger } from "@andromede/base/log";
import { unavailable } from "@andromede/base/errors";
import { connectOvsdb } from "@andromede/ovsdb/client";
import { openVSwitch } from "@andromede/ovsdb/open-vswitch";
import { type Uuid, named } from "@andromede/ovsdb/types";

export type SwitchPort = {
  name: string;
  /** "": a device of the system's, as a tap. "internal": made by the switch. */
  type: "" | "internal";
  externalIds: { [key: string]: string };
  macAddress?: string;
  mtu?: number;
};

/** A port of the bridge as the database has it. */
export type SeenPort = { name: string; externalIds: { readonly [key: string]: string }; ofport: number | null; error: string | null };

export type Switch = {
  ready(timeoutMs: number): Promise<void>;
  /** Adds a port to the bridge, or makes the one that is there so. */
  ensurePorts(ports: readonly SwitchPort[]): Promise<void>;
  removePorts(names: readonly string[]): Promise<void>;
  /** All ports of the bridge. */
  ports(): SeenPort[];
  /** The port of that OVN logical port, if it is plugged. */
  portOf(ifaceId: string): SeenPort | undefined;
  /** Calls the listener with the logical port ids whose port changed. */
  onChange(listener: (ifaceIds: readonly string[]) => void): void;
  /** OVN's name of this host. */
  chassis(): string | undefined;
  close(): void;
};

const MONITOR = {
  Open_vSwitch: { columns: ["external_ids"] },
  Bridge: { columns: ["name", "ports"] },
  Port: { columns: ["name", "interfaces"] },
  Interface: { columns: ["name", "external_ids", "type", "ofport", "error"] },
} as const;

/** Connects to the switch's database; `ready` tells when its content is known. */
export function connectSwitch(options: { ovsdbSocket: string; bridge: string; log: Logger }): Switch {
  const { bridge, log } = options;
  const client = connectOvsdb({ address: `unix:${options.ovsdbSocket}`, database: openVSwitch, monitor: MONITOR, log });
  const bridges = client.table("Bridge").indexBy((row) => row.name);
  const ports = client.table("Port").indexBy((row) => row.name);
  const interfaces = client.table("Interface").indexBy((row) => row.name);
  const byIfaceId = client.table("Interface").indexBy((row) => row.external_ids["iface-id"]);

  type InterfaceRow = NonNullable<ReturnType<typeof interfaces.first>>;
  const seen = (row: InterfaceRow): SeenPort => ({ name: row.name, externalIds: row.external_ids, ofport: row.ofport, error: row.error });
  const bridgeRow = (): { _uuid: Uuid; ports: readonly Uuid[] } => {
    const row = bridges.first(bridge);
    if (row === undefined) throw unavailable(`the switch has no bridge ${bridge}`);
    return row;
  };
  const fits = (row: InterfaceRow, wanted: SwitchPort): boolean =>
    row.type === wanted.type && Object.entries(wanted.externalIds).every(([key, value]) => row.external_ids[key] === value);
  const inBridge = (name: string): boolean => {
    const port = ports.first(name);
    return port !== undefined && bridgeRow().ports.includes(port._uuid);
  };

  async function removePorts(names: readonly string[]): Promise<void> {
    const uuids = names.flatMap((name) => ports.all(name).map(({ _uuid }) => _uuid));
    if (uuids.length === 0) return;
    await client.transact([{ op: "mutate", table: "Bridge", where: [], mutations: [["ports", "delete", uuids]] }]);
  }

  async function addPorts(wanted: readonly SwitchPort[]): Promise<void> {
    const { _uuid } = bridgeRow();
    const rows = wanted.flatMap((port, at) => [
      {
        op: "insert" as const,
        table: "Interface" as const,
        uuidName: `interface${at}`,
        row: {
          name: port.name,
          type: port.type,
          external_ids: port.externalIds,
          ...(port.macAddress === undefined ? {} : { mac: port.macAddress }),
          ...(port.mtu === undefined ? {} : { mtu_request: port.mtu }),
        },
      },
      {
        op: "insert" as const,
        table: "Port" as const,
        uuidName: `port${at}`,
        row: { name: port.name, interfaces: [named(`interface${at}`)] },
      },
    ]);
    await client.transact([
      ...rows,
      {
        op: "mutate",
        table: "Bridge",
        where: [["_uuid", "==", _uuid]],
        mutations: [["ports", "insert", wanted.map((_port, at) => named(`port${at}`))]],
      },
    ]);
  }

  return {
    ready: (timeoutMs) => client.ready(timeoutMs),
    async ensurePorts(wanted) {
      const missing = wanted.filter((port) => {
        const row = interfaces.first(port.name);
        return row === undefined || !fits(row, port) || !inBridge(port.name);
      });
      if (missing.length === 0) return;
      await removePorts(missing.map(({ name }) => name));
      await addPorts(missing);
    },
    removePorts,
    ports() {
      const row = bridges.first(bridge);
      const names = (row?.ports ?? []).flatMap((uuid) => client.table("Port").get(uuid)?.name ?? []);
      return names.flatMap((name) => interfaces.all(name).map(seen));
    },
    portOf(ifaceId) {
      const row = byIfaceId.first(ifaceId);
      return row === undefined ? undefined : seen(row);
    },
    onChange(listener) {
      client.onChange((changes) => {
        const ids = new Set<string>();
        for (const change of changes) {
          if (change.table !== "Interface") continue;
          for (const row of [change.before, change.after]) {
            const id = row?.external_ids["iface-id"];
            if (id !== undefined) ids.add(id);
          }
        }
        if (ids.size > 0) listener([...ids]);
      });
    },
    chassis() {
      for (const row of client.table("Open_vSwitch").rows.values()) return row.external_ids["system-id"];
      return undefined;
    },
    close: () => client.close(),
  };
}
