import type { Readable } from "node:stream";

import { notFound } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";

import { PACKED_BYTES, type Placement } from "../bytes/byte-store.ts";
import { checkBody, settling } from "./bodies.ts";
import { checkRoom, commitPut, newVersionId, quotasOf } from "./commit-put.ts";
import type { Combine } from "./combiner.ts";
import type { Container } from "./container.model.ts";
import type { NamespaceDeps } from "./deps.ts";
import { objectEvent } from "./events.ts";
import type { Foreseen } from "./foreseen.ts";
import { lockKeys, shareContainer } from "./locks.queries.ts";
import { checkKey, isStorable } from "./names.ts";
import type { Namespace, PutObject } from "./namespace.ts";
import type { ObjectDetails, StoredObject } from "./object.model.ts";
import {
  findBySequence,
  findCurrent,
  findNewest,
  findVersion,
  findWriteState,
  listChunks,
  listPlanVersions,
  updateObjectRow,
} from "./object.queries.ts";
import { checkCondition } from "./plan-condition.ts";
import { checkRemovable, checkRetention, lockedBy } from "./plan-lock.ts";
import { planPut } from "./plan-put.ts";
import type { SealingKeys } from "./sealing-keys.ts";
import { transact } from "./transact.ts";
import { NULL_VERSION, hasEnded, weighed } from "./version.model.ts";

type Objects = Pick<Namespace, "findObject" | "findDeleteMarker" | "readObject" | "putObject" | "updateObject">;
type ObjectChange = Parameters<Namespace["updateObject"]>[3];

export function createObjects(
  deps: NamespaceDeps,
  parts: { keys: SealingKeys; foreseen: Foreseen; combine: Combine },
): Objects {
  const { keys, foreseen, combine } = parts;
  const { db, clock } = deps;
  return {
    async findObject(container, key, versionId) {
      if (!isStorable(key) || (versionId !== undefined && !isStorable(versionId))) return null;
      const seen = versionId === undefined ? foreseen.take(container, key) : undefined;
      const found = seen === undefined ? await look(db, container, key, versionId) : seen;
      return found !== null && isThere(found, clock.now(), isAskedById(container, versionId)) ? found : null;
    },
    async findDeleteMarker(container, key) {
      if (!isStorable(key)) return null;
      const newest = await findNewest(db, container.id, key);
      return newest?.isDeleteMarker === true ? newest : null;
    },
    readObject: (container, object, range) => readObject(deps, keys, container, object, range),
    putObject: (origin, container, wanted) => putObject(deps, { keys, combine }, origin, container, wanted),
    updateObject: (origin, container, object, change) => updateObject(deps, origin, { container, object, change }),
  };
}

const look = (db: NamespaceDeps["db"], container: Container, key: string, versionId: string | undefined) =>
  versionId === undefined ? findCurrent(db, container.id, key) : findVersion(db, container.id, key, versionId);

/** With versions, what has come to its end is no more than hidden: by its id it is there. */
const isAskedById = ({ settings }: Pick<Container, "settings">, versionId: string | undefined): boolean =>
  versionId !== undefined &&
  (settings.versioning === "enabled" || (settings.versioning === "suspended" && versionId !== NULL_VERSION));

/** What has come to its end is gone for readers, whether it was removed already or not. */
const isThere = (object: StoredObject, nowMs: number, byId: boolean): boolean =>
  byId || !(object.isCurrent && hasEnded(object, nowMs));

async function readObject(
  { db, bytes }: NamespaceDeps,
  keys: SealingKeys,
  container: Container,
  object: StoredObject,
  { start, end, customerKey }: { start: number; end: number; customerKey?: Buffer },
): Promise<Readable | Buffer> {
  if (start >= end) return Buffer.alloc(0);
  const key = await keys.keyFor(container, object.details.encryption, { customerKey, origin: null });
  if (object.pack !== null) {
    const { id, offset } = object.pack;
    const whole = await bytes.readSmall({ kind: "packed", packId: id, offset, bytes: object.size }, key);
    return start === 0 && end >= whole.length ? whole : whole.subarray(start, end);
  }
  const placement: Placement = { kind: "chunked", chunks: await listChunks(db, object.sequence, { start, end }) };
  // replaced and collected between two looks: as if it had been asked for a moment later
  if (placement.chunks.length === 0) throw notFound("The specified key does not exist.", { type: "NoSuchKey" });
  return bytes.read(placement, { key, start, end });
}

