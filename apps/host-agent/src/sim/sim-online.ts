import { notFound } from "@andromede/base/errors";

import type { OnlineGuests, OpenDisk } from "../volumes/online.ts";

type Guest = {
  process: string;
  /** Ids of the disks that the process has; a volume's is the volume's own. */
  disks: ReadonlyMap<string, unknown>;
  /** Those of its own that are there. */
  made: ReadonlyMap<string, unknown>;
};

/** What simulated guests have open. What is done to an open disk is done to the simulated pool alone. */
export function createSimOnline(guests: ReadonlyMap<string, Guest>): OnlineGuests {
  const openDisk = (guestId: string): OpenDisk => ({
    guestId,
    takeSnapshot: () => Promise.resolve(),
    removeSnapshot: () => Promise.resolve(),
    grow: () => Promise.resolve(),
  });
  return {
    volumeOpen(volumeId) {
      for (const [guestId, { process, disks }] of guests)
        if (process !== "none" && disks.has(volumeId)) return openDisk(guestId);
      return undefined;
    },
    guestDisk(guestId, diskId) {
      const guest = guests.get(guestId);
      if (guest?.made.has(diskId) !== true) return Promise.resolve(undefined);
      const open = guest.process !== "none" && guest.disks.has(diskId) ? openDisk(guestId) : null;
      return Promise.resolve({ path: "/simulated", binds: [], open });
    },
    freeze: (guestId) => {
      const guest = guests.get(guestId);
      if (guest === undefined) return Promise.reject(notFound(`no guest ${guestId} on this host`));
      return Promise.resolve(guest.process === "running");
    },
    thaw: () => Promise.resolve(),
  };
}
