/** What an agent is told of a volume. */
import type { VolumeSource, VolumeSpec } from "@andromede/agent-api/types";

import type { App } from "../../../app.ts";
import { bootImageById, imageFile } from "../../image/public.ts";
import { findBackupKey } from "../backups/backup.queries.ts";
import { backupKeyName } from "../backups/backup.model.ts";
import { findSnapshot } from "../snapshots/snapshot.queries.ts";
import type { Snapshot } from "../snapshots/snapshot.model.ts";
import { type Volume, keyName } from "./volume.model.ts";
import { findWrappedKey } from "./volume.queries.ts";

/** A volume's LUKS passphrase, base64; null: there is no such volume. */
export async function openVolumeKey(app: Pick<App, "db" | "keys">, volumeId: string): Promise<string | null> {
  const row = await findWrappedKey(app.db, volumeId);
  if (row === null) return null;
  const key = await app.keys.unwrapForProject(app.db, row.projectId, row.wrappedKey, keyName(volumeId));
  return key.toString("base64");
}

/** `gone`: what the volume is to be made from is not there any more; `later`: it is not there yet. */
type NoSource = { gone: string } | { later: string };

export async function toVolumeSpec(
  app: App,
  volume: Volume,
  snapshots: readonly Snapshot[],
): Promise<VolumeSpec | NoSource> {
  const [key, source] = await Promise.all([openVolumeKey(app, volume.id), sourceOf(app, volume)]);
  if ("gone" in source || "later" in source) return source;
  return {
    id: volume.id,
    generation: volume.generation,
    sizeGib: volume.sizeGib,
    key,
    source,
    snapshots: snapshots
      .filter(({ wanted }) => wanted)
      .map(({ id }) => id)
      .toSorted(),
    ...(volume.revertSnapshotId === null || volume.revertNonce === null
      ? {}
      : { revert: { snapshotId: volume.revertSnapshotId, nonce: volume.revertNonce } }),
  };
}

async function sourceOf(app: App, volume: Volume): Promise<VolumeSource | NoSource> {
  const isMaking = ["creating", "downloading", "restoring-backup"].includes(volume.status);
  if (!isMaking) return { kind: "empty" };
  if (volume.restoreBackupId !== null && volume.status === "restoring-backup")
    return fromBackup(app, volume.restoreBackupId);
  if (volume.image !== null) return fromImage(app, volume.image);
  if (volume.snapshotId !== null) return fromSnapshot(app, volume.snapshotId);
  if (volume.sourceVolumeId !== null) {
    const key = await openVolumeKey(app, volume.sourceVolumeId);
    if (key === null) return { gone: `Volume ${volume.sourceVolumeId} could not be found.` };
    return { kind: "volume", volumeId: volume.sourceVolumeId, key };
  }
  if (volume.sourceBackupId !== null) return fromBackup(app, volume.sourceBackupId);
  return { kind: "empty" };
}

async function fromImage(app: App, wanted: NonNullable<Volume["image"]>): Promise<VolumeSource | NoSource> {
  const found = await bootImageById(app.db, wanted.id);
  const file = found?.sha512 === wanted.sha512 ? await imageFile(app, found) : null;
  // that took its time: the image may have gone meanwhile, and whoever asks may be about to remove what it would replace
  const image = file === null ? null : await bootImageById(app.db, wanted.id);
  if (image === null || file === null || "gone" in file) return { gone: `Image ${wanted.id} could not be found.` };
  if ("later" in file) return file;
  const { sha512, format, sizeBytes } = image;
  return { kind: "image", imageId: wanted.id, sha512, format, sizeBytes, path: file.path };
}

async function fromSnapshot(app: App, id: string): Promise<VolumeSource | { gone: string }> {
  const snapshot = await findSnapshot(app.db, id, null);
  if (snapshot === null) return { gone: `Snapshot ${id} could not be found.` };
  return {
    kind: "snapshot",
    volumeId: snapshot.volumeId,
    snapshotId: id,
    key: await openVolumeKey(app, snapshot.volumeId),
  };
}

async function fromBackup(app: App, id: string): Promise<VolumeSource | { gone: string }> {
  const row = await findBackupKey(app.db, id);
  if (row === null) return { gone: `Backup ${id} could not be found.` };
  const key = await app.keys.unwrapForProject(app.db, row.projectId, row.wrappedKey, backupKeyName(id));
  return { kind: "backup", backupId: id, key: key.toString("base64") };
}
