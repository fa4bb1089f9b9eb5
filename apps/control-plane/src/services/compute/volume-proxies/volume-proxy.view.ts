/** Volumes and snapshots in Nova's older words. Pure. */
import type { ProxiedSnapshot, ProxiedVolume } from "../../volume/public.ts";
import { isoMicroseconds } from "../common/wire.ts";

/** One attachment at most, and an empty one when there is none. */
function toAttachments(volume: ProxiedVolume): object[] {
  const first = volume.attachments.find(({ status, serverId }) => status === "attached" && serverId !== null);
  if (first === undefined) return [{}];
  return [
    {
      id: volume.id,
      volumeId: volume.id,
      serverId: first.serverId,
      ...(first.device === null ? {} : { device: first.device }),
    },
  ];
}

export const toVolumeProxy = (volume: ProxiedVolume): object => ({
  id: volume.id,
  status: volume.status,
  size: volume.sizeGib,
  availabilityZone: volume.availabilityZone,
  createdAt: isoMicroseconds(volume.createdAt),
  attachments: toAttachments(volume),
  displayName: volume.name,
  displayDescription: volume.description,
  volumeType: volume.volumeTypeName,
  snapshotId: volume.snapshotId,
  metadata: volume.metadata,
});

export const toSnapshotProxy = (snapshot: ProxiedSnapshot): object => ({
  id: snapshot.id,
  volumeId: snapshot.volumeId,
  status: snapshot.status,
  size: snapshot.sizeGib,
  createdAt: isoMicroseconds(snapshot.createdAt),
  displayName: snapshot.name,
  displayDescription: snapshot.description,
});
