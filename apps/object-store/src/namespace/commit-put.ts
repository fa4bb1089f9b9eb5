/** The rows of a write whose bytes are durable: all of it, or nothing. */
import { randomBytes } from "node:crypto";

import { notFound, unavailable } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";

import type { Chunk, Placement } from "../bytes/byte-store.ts";
import type { Combine } from "./combiner.ts";
import type { Container, Usage } from "./container.model.ts";
import { sumForQuota } from "./container.queries.ts";
import type { NamespaceDeps } from "./deps.ts";
import { objectEvent } from "./events.ts";
import { lockKeys, lockQuotas, shareContainer } from "./locks.queries.ts";
import type { NewObject, Precondition, StoredObject } from "./object.model.ts";
import {
  type PlainPut,
  type WriteState,
  addUsage,
  changeRows,
  findWriteState,
  insertChunks,
  isAlive,
  listPlanVersions,
  nextSequences,
  noneIfEmpty,
} from "./object.queries.ts";
import { lockedBy } from "./plan-lock.ts";
import { checkQuota, planPut } from "./plan-put.ts";
import { type Change, transact } from "./transact.ts";
import { type KeyPlan, weighed } from "./version.model.ts";

/** A put, and which of the byte store's writers wrote for it. */
export type Commit = { object: NewObject; writerId: number; precondition?: Precondition | undefined };

/** A version's id: nobody guesses one. */
export const newVersionId = (): string => randomBytes(16).toString("hex");

export async function commitPut(
  deps: NamespaceDeps,
  combine: Combine,
  origin: Origin,
  container: Container,
  commit: Commit,
): Promise<StoredObject> {
  if (isPlain(container, commit)) {
    const done = await combine(toPlainPut(container.id, commit.object), commit.writerId);
    if (done !== null)
      return toStored(container.id, commit.object, {
        sequence: done.sequence,
        modifiedAt: done.at,
        versionId: "null",
        details: commit.object.details,
      });
  }
  return transact(deps, origin, (change) => commitPlanned(deps, change, container, commit));
}

/** As far as is known here; the statement itself looks again. */
function isPlain({ settings, quotaBytes, quotaObjects }: Container, { precondition, object }: Commit): boolean {
  const { versioning, objectLock, objectEvents } = settings;
  const isAsked = precondition !== undefined && Object.values(precondition).some((value) => value !== undefined);
  const isTold = versioning !== undefined || objectLock !== undefined || objectEvents !== undefined;
  const isLocked = object.details.retention !== undefined || object.details.legalHold !== undefined;
  return !isAsked && !isTold && !isLocked && quotaBytes === null && quotaObjects === null;
}

export const chunksOf = (placement: Placement): Chunk[] => (placement.kind === "chunked" ? placement.chunks : []);
export const packOf = (placement: Placement): StoredObject["pack"] =>
  placement.kind === "packed" ? { id: placement.packId, offset: placement.offset } : null;

function toPlainPut(containerId: number, object: NewObject): PlainPut {
  const { placement } = object;
  const pack = packOf(placement);
  return {
    c: containerId,
    k: object.key,
    s: object.size,
    e: object.etag,
    t: object.contentType,
    d: object.deleteAt,
    m: noneIfEmpty(object.metadata),
    x: noneIfEmpty(object.details),
    p: pack?.id ?? null,
    o: pack?.offset ?? null,
    chunks:
      placement.kind !== "chunked"
        ? null
        : placement.chunks.map((one) => ({
            w: one.writerId,
            a: one.address,
            s: one.start,
            b: one.bytes,
            z: one.sealedBytes,
          })),
  };
}

function toStored(
  containerId: number,
  { placement, ...object }: NewObject,
  made: { sequence: number; modifiedAt: Date; versionId: string; details: NewObject["details"] },
): StoredObject {
  return { ...object, ...made, containerId, isCurrent: true, isDeleteMarker: false, pack: packOf(placement) };
}

