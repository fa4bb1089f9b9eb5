/** A volume offered to whoever knows a secret. Who takes it gets its key wrapped anew under their own project's. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import { invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { setAttachmentsOwner } from "../attachments/attachment.queries.ts";
import { projectOf, scopeOf } from "../common/actor.ts";
import type { ListRequest } from "../common/list-request.ts";
import { giveBackQuota, takeQuota } from "../quotas/take-quota.ts";
import { listVolumeSnapshots, setSnapshotsOwner } from "../snapshots/snapshot.queries.ts";
import { holdVolume, invalidVolume, volumeTarget } from "../volumes/volume-access.ts";
import { type Volume, keyName } from "../volumes/volume.model.ts";
import { findWrappedKey, lockVolume, setOwner, setStatus } from "../volumes/volume.queries.ts";
import {
  TRANSFER_SORT_KEYS,
  type Transfer,
  deleteTransferRow,
  findTransfer,
  insertTransfer,
  listTransfers,
} from "./transfer.queries.ts";

export type { Transfer } from "./transfer.queries.ts";
export const TRANSFER_SORTS = TRANSFER_SORT_KEYS;

const noTransfer = (id: string) => notFound(`Transfer ${id} could not be found.`.slice(0, 400));
const hashOf = (salt: string, secret: string): string => createHmac("sha256", salt).update(secret).digest("hex");
const target = (transfer: Pick<Transfer, "id" | "projectId">) => ({
  type: "volume_transfer",
  id: transfer.id,
  projectId: transfer.projectId,
});

export async function readTransfer(request: ApiRequest, id: string): Promise<Transfer> {
  const transfer = await findTransfer(request.app.db, id, scopeOf(request));
  if (transfer === null) throw noTransfer(id);
  return transfer;
}

export const readTransfers = (
  request: ApiRequest,
  list: ListRequest,
  filter: { name?: string; volumeId?: string },
): Promise<Transfer[]> => listTransfers(request.app.db, list, filter);

/** The secret is told once, here, and kept as a hash. */
export async function createTransfer(
  request: ApiRequest,
  wanted: { volumeId: string; name: string | null; noSnapshots: boolean },
): Promise<{ transfer: Transfer; secret: string }> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const volume = await holdVolume(tx.sql, request, wanted.volumeId);
    if (volume.deleting || volume.status !== "available") throw invalidVolume("status must be available");
    // who takes the volume has no part in the group
    if (volume.groupId !== null) throw invalidVolume(`Volume ${volume.id} must not be part of a group.`);
    const snapshots = await listVolumeSnapshots(tx.sql, volume.id);
    if (!wanted.noSnapshots && snapshots.some(({ status }) => status !== "available")) {
      throw invalid(`Invalid snapshot: every snapshot of volume ${volume.id} must be available`);
    }
    const [secret, salt] = [randomBytes(12).toString("hex"), randomBytes(8).toString("hex")];
    const transfer: Transfer = {
      id: newUuid(),
      volumeId: volume.id,
      projectId: volume.projectId,
      name: wanted.name,
      salt,
      secretHash: hashOf(salt, secret),
      noSnapshots: wanted.noSnapshots,
      destinationProjectId: null,
      createdAt: at,
    };
    await insertTransfer(tx.sql, transfer);
    await setStatus(tx.sql, volume.id, "awaiting-transfer", at);
    tx.event({ action: "volume.transfer.create", target: target(transfer), detail: { volume_id: volume.id } });
    return { transfer, secret };
  });
}

export async function deleteTransfer(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const seen = await findTransfer(tx.sql, id, scopeOf(request));
    if (seen === null) throw noTransfer(id);
    await withdraw(tx, seen, new Date(request.app.clock.now()));
  });
}

/** The offer goes; the volume is its owner's to use again. */
export async function withdraw(tx: Transaction, seen: Transfer, at: Date): Promise<void> {
  const volume = await lockVolume(tx.sql, seen.volumeId, null);
  // somebody may have taken it meanwhile
  if ((await findTransfer(tx.sql, seen.id, null)) === null) throw noTransfer(seen.id);
  await deleteTransferRow(tx.sql, seen.id);
  if (volume?.status === "awaiting-transfer") await setStatus(tx.sql, volume.id, "available", at);
  tx.event({ action: "volume.transfer.delete", target: target(seen), detail: { volume_id: seen.volumeId } });
}

export async function acceptTransfer(request: ApiRequest, id: string, secret: string): Promise<Transfer> {
  const { app, actor } = request;
  const projectId = projectOf(request);
  return transact(app, request.origin, async (tx) => {
    const at = new Date(app.clock.now());
    const seen = await findTransfer(tx.sql, id, null);
    if (seen === null) throw noTransfer(id);
    const given = Buffer.from(hashOf(seen.salt, secret));
    if (!timingSafeEqual(given, Buffer.from(seen.secretHash))) {
      throw invalid(`Attempt to transfer ${id} with invalid auth key.`);
    }
    const volume = await lockVolume(tx.sql, seen.volumeId, null);
    if (volume === null || (await findTransfer(tx.sql, id, null)) === null) throw noTransfer(id);
    if (volume.status !== "awaiting-transfer") {
      throw invalidVolume(`Transfer ${id}: Volume id ${volume.id} expected in awaiting-transfer state.`);
    }
    await moveVolume(request, tx, volume, { projectId, userId: actor.userId, noSnapshots: seen.noSnapshots, at });
    await deleteTransferRow(tx.sql, id);
    tx.event({
      action: "volume.transfer.accept",
      target: target(seen),
      detail: { volume_id: volume.id, project_id: projectId },
    });
    return { ...seen, destinationProjectId: projectId };
  });
}

type Taker = { projectId: string; userId: string; noSnapshots: boolean; at: Date };

/** Quota, key and rows from one project to the other. Projects' rows are held in the order of their ids. */
async function moveVolume(request: ApiRequest, tx: Transaction, volume: Volume, taker: Taker): Promise<void> {
  const { keys } = request.app;
  const snapshots = taker.noSnapshots ? [] : await listVolumeSnapshots(tx.sql, volume.id);
  const amount = {
    volumes: 1,
    gigabytes: volume.sizeGib + snapshots.reduce((sum, one) => sum + one.sizeGib, 0),
    snapshots: snapshots.length,
    typeId: volume.volumeTypeId,
  };
  const take = () => takeQuota(tx, taker.projectId, amount, { sizeGib: volume.sizeGib });
  const give = () => giveBackQuota(tx, volume.projectId, amount);
  const steps = taker.projectId < volume.projectId ? [take, give] : [give, take];
  for (const step of steps) await step();
  const row = await findWrappedKey(tx.sql, volume.id);
  if (row === null) throw notFound(`Volume ${volume.id} could not be found.`);
  const name = keyName(volume.id);
  const key = await keys.unwrapForProject(tx.sql, row.projectId, row.wrappedKey, name);
  const wrappedKey = await keys.wrapForProject(tx.sql, taker.projectId, key, name);
  key.fill(0);
  const owner = { projectId: taker.projectId, userId: taker.userId };
  await setOwner(tx.sql, volume.id, { ...owner, wrappedKey }, taker.at);
  await setStatus(tx.sql, volume.id, "available", taker.at);
  await setAttachmentsOwner(tx.sql, volume.id, taker.projectId);
  if (!taker.noSnapshots) await setSnapshotsOwner(tx.sql, volume.id, owner);
  tx.event({
    action: "volume.volume.transfer",
    target: volumeTarget({ ...volume, projectId: taker.projectId }),
    detail: { from: volume.projectId },
  });
}