async function putObject(
  deps: NamespaceDeps,
  { keys, combine }: { keys: SealingKeys; combine: Combine },
  origin: Origin,
  container: Container,
  wanted: PutObject,
): Promise<StoredObject> {
  checkKey(wanted.key);
  const { body, size, maxBytes, digests, precondition } = wanted;
  // a large body is refused before it is sent, if it can be
  if (size === null || size > PACKED_BYTES) await tryPut(deps, container, wanted);
  const { encryption } = wanted.details;
  const key = await keys.keyFor(container, encryption, { customerKey: wanted.customerKey, origin });
  const written = await deps.bytes.write(body, { key, digests, size, maxBytes, mayPack: true });
  return settling(written, async () => {
    const checked = checkBody<ObjectDetails>(written, (seen) => wanted.check?.(seen), wanted.details);
    const { contentType, deleteAt, metadata } = wanted;
    const { placement } = written;
    const object = { key: wanted.key, size: written.size, ...checked, contentType, deleteAt, metadata, placement };
    return commitPut(deps, combine, origin, container, { object, writerId: written.writerId, precondition });
  });
}

/** Would it be refused? Decides nothing: that is done when the body is there. */
async function tryPut({ db, clock }: NamespaceDeps, container: Container, wanted: PutObject): Promise<void> {
  const { key, size, precondition } = wanted;
  const state = await findWriteState(db, container.id);
  if (state === null) throw notFound(`Container ${container.name} was not found`, { type: "NoSuchBucket" });
  const of = quotasOf(state);
  if (precondition === undefined && !of.account && !of.container) return;
  const versions = await listPlanVersions(db, container.id, [key], [""]);
  const { versioning } = state.settings;
  const plan = planPut({ versioning, versions, nowMs: clock.now() }, { precondition, freshId: newVersionId() });
  await checkRoom(db, state, weighed(plan, { size: size ?? 0 }));
}

async function updateObject(
  deps: NamespaceDeps,
  origin: Origin,
  { container, object, change }: { container: Container; object: StoredObject; change: ObjectChange },
): Promise<StoredObject> {
  return transact(deps, origin, async ({ sql, event, last }) => {
    const [, , state, was] = await Promise.all([
      shareContainer(sql, container.id),
      lockKeys(sql, container.id, [object.key]),
      findWriteState(sql, container.id),
      findBySequence(sql, container.id, object.key, object.sequence),
    ]);
    const nowMs = deps.clock.now();
    if (state === null || was === null || !isThere(was, nowMs, isAskedById(state, was.versionId)))
      throw notFound("The specified key does not exist.", { type: "NoSuchKey" });
    checkCondition(was, change.precondition);
    // a lock is on a version with all that it was stored with: a dynamic manifest, say, would show other bytes in its place
    if (isRewritten(change)) checkRemovable(was.details, { nowMs, bypassGovernance: change.bypassGovernance ?? false });
    const next = changed(was, change, nowMs);
    if (change.details !== undefined && "retention" in change.details)
      checkRetention(was.details.retention, next.details.retention, {
        nowMs,
        bypassGovernance: change.bypassGovernance ?? false,
      });
    // only refuses here: a container's default is for new objects
    const { retention, legalHold } = change.details ?? {};
    if ((retention ?? legalHold ?? null) !== null) lockedBy(state.settings, next.details, nowMs);
    last(updateObjectRow(sql, next));
    if (state.settings.objectEvents === true)
      event(objectEvent("object.object.update", state, object.key, { changed: changedNames(change) }));
    return next;
  });
}

const isPost = (change: ObjectChange): boolean =>
  change.metadata !== undefined || change.contentType !== undefined || change.deleteAt !== undefined;

/** What S3 lets be changed of a version, locked or not. */
const BESIDE = new Set<string>(["tags", "acl", "retention", "legalHold"] satisfies (keyof ObjectDetails)[]);

const isRewritten = (change: ObjectChange): boolean =>
  isPost(change) || Object.keys(change.details ?? {}).some((name) => !BESIDE.has(name));

/** Swift's POST is a change of the object, and says so by its time; what S3 puts beside an object is not. */
function changed(was: StoredObject, change: ObjectChange, nowMs: number): StoredObject {
  const details: { [name: string]: unknown } = { ...was.details };
  for (const [name, value] of Object.entries(change.details ?? {})) {
    if (value === null) delete details[name];
    else if (value !== undefined) details[name] = value;
  }
  return {
    ...was,
    metadata: change.metadata ?? was.metadata,
    contentType: change.contentType ?? was.contentType,
    deleteAt: change.deleteAt === undefined ? was.deleteAt : change.deleteAt,
    modifiedAt: isPost(change) ? new Date(nowMs) : was.modifiedAt,
    details,
  };
}

const changedNames = ({ details, metadata, contentType, deleteAt }: ObjectChange): string[] => {
  const beside = Object.entries({ metadata, contentType, deleteAt }).filter(([, value]) => value !== undefined);
  return [...Object.keys(details ?? {}), ...beside.map(([name]) => name)].toSorted();
};