/** Takes the locks of a write, and reads what it decides by. One flight. */
export async function beginWrite(
  { sql }: Pick<Change, "sql">,
  container: Pick<Container, "id" | "name">,
  key: string,
  writerId: number | null,
) {
  const [, , state, versions, sequences, live] = await Promise.all([
    shareContainer(sql, container.id),
    lockKeys(sql, container.id, [key]),
    findWriteState(sql, container.id),
    listPlanVersions(sql, container.id, [key], [""]),
    nextSequences(sql, 1),
    writerId === null || isAlive(sql, writerId),
  ]);
  if (state === null) throw notFound(`Container ${container.name} was not found`, { type: "NoSuchBucket" });
  if (!live) throw unavailable("The object could not be kept; try again", { type: "ServiceUnavailable" });
  return { state, versions, sequence: sequences[0] ?? 0 };
}

async function commitPlanned(
  deps: NamespaceDeps,
  change: Change,
  container: Container,
  { object, writerId, precondition }: Commit,
): Promise<StoredObject> {
  const { sql, event, last } = change;
  const { state, versions, sequence } = await beginWrite(change, container, object.key, writerId);
  const nowMs = deps.clock.now();
  const modifiedAt = new Date(nowMs);
  const plan = planPut(
    { versioning: state.settings.versioning, versions, nowMs },
    { precondition, freshId: newVersionId() },
  );
  const details = lockedBy(state.settings, object.details, nowMs);
  const added = weighed(plan, object);
  await assertRoom(sql, state, added);
  const versionId = plan.newVersionId ?? "null";
  const stored = toStored(container.id, object, { sequence, modifiedAt, versionId, details });
  const chunks = chunksOf(object.placement);
  last(
    ...applyPlan(sql, { containerId: container.id, key: object.key, plan, insert: stored, now: modifiedAt }),
    ...(chunks.length === 0 ? [] : [insertChunks(sql, sequence, chunks)]),
    addUsage(sql, container.id, added),
  );
  if (state.settings.objectEvents === true)
    event(objectEvent("object.object.create", state, object.key, { size: object.size, etag: object.etag, versionId }));
  return stored;
}

/** Throws `overQuota`. From here to the end of the transaction nobody else adds to what has a quota. */
export async function assertRoom(sql: Change["sql"], state: WriteState, added: Usage): Promise<void> {
  const of = quotasOf(state);
  if (!of.account && !of.container) return;
  await Promise.all([lockQuotas(sql, state, of), checkRoom(sql, state, added)]);
}

/** The same as it is now, for who only asks. */
export async function checkRoom(sql: Queryable, state: WriteState, added: Usage): Promise<void> {
  const of = quotasOf(state);
  const [account, container] = await Promise.all([
    of.account ? sumForQuota(sql, { projectId: state.projectId }) : null,
    of.container ? sumForQuota(sql, { containerId: state.id }) : null,
  ]);
  const ofAccount = { bytes: state.accountQuotaBytes, objects: state.accountQuotaObjects };
  if (account !== null) checkQuota(ofAccount, account, added);
  if (container !== null) checkQuota({ bytes: state.quotaBytes, objects: state.quotaObjects }, container, added);
}

export const quotasOf = (state: WriteState): { account: boolean; container: boolean } => ({
  account: state.accountQuotaBytes !== null || state.accountQuotaObjects !== null,
  container: state.quotaBytes !== null || state.quotaObjects !== null,
});

/** One key's. */
export function applyPlan(
  sql: Change["sql"],
  of: { containerId: number; key: string; plan: KeyPlan; insert: StoredObject | null; now: Date },
): Promise<unknown>[] {
  const { plan, key } = of;
  const named = (version: { sequence: number }) => ({ key, sequence: version.sequence });
  return changeRows(sql, {
    containerId: of.containerId,
    now: of.now,
    remove: plan.remove.map(named),
    chunked: plan.remove.filter(({ packed, size }) => !packed && size > 0).map(({ sequence }) => sequence),
    demote: plan.demote === null ? [] : [named(plan.demote)],
    promote: plan.promote === null ? [] : [named(plan.promote)],
    insert: of.insert === null ? [] : [of.insert],
  });
}
