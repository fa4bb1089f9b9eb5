import { forbidden, invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import { type Implication, NEVER_IMPLIED, type Role } from "./role.model.ts";
import { deleteImplication, findRole, insertImplication, listImplications, listRolesById } from "./role.queries.ts";
import { tokensOfRole } from "./tokens-of-role.ts";

type Pair = { prior: Role; implied: Role };

async function findPair(sql: Queryable, priorId: string, impliedId: string): Promise<Pair> {
  const [prior, implied] = await Promise.all([findRole(sql, priorId), findRole(sql, impliedId)]);
  if (prior === null) throw notFound(`Could not find role: ${priorId}.`);
  if (implied === null) throw notFound(`Could not find role: ${impliedId}.`);
  return { prior, implied };
}

/** All that one role implies by itself; null: of every role that implies something. */
export async function readImplications(sql: Queryable, priorId: string | null): Promise<Implication[]> {
  const pairs = await listImplications(sql, priorId);
  const ids = new Set(pairs.flatMap((pair) => [pair.priorId, pair.impliedId]));
  if (priorId !== null) ids.add(priorId);
  const roles = new Map((await listRolesById(sql, [...ids])).map((role) => [role.id, role]));
  if (priorId !== null && !roles.has(priorId)) throw notFound(`Could not find role: ${priorId}.`);
  const priors = priorId === null ? new Set(pairs.map((pair) => pair.priorId)) : [priorId];
  return [...priors].flatMap((id) => {
    const prior = roles.get(id);
    if (prior === undefined) return [];
    const implied = pairs.filter((pair) => pair.priorId === id).flatMap((pair) => roles.get(pair.impliedId) ?? []);
    return [{ prior, implied }];
  });
}

export async function readImplication(sql: Queryable, priorId: string, impliedId: string): Promise<Pair> {
  const pair = await findPair(sql, priorId, impliedId);
  const there = await listImplications(sql, priorId);
  if (!there.some((one) => one.impliedId === impliedId)) throw notFound(`${priorId} does not imply ${impliedId}.`);
  return pair;
}

export async function createImplication(app: App, origin: Origin, priorId: string, impliedId: string): Promise<Pair> {
  return transact(app, origin, async (tx) => {
    const pair = await findPair(tx.sql, priorId, impliedId);
    if (pair.implied.name === NEVER_IMPLIED) throw forbidden(`${impliedId} cannot be an implied roles.`);
    // everybody's roles are the same everywhere
    if (pair.implied.domainId !== null && pair.prior.domainId === null)
      throw forbidden(`${impliedId} cannot be an implied roles.`);
    if (priorId === impliedId) throw invalid("A role cannot imply itself");
    await insertImplication(tx.sql, priorId, impliedId);
    tx.event({ action: "identity.role.imply", target: { type: "role", id: priorId }, detail: { implies: impliedId } });
    return pair;
  });
}

/** Tokens that say the role end: they say what it implied as well. */
export async function deleteOneImplication(
  app: App,
  origin: Origin,
  priorId: string,
  impliedId: string,
): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const { prior } = await findPair(tx.sql, priorId, impliedId);
    if (!(await deleteImplication(tx.sql, priorId, impliedId)))
      throw notFound(`${priorId} does not imply ${impliedId}.`);
    revoke(...(await tokensOfRole(tx.sql, prior)));
    tx.event({
      action: "identity.role.cease_to_imply",
      target: { type: "role", id: priorId },
      detail: { implies: impliedId },
    });
  });
}
