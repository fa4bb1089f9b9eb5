/**
 * The machine that a guest's process is: decided when it is launched, kept on disk beside it, changed only by hot-plug.
 * A suspended guest resumes on exactly this, whatever its spec says by then. Pure.
 */
import { createHash } from "node:crypto";

import type { DiskLimits, GuestDisk, GuestInterface, GuestSpec } from "@andromede/agent-api/types";

/**
 * A volume of the pool, behind a root port. Its key is nowhere on disk: whoever needs it knows it from the spec.
 * `encrypted`: it is the guest's process that needs it; a shared volume is served to it as it is in the clear.
 */
export type LayoutVolume = { volumeId: string; encrypted: boolean; readOnly: boolean; shared: boolean; slot: number };
export type LayoutDisk = {
  id: string;
  imageId: string | null;
  bootIndex: number | null;
  limits: DiskLimits;
  /** null: a disk of the guest's own, which stays for the machine's life. */
  volume: LayoutVolume | null;
  /**
   * The slot of a disk of the guest's own that comes after volumes: guests name disks in the order of the buses, and what is on
   * the root bus comes before all that is behind root ports. null: on the root bus.
   */
  slot: number | null;
};
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

/** Ports and volumes that can be attached to a running guest. Emulated, each slot makes its start 40 ms longer. */
const SPARE_SLOTS = { kvm: 24, tcg: 8 };
/** Seven device numbers of eight functions, see guest-command.ts: 26 disks, 24 interfaces, and some. */
export const MOST_SLOTS = 56;

/** How a guest's process is called. */
export const processNameOf = ({ instance, host }: Pick<Host, "instance" | "host">, guestId: string): string =>
  `${instance}/${host}/${guestId}`;

/** The machine for a spec. */
export function layoutOf(spec: GuestSpec, host: Host): MachineLayout {
  const interfaces = spec.interfaces.map(({ portId, macAddress, mtu }, slot) => ({ portId, macAddress, mtu, slot }));
  let slot = interfaces.length;
  let behindVolumes = false;
  const disks = spec.disks
    .filter(({ detached }) => detached !== true)
    .map((disk) => {
      behindVolumes ||= disk.source.kind === "volume";
      return layoutDisk(disk, behindVolumes ? slot++ : null);
    });
  return {
    id: spec.id,
    processName: processNameOf(host, spec.id),
    vcpus: spec.vcpus,
    memoryMib: spec.memoryMib,
    accelerator: host.accelerator,
    datapath: host.datapath,
    disks,
    configDrive: spec.configDrive,
    slots: Math.min(MOST_SLOTS, slot + SPARE_SLOTS[host.accelerator]),
    interfaces,
  };
}

const layoutDisk = ({ id, source, bootIndex, limits = {} }: GuestDisk, slot: number | null): LayoutDisk => ({
  id,
  imageId: source.kind === "image" ? source.imageId : null,
  bootIndex: bootIndex ?? null,
  limits: limitsSet(limits),
  volume:
    source.kind !== "volume" || slot === null
      ? null
      : {
          volumeId: source.volumeId,
          encrypted: source.key !== null && !source.shared,
          readOnly: source.readOnly,
          shared: source.shared,
          slot,
        },
  slot: source.kind === "volume" ? null : slot,
});

const LIMITS = ["totalBytesSec", "readBytesSec", "writeBytesSec", "totalIops", "readIops", "writeIops"] as const;

/** Only what is limited, always in the same order. */
export const limitsSet = (limits: DiskLimits): DiskLimits =>
  Object.fromEntries(LIMITS.flatMap((name) => ((limits[name] ?? 0) === 0 ? [] : [[name, limits[name]]])));

