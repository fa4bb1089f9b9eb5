/** A server's disks beside those its flavor brings: what is known of each, and what is to be done about it. Pure. */
import type { GuestDisk } from "@andromede/agent-api/types";

import type { ServerDisk as VolumeDisk } from "../../volume/public.ts";
import type { FlavorCopy, Server } from "../servers/server.model.ts";

export type SourceType = "image" | "volume" | "snapshot" | "blank";
export type DestinationType = "local" | "volume";

/** One row of `server_disk`: Nova's block device mapping. */
export type ServerDisk = {
  id: string;
  number: number;
  serverId: string;
  projectId: string;
  sourceType: SourceType;
  destinationType: DestinationType;
  volumeId: string | null;
  attachmentId: string | null;
  sizeGib: number;
  deviceName: string;
  bootIndex: number | null;
  guestFormat: string | null;
  tag: string | null;
  deleteOnTermination: boolean;
  detaching: boolean;
  changedAt: Date;
  attachedAt: Date | null;
  createdAt: Date;
};

/** The guest has so long to take a disk, or to let go of one. */
export const ATTACH_DEADLINE_MS = 3 * 60_000;
export const DETACH_DEADLINE_MS = 3 * 60_000;
/** As libvirt's driver of Nova: vda to vdz. */
export const MAX_DISKS = 26;

export type DiskChange =
  | { change: "attached"; disk: ServerDisk }
  | { change: "detached"; disk: ServerDisk }
  /** The guest did not take it, or did not let go of it, in time. */
  | { change: "notAttached"; disk: ServerDisk }
  | { change: "notDetached"; disk: ServerDisk };

type Observed = Pick<
  Server,
  "generation" | "observedGeneration" | "observedDisks" | "observedState" | "observedLaunchedAt"
>;

/** The volume that a server boots from; undefined: it boots from a disk of its host's. */
export const rootVolumeOf = (disks: readonly ServerDisk[]): (ServerDisk & { volumeId: string }) | undefined =>
  disks.find((disk): disk is ServerDisk & { volumeId: string } => disk.bootIndex === 0 && disk.volumeId !== null);

/** What has come about since we last looked; `pending`: something is still to come. */
export function planDisks(
  server: Observed,
  disks: readonly ServerDisk[],
  nowMs: number,
): { changes: DiskChange[]; pending: boolean } {
  const changes: DiskChange[] = [];
  let pending = false;
  for (const disk of disks) {
    if (disk.volumeId === null || disk.attachmentId === null) continue;
    const change = changeOf(server, disk, disk.volumeId, nowMs);
    if (change !== null) changes.push({ change, disk });
    else if (disk.detaching || disk.attachedAt === null) pending = true;
  }
  return { changes, pending };
}

function changeOf(server: Observed, disk: ServerDisk, volumeId: string, nowMs: number): DiskChange["change"] | null {
  // what was seen before the host heard of a change says nothing of it
  const heard = (server.observedGeneration ?? -1) >= server.generation;
  const has = server.observedDisks.includes(volumeId);
  const since = nowMs - disk.changedAt.getTime();
  if (disk.detaching) {
    if (heard && !has) return "detached";
    return since >= DETACH_DEADLINE_MS ? "notDetached" : null;
  }
  if (disk.attachedAt !== null) return null;
  if (heard && has) return "attached";
  // a server that is being built has its own deadline
  return server.observedLaunchedAt !== null && since >= ATTACH_DEADLINE_MS ? "notAttached" : null;
}

/** Disks in the words of the agent's contract. A row that is being detached is not wanted any more. */
export function toGuestVolumes(
  disks: readonly ServerDisk[],
  volumes: readonly VolumeDisk[],
  bootsElsewhere = false,
): GuestDisk[] {
  return disks.flatMap((disk): GuestDisk[] => {
    const volume = volumes.find((one) => one.attachmentId === disk.attachmentId);
    if (volume === undefined || disk.detaching) return [];
    const { volumeId, key, readOnly, shared, limits } = volume;
    return [
      {
        id: volumeId,
        source: { kind: "volume", volumeId, key, readOnly, shared },
        sizeGib: volume.sizeGib,
        ...(limits === undefined ? {} : { limits }),
        ...(disk.bootIndex === null || bootsElsewhere ? {} : { bootIndex: disk.bootIndex }),
      },
    ];
  });
}

type Flavored = { flavor: Pick<FlavorCopy, "ephemeralGib" | "swapMib">; hasImageDisk: boolean };
type Local = Pick<ServerDisk, "destinationType" | "guestFormat" | "sizeGib" | "deviceName">;

/** Blank disks on the host: what the request said, or else what the flavor says. Ids as the agent knows them. */
export function localDisks(flavor: Flavored["flavor"], rows: readonly Local[]): { id: string; sizeGib: number }[] {
  const local = rows.filter((row) => row.destinationType === "local");
  const swaps = local.filter((row) => row.guestFormat === "swap");
  const ephemerals = local.filter((row) => row.guestFormat !== "swap");
  const disks = ephemerals.map((row, index) => ({ id: `ephemeral${index}`, sizeGib: row.sizeGib }));
  if (ephemerals.length === 0 && flavor.ephemeralGib > 0)
    disks.push({ id: "ephemeral0", sizeGib: flavor.ephemeralGib });
  if (swaps.length > 0) disks.push({ id: "swap", sizeGib: swaps[0]?.sizeGib ?? 1 });
  else if (flavor.swapMib > 0) disks.push({ id: "swap", sizeGib: Math.ceil(flavor.swapMib / 1024) });
  return disks;
}

const nameOf = (index: number): string => `/dev/vd${String.fromCharCode(97 + index)}`;

/** Names that the guest's other disks have: an image's root, and those of the flavor that no row stands for, from vdb on. */
export function reservedNames({ flavor, hasImageDisk }: Flavored, rows: readonly Local[]): string[] {
  const local = rows.filter((row) => row.destinationType === "local");
  const hasOwn = (swap: boolean): boolean => local.some((row) => (row.guestFormat === "swap") === swap);
  const count = (flavor.ephemeralGib > 0 && !hasOwn(false) ? 1 : 0) + (flavor.swapMib > 0 && !hasOwn(true) ? 1 : 0);
  const ofFlavor = Array.from({ length: count }, (_, index) => nameOf(index + 1));
  return hasImageDisk ? [nameOf(0), ...ofFlavor] : ofFlavor;
}

/** The first free name; null: there are as many disks as there can be. */
export function nextName(taken: ReadonlySet<string>): string | null {
  for (let index = 0; index < MAX_DISKS; index += 1) if (!taken.has(nameOf(index))) return nameOf(index);
  return null;
}

/** A name the guest can have: `vdb` and `/dev/vdb`; others (`/dev/sdb`) are a wish that virtio cannot meet. */
export function toVirtioName(name: string): string | null {
  const plain = name.startsWith("/dev/") ? name.slice(5) : name;
  return /^vd[a-z]$/.test(plain) ? `/dev/${plain}` : null;
}
