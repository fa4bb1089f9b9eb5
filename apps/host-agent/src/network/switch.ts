/**
 * The host's Open vSwitch, through its database: ports of the integration bridge, and what OVN says of them
 * (`ovn-installed`, which ovn-controller sets on an interface once its flows are in place).
 */
import type { Logger } from "@andromede/base/log";
import { unavailable } from "@andromede/base/errors";
import { type OvsdbClient, type RowIndex, connectOvsdb } from "@andromede/ovsdb/client";
import { type InterfaceRow, type OpenvSwitchTables, openVSwitch } from "@andromede/ovsdb/open-vswitch";
import { type MonitoredRow, type RowWrite, named } from "@andromede/ovsdb/types";

export type SwitchPort = {
  name: string;
  /** "": a device of the system's, as a tap. "internal": made by the switch. */
  type: "" | "internal";
  externalIds: { [key: string]: string };
  macAddress?: string;
};

/** A port of the bridge as the database has it. */
export type SeenPort = {
  name: string;
  externalIds: { readonly [key: string]: string };
  ofport: number | null;
  error: string | null;
};

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
  const address = `unix:${options.ovsdbSocket}`;
  return new OpenVSwitch(
    connectOvsdb({ address, database: openVSwitch, monitor: MONITOR, log: options.log }),
    options.bridge,
  );
}

type Client = OvsdbClient<OpenvSwitchTables, typeof MONITOR>;
type Row<Table extends keyof typeof MONITOR> = MonitoredRow<OpenvSwitchTables, typeof MONITOR, Table>;

class OpenVSwitch implements Switch {
  readonly #client: Client;
  readonly #bridge: string;
  readonly #bridges: RowIndex<Row<"Bridge">>;
  readonly #ports: RowIndex<Row<"Port">>;
  readonly #interfaces: RowIndex<Row<"Interface">>;
  readonly #byIfaceId: RowIndex<Row<"Interface">>;

  constructor(client: Client, bridge: string) {
    this.#client = client;
    this.#bridge = bridge;
    this.#bridges = client.table("Bridge").indexBy((row) => row.name);
    this.#ports = client.table("Port").indexBy((row) => row.name);
    this.#interfaces = client.table("Interface").indexBy((row) => row.name);
    this.#byIfaceId = client.table("Interface").indexBy((row) => row.external_ids["iface-id"]);
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#client.ready(timeoutMs);
  }

  async ensurePorts(wanted: readonly SwitchPort[]): Promise<void> {
    const missing = wanted.filter((port) => {
      const row = this.#interfaces.first(port.name);
      return row === undefined || !fits(row, port) || !this.#inBridge(port.name);
    });
    if (missing.length === 0) return;
    await this.removePorts(missing.map(({ name }) => name));
    await this.#addPorts(missing);
  }

  async removePorts(names: readonly string[]): Promise<void> {
    const uuids = names.flatMap((name) => this.#ports.all(name).map(({ _uuid }) => _uuid));
    if (uuids.length === 0) return;
    await this.#client.transact([
      { op: "mutate", table: "Bridge", where: [], mutations: [["ports", "delete", uuids]] },
    ]);
  }

  ports(): SeenPort[] {
    const names = (this.#bridges.first(this.#bridge)?.ports ?? []).flatMap(
      (uuid) => this.#client.table("Port").get(uuid)?.name ?? [],
    );
    return names.flatMap((name) => this.#interfaces.all(name).map(seen));
  }

  portOf(ifaceId: string): SeenPort | undefined {
    const row = this.#byIfaceId.first(ifaceId);
    return row === undefined ? undefined : seen(row);
  }

  onChange(listener: (ifaceIds: readonly string[]) => void): void {
    this.#client.onChange((changes) => {
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
  }

  chassis(): string | undefined {
    const [row] = this.#client.table("Open_vSwitch").rows.values();
    return row?.external_ids["system-id"];
  }

  close(): void {
    this.#client.close();
  }

  #bridgeRow(): Row<"Bridge"> {
    const row = this.#bridges.first(this.#bridge);
    if (row === undefined) throw unavailable(`the switch has no bridge ${this.#bridge}`);
    return row;
  }

  #inBridge(name: string): boolean {
    const port = this.#ports.first(name);
    return port !== undefined && this.#bridgeRow().ports.includes(port._uuid);
  }

  async #addPorts(wanted: readonly SwitchPort[]): Promise<void> {
    const { _uuid } = this.#bridgeRow();
    const rows = wanted.flatMap((port, at) => [
      { op: "insert" as const, table: "Interface" as const, uuidName: `interface${at}`, row: interfaceRow(port) },
      {
        op: "insert" as const,
        table: "Port" as const,
        uuidName: `port${at}`,
        row: { name: port.name, interfaces: [named(`interface${at}`)] },
      },
    ]);
    const added = wanted.map((_port, at) => named(`port${at}`));
    await this.#client.transact([
      ...rows,
      { op: "mutate", table: "Bridge", where: [["_uuid", "==", _uuid]], mutations: [["ports", "insert", added]] },
    ]);
  }
}

const seen = (row: Row<"Interface">): SeenPort => ({
  name: row.name,
  externalIds: row.external_ids,
  ofport: row.ofport,
  error: row.error,
});

const fits = (row: Row<"Interface">, wanted: SwitchPort): boolean =>
  row.type === wanted.type &&
  Object.entries(wanted.externalIds).every(([key, value]) => row.external_ids[key] === value);

const interfaceRow = (port: SwitchPort): RowWrite<InterfaceRow> => ({
  name: port.name,
  type: port.type,
  external_ids: port.externalIds,
  ...(port.macAddress === undefined ? {} : { mac: port.macAddress }),
});