/** Is the machine, but for what can be plugged and unplugged, the one that the spec wants? */
export function machineFits(spec: GuestSpec, layout: MachineLayout): boolean {
  const fixed = (disks: readonly { id: string; bootIndex: number | null }[]): string =>
    disks
      .map(({ id, bootIndex }) => `${id} ${bootIndex}`)
      .toSorted()
      .join();
  const wanted = spec.disks.filter(({ source, detached }) => source.kind !== "volume" && detached !== true);
  return (
    layout.vcpus === spec.vcpus &&
    layout.memoryMib === spec.memoryMib &&
    fixed(layout.disks.filter(({ volume }) => volume === null)) ===
      fixed(wanted.map(({ id, bootIndex }) => ({ id, bootIndex: bootIndex ?? null })))
  );
}

/** Disks of the machine whose limits are others than the spec's. */
export function disksToLimit(spec: GuestSpec, layout: MachineLayout): string[] {
  const wanted = new Map(spec.disks.map(({ id, limits = {} }) => [id, JSON.stringify(limitsSet(limits))]));
  return layout.disks
    .filter(({ id, limits }) => (wanted.get(id) ?? JSON.stringify(limits)) !== JSON.stringify(limits))
    .map(({ id }) => id);
}

/** The volumes of a machine, by disk. */
export const volumesOf = ({ disks }: Pick<MachineLayout, "disks">): (LayoutVolume & { diskId: string })[] =>
  disks.flatMap(({ id, volume }) => (volume === null ? [] : { ...volume, diskId: id }));

/** A layout as it was written, maybe by an earlier release. */
export const layoutFrom = (written: MachineLayout): MachineLayout => ({
  ...written,
  disks: written.disks.map((disk) => ({
    ...disk,
    limits: disk.limits ?? {},
    volume: disk.volume ?? null,
    slot: disk.slot ?? null,
  })),
});

function freeSlot({ slots, interfaces, disks }: MachineLayout): number | null {
  const taken = new Set([
    ...interfaces.map(({ slot }) => slot),
    ...disks.flatMap(({ volume, slot }) => volume?.slot ?? slot ?? []),
  ]);
  return Array.from({ length: slots }, (_none, at) => at).find((at) => !taken.has(at)) ?? null;
}

/** The layout with one more interface; null when no slot is free. */
export function withInterface(layout: MachineLayout, wanted: GuestInterface): MachineLayout | null {
  const slot = freeSlot(layout);
  if (slot === null) return null;
  const { portId, macAddress, mtu } = wanted;
  return { ...layout, interfaces: [...layout.interfaces, { portId, macAddress, mtu, slot }] };
}

/** The layout without an interface. */
export function withoutInterface(layout: MachineLayout, portId: string): MachineLayout {
  return { ...layout, interfaces: layout.interfaces.filter((each) => each.portId !== portId) };
}

/** The layout with one more volume, at its end; null when no slot is free. */
export function withVolume(layout: MachineLayout, wanted: GuestDisk): MachineLayout | null {
  const slot = freeSlot(layout);
  return slot === null ? null : { ...layout, disks: [...layout.disks, layoutDisk(wanted, slot)] };
}

/** The layout without a disk. */
export function withoutDisk(layout: MachineLayout, diskId: string): MachineLayout {
  return { ...layout, disks: layout.disks.filter(({ id }) => id !== diskId) };
}

/** The layout with other limits of a disk. */
export function withLimits(layout: MachineLayout, diskId: string, limits: DiskLimits): MachineLayout {
  const disks = layout.disks.map((disk) => (disk.id === diskId ? { ...disk, limits: limitsSet(limits) } : disk));
  return { ...layout, disks };
}

/** The user of a guest: one of its own, the same each time, out of a range that no account has. */
export function uidOf(guestId: string, range: { first: number; count: number }): number {
  return range.first + (createHash("sha256").update(guestId).digest().readUInt32BE(0) % range.count);
}

/** Above every range in use (accounts, systemd's dynamic users and containers end at 1879048191). */
export const DEFAULT_UIDS = { first: 1_900_000_000, count: 100_000_000 };
