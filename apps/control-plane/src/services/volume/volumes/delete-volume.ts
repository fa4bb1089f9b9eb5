/** The end of a volume: its row stays until its bytes are gone, and takes its key along. */
import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin, checkAdmin } from "../common/actor.ts";
import { deleteAttachmentsOf } from "../attachments/attachment.queries.ts";
import { listVolumeSnapshots, setSnapshotsDeleting } from "../snapshots/snapshot.queries.ts";
import { holdVolume, invalidVolume, volumeTarget } from "./volume-access.ts";
import type { Volume } from "./volume.model.ts";
import { lockVolume, setDeleting } from "./volume.queries.ts";

const DELETABLE = ["available", "error", "error_restoring", "error_extending", "error_deleting", "error_backing-up"];

const refusal = (why: string) =>
  invalidVolume(
    `Volume ${why} must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.`,
  );

export async function deleteVolume(
  request: ApiRequest,
  id: string,
  options: { cascade: boolean; force: boolean },
): Promise<void> {
  if (options.force) checkAdmin(request, "volume:force_delete");
  const { app } = request;
  await transact(app, request.origin, async (tx) => {
    const volume = await holdVolume(tx.sql, request, id);
    // asked twice, or by two: it is going
    if (volume.deleting) {
      if (volume.status === "deleting" && !options.force) throw refusal(STATUS_WORDS);
      return;
    }
    const snapshots = await listVolumeSnapshots(tx.sql, id);
    check(volume, snapshots, { ...options, isAdmin: asksAsAdmin(request) });
    await startDeletion(app, tx, volume, options.cascade);
  });
}

const STATUS_WORDS = "status must be available or error or error_restoring or error_extending or error_managing and";

function check(
  volume: Volume,
  snapshots: { status: string; projectId: string; groupSnapshotId: string | null }[],
  how: { cascade: boolean; force: boolean; isAdmin: boolean },
): void {
  const attached = volume.attachments.some(
    ({ status }) => status === "attached" || status === "detaching" || status === "attaching",
  );
  const wrongStatus = !how.force && !DELETABLE.includes(volume.status);
  if (attached || wrongStatus || volume.groupId !== null) throw refusal(how.force ? "" : STATUS_WORDS);
  if (snapshots.length === 0) return;
  if (!how.cascade) throw refusal(how.force ? "" : STATUS_WORDS);
  const stuck = snapshots.some(
    ({ status, projectId, groupSnapshotId }) =>
      (!how.force && groupSnapshotId !== null) ||
      (!how.force && !["available", "error", "deleting", "error_deleting"].includes(status)) ||
      (!how.isAdmin && projectId !== volume.projectId),
  );
  if (stuck) throw refusal(how.force ? "" : STATUS_WORDS);
}

/** `cascade`: its snapshots go with it. The caller holds the volume. */
export async function startDeletion(
  app: Pick<App, "clock">,
  tx: Transaction,
  volume: Volume,
  cascade: boolean,
): Promise<void> {
  const at = new Date(app.clock.now());
  await Promise.all([
    // reservations nobody came back for
    deleteAttachmentsOf(tx.sql, volume.id),
    setDeleting(tx.sql, volume.id, at, { cascade, previousStatus: volume.status }),
    cascade ? setSnapshotsDeleting(tx.sql, volume.id, at) : undefined,
  ]);
  tx.event({ action: "volume.volume.delete", target: volumeTarget(volume), detail: { cascade } });
  tx.enqueue(`volume/${volume.id}`);
}

/** `delete_on_termination`: whatever state it is in, unless others have it, or snapshots of it that are meant to stay. */
export async function startServerVolumeDeletion(app: Pick<App, "clock">, tx: Transaction, id: string): Promise<void> {
  const volume = await lockVolume(tx.sql, id, null);
  if (volume === null || volume.deleting) return;
  const snapshots = await listVolumeSnapshots(tx.sql, id);
  const isHad = volume.attachments.some(({ status }) => status !== "reserved");
  if (isHad || snapshots.length > 0) return;
  await startDeletion(app, tx, volume, false);
}

/** The registry's way: everything goes with it. */
export async function removeVolumeForPurge(app: App, tx: Transaction, id: string): Promise<void> {
  const volume = await lockVolume(tx.sql, id, null);
  if (volume === null || volume.deleting) return;
  await startDeletion(app, tx, volume, true);
}
