/** A process's volumes and limits of its disks, as QEMU has them. */
import type { DiskLimits } from "@andromede/agent-api/types";
import { conflict, unavailable } from "@andromede/base/errors";
import * as qmp from "@andromede/qmp/commands";
import { type QmpMonitor, QmpError } from "@andromede/qmp/monitor";

import { orGone, pluggedDevices } from "./devices.ts";
import { diskDeviceId, secretId, volumeNode, volumeNodeOf } from "./guest-command.ts";
import type { LayoutVolume, MachineLayout } from "./layout.ts";

/** Sets the limits of a machine's disks. */
export async function limitDisks(monitor: QmpMonitor, { disks }: MachineLayout): Promise<void> {
  await Promise.all(
    disks
      .filter(({ limits }) => Object.keys(limits).length > 0)
      .map(({ id, limits }) => applyLimits(monitor, id, limits)),
  );
}

/**
 * For an agent that takes over a process: an earlier one may have gone in the middle of a plug or an unplug. Gives the
 * machine as it is; of volumes that it has not, nothing stays open.
 */
export async function settleVolumes(monitor: QmpMonitor, layout: MachineLayout): Promise<MachineLayout> {
  const devices = await pluggedDevices(monitor);
  const has = ({ id, volume }: MachineLayout["disks"][number]): boolean =>
    volume === null || devices.includes(diskDeviceId(id));
  const disks = layout.disks.filter(has);
  const lost = layout.disks.flatMap((disk) => (has(disk) || disk.volume === null ? [] : disk.volume));
  await Promise.all(lost.map((volume) => closeVolume(monitor, volume)));
  const settled = { ...layout, disks };
  await limitDisks(monitor, settled);
  return settled;
}

/** Opens a volume in QEMU; `key`: null when it is not encrypted. */
export async function openVolume(monitor: QmpMonitor, volume: LayoutVolume, key: string | null): Promise<void> {
  if (volume.encrypted) {
    if (key === null) throw unavailable(`the key of volume ${volume.volumeId} is not known`);
    await orGone(qmp.objectDel(monitor, secretId(volume)));
    await qmp.secretAdd(monitor, secretId(volume), key);
  }
  await qmp.blockdevAdd(monitor, volumeNodeOf(volume));
}

/** Closes what no device has any more. */
export async function closeVolume(monitor: QmpMonitor, volume: LayoutVolume): Promise<void> {
  const nodes = await qmp.queryBlockNodes(monitor);
  // Not "or gone": a node that stays open is one that somebody still writes through.
  if (nodes.some(({ nodeName }) => nodeName === volumeNode(volume))) await qmp.blockdevDel(monitor, volumeNode(volume));
  if (volume.encrypted) await orGone(qmp.objectDel(monitor, secretId(volume)));
}

/** Limits a disk, or no longer. */
export async function applyLimits(monitor: QmpMonitor, diskId: string, limits: DiskLimits): Promise<void> {
  try {
    await qmp.blockSetIoThrottle(monitor, diskDeviceId(diskId), {
      bps: limits.totalBytesSec ?? 0,
      bps_rd: limits.readBytesSec ?? 0,
      bps_wr: limits.writeBytesSec ?? 0,
      iops: limits.totalIops ?? 0,
      iops_rd: limits.readIops ?? 0,
      iops_wr: limits.writeIops ?? 0,
    });
  } catch (error) {
    // Total and per-direction limits exclude each other.
    if (error instanceof QmpError) throw conflict(`Disk ${diskId} cannot have these limits`, { cause: error });
    throw error;
  }
}
