/** What a host's guests need of its pool. */
import { join } from "node:path";

import type { GuestSpec } from "@andromede/agent-api/types";
import type { Logger } from "@andromede/base/log";

import type { AgentConfig } from "../config.ts";
import { FORGOTTEN_KEY } from "../ledger.ts";
import { type SharedVolumes, createSharedVolumes } from "../storage/shared-volumes.ts";
import { type LinkedVolume, type VolumeLinks, createVolumeLinks } from "../storage/volume-links.ts";
import { DEFAULT_UIDS, uidOf, type volumesOf } from "./layout.ts";

/** The links and the servers of a host's pool, if it has one. */
export function openPool(config: AgentConfig, log: Logger): { links: VolumeLinks; shared: SharedVolumes | null } {
  const { engineRoot, dataDir, guestUids, guestUser, volumePool, host } = config;
  if (volumePool === undefined) return { links: createVolumeLinks(null), shared: null };
  const { directory } = volumePool;
  const shared = createSharedVolumes({
    engineRoot,
    pool: directory,
    logDirectory: join(dataDir, "shared-volumes"),
    userOf: (volumeId) => ({ uid: uidOf(volumeId, guestUids ?? DEFAULT_UIDS), gid: guestUser.gid }),
    log,
  });
  return { links: createVolumeLinks({ directory, host, shared }), shared };
}

/** Keys of the encrypted volumes, by disk; of those that are known. */
export function keysOf(spec: GuestSpec): Map<string, string> {
  return new Map(
    spec.disks.flatMap(({ id, source }): [string, string][] =>
      source.kind === "volume" && source.key !== null && source.key !== FORGOTTEN_KEY ? [[id, source.key]] : [],
    ),
  );
}

/** The volumes of a machine, with the keys of its disks. */
export const withKeys = (volumes: ReturnType<typeof volumesOf>, keys: ReadonlyMap<string, string>): LinkedVolume[] =>
  volumes.map((volume) => ({ ...volume, key: keys.get(volume.diskId) ?? null }));
