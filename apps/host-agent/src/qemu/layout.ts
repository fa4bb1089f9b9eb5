/**
 * The machine that a guest's process is: decided when it is launched, kept on disk beside it, changed only by hot-plug.
 * A suspended guest resumes on exactly this, whatever its spec says by then. Pure.
 */
import { createHash } from "node:crypto";

import type { GuestDisk, GuestInterface, GuestSpec } from "@andromede/agent-api/types";

export type LayoutDisk = { id: string; imageId: string | null; bootIndex: number | null };
export type LayoutInterface = GuestInterface & {
  /** Which of the machine's hot-plug slots it sits in. */
  slot: number;
};

export type MachineLayout = {
  id: string;
  /** "instance/host/id": by this the process is known among all of the machine's. */
  processName: string;
  vcpus: number;
  memoryMib: number;
  accelerator: "kvm" | "tcg";
  datapath: "netdev" | "system";
  disks: LayoutDisk[];
  configDrive: boolean;
  slots: number;
  interfaces: LayoutInterface[];
};

export type Host = {
  instance: string;
  host: string;
  accelerator: "kvm" | "tcg";
  datapath: "netdev" | "system";
};

/** Ports that can be attached to a running guest, at least. */
const SPARE_SLOTS = 4;
const LEAST_SLOTS = 8;
/** Four device numbers of eight functions, see guest-command.ts. */
export const MOST_SLOTS = 32;

/** How a guest's process is called. */
export const processNameOf = ({ instance, host }: Pick<Host, "instance" | "host">, guestId: string): string =>
  `${instance}/${host}/${guestId}`;

/** The machine for a spec. */
export function layoutOf(spec: GuestSpec, host: Host): MachineLayout {
  return {
    id: spec.id,
    processName: processNameOf(host, spec.id),
    vcpus: spec.vcpus,
    memoryMib: spec.memoryMib,
    accelerator: host.accelerator,
    datapath: host.datapath,
    disks: spec.disks.map(layoutDisk),
    configDrive: spec.configDrive,
    slots: Math.min(MOST_SLOTS, Math.max(LEAST_SLOTS, spec.interfaces.length + SPARE_SLOTS)),
    interfaces: spec.interfaces.map(({ portId, macAddress, mtu }, slot) => ({ portId, macAddress, mtu, slot })),
  };
}

const layoutDisk = ({ id, source, bootIndex }: GuestDisk): LayoutDisk => ({
  id,
  imageId: source.kind === "image" ? source.imageId : null,
  bootIndex: bootIndex ?? null,
});

/** The layout with one more interface; null when no slot is free. */
export function withInterface(layout: MachineLayout, wanted: GuestInterface): MachineLayout | null {
  const taken = new Set(layout.interfaces.map(({ slot }) => slot));
  const slot = Array.from({ length: layout.slots }, (_none, at) => at).find((at) => !taken.has(at));
  if (slot === undefined) return null;
  const { portId, macAddress, mtu } = wanted;
  return { ...layout, interfaces: [...layout.interfaces, { portId, macAddress, mtu, slot }] };
}

/** The layout without an interface. */
export function withoutInterface(layout: MachineLayout, portId: string): MachineLayout {
  return { ...layout, interfaces: layout.interfaces.filter((each) => each.portId !== portId) };
}

/** The user of a guest: one of its own, the same each time, out of a range that no account has. */
export function uidOf(guestId: string, range: { first: number; count: number }): number {
  return range.first + (createHash("sha256").update(guestId).digest().readUInt32BE(0) % range.count);
}

/** Above every range in use (accounts, systemd's dynamic users and containers end at 1879048191). */
export const DEFAULT_UIDS = { first: 1_900_000_000, count: 100_000_000 };
