import { conflict, forbidden, invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import { readPaging } from "../../../http/paging.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { findUsage } from "../quotas/project.queries.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import { type KeyMaterial, generateKey, importKey } from "./key-material.ts";
import type { Keypair, KeypairType } from "./keypair.model.ts";
import { countKeypairsLocked, deleteKeypair, findKeypair, insertKeypair, listKeypairs } from "./keypair.queries.ts";

/** Another user's keys are an operator's business only (microversion 2.10). */
export function keypairOwner(request: ApiRequest, userId: string | undefined): string {
  if (userId === undefined || userId === request.actor.userId) return request.actor.userId;
  if (!asksAsAdmin(request)) throw forbidden("Policy doesn't allow os_compute_api:os-keypairs to be performed.");
  return userId;
}

const unknown = (name: string, userId: string): Error => notFound(`Keypair ${name} not found for user ${userId}`);

export type NewKeypair = { userId: string; name: string; type: KeypairType; publicKey: string | undefined };

export async function createKeypair(
  request: ApiRequest,
  wanted: NewKeypair,
): Promise<{ keypair: Keypair; privateKey: string | null }> {
  const { app } = request;
  const createdAt = new Date(app.clock.now());
  const material: KeyMaterial =
    wanted.publicKey === undefined
      ? await generateKey(wanted.type, wanted.userId, createdAt)
      : importKey(wanted.type, wanted.publicKey);
  const { quota } = await findUsage(app.db, request.actor.projectId ?? "");
  const limit = quotaOf(quota).key_pairs;
  const keypair = await transact(app, request.origin, async (tx) => {
    const count = await countKeypairsLocked(tx.sql, wanted.userId);
    if (limit >= 0 && count >= limit) throw forbidden("Quota exceeded, too many key pairs.");
    const { publicKey, fingerprint } = material;
    const made = await insertKeypair(tx.sql, {
      userId: wanted.userId,
      name: wanted.name,
      type: wanted.type,
      publicKey,
      fingerprint,
      createdAt,
    });
    if (made === null) throw conflict(`Key pair '${wanted.name}' already exists.`);
    tx.event({
      action: material.privateKey === null ? "compute.keypair.import" : "compute.keypair.create",
      target: { type: "keypair", id: `${wanted.userId}/${wanted.name}`, projectId: null },
      detail: { fingerprint },
    });
    return made;
  });
  return { keypair, privateKey: material.privateKey };
}

export async function removeKeypair(request: ApiRequest, userId: string, name: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    if (!(await deleteKeypair(tx.sql, userId, name))) throw unknown(name, userId);
    tx.event({
      action: "compute.keypair.delete",
      target: { type: "keypair", id: `${userId}/${name}`, projectId: null },
    });
  });
}

export async function readKeypair(request: ApiRequest, userId: string, name: string): Promise<Keypair> {
  const keypair = await findKeypair(request.app.db, userId, name);
  if (keypair === null) throw unknown(name, userId);
  return keypair;
}

/** Paged from 2.35 on; before that all of them. */
export async function readKeypairs(
  request: ApiRequest,
  userId: string,
): Promise<{ keypairs: Keypair[]; more: boolean }> {
  const paged = request.version >= 35;
  const { limit, marker } = paged
    ? readPaging(request.query, { maxLimit: 1000 })
    : { limit: 100_000, marker: undefined };
  if (marker !== undefined && (await findKeypair(request.app.db, userId, marker)) === null)
    throw invalid(`Marker ${marker} could not be found.`);
  const keypairs = await listKeypairs(request.app.db, userId, { marker: marker ?? "", limit });
  return { keypairs, more: paged && limit > 0 && keypairs.length === limit };
}
