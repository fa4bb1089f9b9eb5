/**
 * Volumes plugged into and unplugged from a guest that has a process, and limits of its disks.
 *
 * What is being done is written down before it is done (`machine.json`), and the file's link is there before QEMU opens it
 * and goes after QEMU has closed it; an agent that comes after a crash in between sees from QEMU's own list of devices
 * what became of it, and clears away the rest (`settleVolumes` of volume-nodes.ts).
 */
import type { DiskLimits, GuestDisk } from "@andromede/agent-api/types";
import { conflict, unavailable } from "@andromede/base/errors";
import * as qmp from "@andromede/qmp/commands";

import type { VolumeLinks } from "../storage/volume-links.ts";
import type { StepHook } from "../volumes/driver.ts";
import { pluggedDevices, unplugDevice } from "./devices.ts";
import { diskDeviceId, volumeDeviceOf } from "./guest-command.ts";
import type { GuestMachine } from "./guest.ts";
import { withLimits, withVolume, withoutDisk } from "./layout.ts";
import { applyLimits, closeVolume, openVolume } from "./volume-nodes.ts";

type Plugging = { machine: GuestMachine; links: VolumeLinks; guestId: string; step: StepHook };

/** Plugs a volume. `key`: opens it; null when it is not encrypted. */
export async function plugVolume(
  { machine, links, guestId, step }: Plugging,
  wanted: GuestDisk,
  key: string | null,
): Promise<void> {
  const { layout, monitor } = machine;
  if (layout === null) throw unavailable("the guest's machine is not known");
  const next = withVolume(layout, wanted);
  const added = next?.disks.at(-1);
  if (next === null || added === undefined || added.volume === null)
    throw conflict(`The server has no room for another volume: at most ${layout.slots} volumes and interfaces`);
  const { volume } = added;
  await machine.announceLayout(next);
  step("plugDisk:announced");
  try {
    await links.add(guestId, { ...volume, key });
    step("plugDisk:linked");
    await openVolume(monitor, volume, key);
    step("plugDisk:opened");
    await qmp.deviceAdd(monitor, volumeDeviceOf(added, volume));
    step("plugDisk:plugged");
    await applyLimits(monitor, added.id, added.limits);
  } catch (error) {
    // Nothing of a disk that the guest has seen is taken away under it: that is a detachment, and it is planned.
    if ((await pluggedDevices(monitor)).includes(diskDeviceId(added.id))) {
      await machine.setLayout(withLimits(next, added.id, {}));
    } else {
      await closeVolume(monitor, volume);
      await links.remove(guestId, volume.volumeId);
      await machine.announceLayout(layout);
    }
    throw error;
  }
  await machine.setLayout(next);
}

/** Unplugs a volume. A guest that does not let go of it keeps it, and is asked again. */
export async function unplugVolume({ machine, links, guestId, step }: Plugging, diskId: string): Promise<void> {
  const { layout, monitor } = machine;
  if (layout === null) throw unavailable("the guest's machine is not known");
  const volume = layout.disks.find(({ id }) => id === diskId)?.volume;
  if (volume === undefined || volume === null) throw conflict(`Disk ${diskId} is not one that can be detached`);
  await unplugDevice(monitor, diskDeviceId(diskId), `volume ${volume.volumeId}`);
  step("unplugDisk:released");
  await closeVolume(monitor, volume);
  step("unplugDisk:closed");
  await links.remove(guestId, volume.volumeId);
  step("unplugDisk:unlinked");
  await machine.setLayout(withoutDisk(layout, diskId));
}

/** Changes what a disk may do, while the guest runs. */
export async function limitDisk(machine: GuestMachine, diskId: string, limits: DiskLimits): Promise<void> {
  const { layout, monitor } = machine;
  if (layout === null) throw unavailable("the guest's machine is not known");
  await applyLimits(monitor, diskId, limits);
  await machine.setLayout(withLimits(layout, diskId, limits));
}
