/** What guests have open, for the volumes' side (volumes/online.ts): done by their processes, over QMP. */
import { CloudError, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import * as qmp from "@andromede/qmp/commands";
import type { QmpMonitor } from "@andromede/qmp/monitor";

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
  log: Logger;
};

export function onlineGuests({ guests, find, imagePath, log }: Options): OnlineGuests {
  return {
    volumeOpen(volumeId) {
      for (const { id, machine } of guests()) {
        const node = nodeOf(machine, ({ volume }) => volume?.volumeId === volumeId);
        if (node !== undefined) return openDisk(id, machine, node);
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
        open: node === undefined ? null : openDisk(guestId, machine, node),
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

function openDisk(guestId: string, machine: GuestMachine, node: string): OpenDisk {
  const look = async (monitor: QmpMonitor): Promise<qmp.BlockNode> => {
    const found = (await qmp.queryBlockNodes(monitor)).find(({ nodeName }) => nodeName === node);
    if (found === undefined) throw unavailable("the disk is not open any more");
    return found;
  };
  return {
    guestId,
    async takeSnapshot(name) {
      const { monitor } = machine;
      if (!(await look(monitor)).snapshots.includes(name)) await qmp.snapshotTake(monitor, node, name);
    },
    async removeSnapshot(name) {
      const { monitor } = machine;
      if ((await look(monitor)).snapshots.includes(name)) await qmp.snapshotDelete(monitor, node, name);
    },
    async grow(sizeBytes) {
      const { monitor } = machine;
      if ((await look(monitor)).sizeBytes < sizeBytes) await qmp.blockResize(monitor, node, sizeBytes);
    },
  };
}
