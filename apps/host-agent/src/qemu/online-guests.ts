/** What guests have open, for the volumes' side (volumes/online.ts): done by their processes, over QMP. */
import { CloudError, conflict, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import * as qmp from "@andromede/qmp/commands";
import type { QmpMonitor } from "@andromede/qmp/monitor";

import { SERVED_NODE, type SharedVolumes } from "../storage/shared-volumes.ts";
import type { DiskRecord } from "../storage/qcow2.ts";
import type { GuestDiskFile, OnlineGuests, OpenDisk } from "../volumes/online.ts";
import { ownNode, volumeNode } from "./guest-command.ts";
import type { GuestAgent } from "./guest-agent.ts";
import { type GuestPaths, basePath } from "./guest-jail.ts";
import type { GuestMachine } from "./guest.ts";
import type { MachineLayout } from "./layout.ts";

export type OnlineGuest = {
  id: string;
  paths: GuestPaths;
  machine: GuestMachine;
  agent: GuestAgent;
  disks: readonly DiskRecord[];
};

type Options = {
  guests: () => Iterable<OnlineGuest>;
  find: (guestId: string) => OnlineGuest | undefined;
  imagePath: (imageId: string) => string;
  shared: SharedVolumes | null;
  log: Logger;
};

export function onlineGuests({ guests, find, imagePath, shared, log }: Options): OnlineGuests {
  return {
    volumeOpen(volumeId) {
      for (const { id, machine } of guests()) {
        const node = nodeOf(machine, ({ volume }) => volume?.volumeId === volumeId);
        if (node === undefined) continue;
        const isShared = machine.layout?.disks.some(({ volume }) => volume?.volumeId === volumeId && volume.shared);
        if (isShared !== true || shared === null) return openDisk(id, monitorOf(machine), node);
        return openDisk(id, (work) => shared.withMonitor(volumeId, work), SERVED_NODE);
      }
      return undefined;
    },
    async guestDisk(guestId, diskId): Promise<GuestDiskFile | undefined> {
      const guest = find(guestId);
      const record = guest?.disks.find(({ id }) => id === diskId);
      if (guest === undefined || record === undefined) return undefined;
      const { machine, paths } = guest;
      const { imageId } = record;
      const node = nodeOf(machine, ({ id, volume }) => id === diskId && volume === null);
      return {
        path: paths.disk(diskId),
        binds: imageId === null ? [] : [{ source: imagePath(imageId), target: basePath(imageId) }],
        open: node === undefined ? null : openDisk(guestId, monitorOf(machine), node),
      };
    },
    async freeze(guestId) {
      const guest = find(guestId);
      if (guest?.machine.process !== "running") return false;
      try {
        await guest.agent.freeze();
        return true;
      } catch (error) {
        log.info({ error, guest: guestId }, "file systems were not frozen");
        // It may have been about to, and only been too slow to say so.
        const heard = error instanceof CloudError && error.kind === "unavailable";
        if (heard) await guest.agent.thaw().catch(() => undefined);
        return false;
      }
    },
    async thaw(guestId) {
      await find(guestId)
        ?.agent.thaw()
        .catch((error: unknown) => log.warn({ error, guest: guestId }, "file systems were not thawed"));
    },
  };
}

/** The block node of a disk, while there is a process that has it open. */
function nodeOf(
  { process, layout }: GuestMachine,
  fits: (disk: MachineLayout["disks"][number]) => boolean,
): string | undefined {
  if (process === "none" || layout === null) return undefined;
  const at = layout.disks.findIndex(fits);
  const disk = layout.disks[at];
  if (disk === undefined) return undefined;
  return disk.volume === null ? ownNode(at) : volumeNode(disk.volume);
}

type WithMonitor = <T>(work: (monitor: QmpMonitor) => Promise<T>) => Promise<T>;

const monitorOf =
  (machine: GuestMachine): WithMonitor =>
  async (work) =>
    work(machine.monitor);

function openDisk(guestId: string, withMonitor: WithMonitor, node: string): OpenDisk {
  const look = async (monitor: QmpMonitor): Promise<qmp.BlockNode> => {
    const found = (await qmp.queryBlockNodes(monitor)).find(({ nodeName }) => nodeName === node);
    if (found === undefined) throw unavailable("the disk is not open any more");
    return found;
  };
  return {
    guestId,
    takeSnapshot: (name) =>
      withMonitor(async (monitor) => {
        if (!(await look(monitor)).snapshots.includes(name)) await qmp.snapshotTake(monitor, node, name);
      }),
    removeSnapshot: (name) =>
      withMonitor(async (monitor) => {
        if ((await look(monitor)).snapshots.includes(name)) await qmp.snapshotDelete(monitor, node, name);
      }),
    grow: (sizeBytes) =>
      withMonitor(async (monitor) => {
        if ((await look(monitor)).sizeBytes >= sizeBytes) return;
        if (node === SERVED_NODE) throw conflict("A volume that several servers share cannot grow while they have it");
        await qmp.blockResize(monitor, node, sizeBytes);
      }),
  };
}
