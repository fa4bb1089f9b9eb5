import { notFound } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";

import type { Combine } from "./combiner.ts";
import { newVersionId } from "./commit-put.ts";
import type { Container, Usage } from "./container.model.ts";
import type { NamespaceDeps } from "./deps.ts";
import { objectEvent } from "./events.ts";
import { lockKeys, shareContainer } from "./locks.queries.ts";
import { isStorable } from "./names.ts";
import type { DeleteOptions, Deleted, Namespace } from "./namespace.ts";
import type { StoredObject } from "./object.model.ts";
import {
  type KeyVersion,
  type RowChanges,
  type WriteState,
  addUsage,
  changeRows,
  findWriteState,
  listPlanVersions,
  nextSequences,
} from "./object.queries.ts";
import { type DeletePlan, type Expected, planDelete } from "./plan-delete.ts";
import { type Change, transact } from "./transact.ts";
import { weighed } from "./version.model.ts";

type Deletions = Pick<Namespace, "deleteObject" | "deleteObjects">;
type Target = { key: string; versionId?: string };

/** Of one transaction: it holds the locks of so many keys. */
const MOST_AT_ONCE = 100;

export function createDeletions(deps: NamespaceDeps, combine: Combine): Deletions {
  return {
    async deleteObject(origin, container, key, options = {}) {
      const { versionId } = options;
      if (isPlain(container, key, options)) {
        const done = await combine({ c: container.id, k: key, gone: true }, null);
        if (done !== null) return { existed: done.sequence !== 0, versionId: null, isDeleteMarker: false };
      }
      const [deleted] = await deleteSome(deps, origin, container, [
        { key, ...(versionId === undefined ? {} : { versionId }), options },
      ]);
      if (deleted === undefined) throw notFound("The specified key does not exist.", { type: "NoSuchKey" });
      if ("error" in deleted) throw deleted.error;
      const { existed, versionId: id, isDeleteMarker } = deleted;
      return { existed, versionId: id, isDeleteMarker };
    },
    async deleteObjects(origin, container, targets, options = {}) {
      const results: ({ key: string } & (Deleted | { error: Error }))[] = [];
      for (let start = 0; start < targets.length; start += MOST_AT_ONCE) {
        const some = targets.slice(start, start + MOST_AT_ONCE).map((target) => ({ ...target, options }));
        // eslint-disable-next-line no-await-in-loop -- one transaction after the other: each holds many keys
        results.push(...(await deleteUnlessRefused(deps, origin, container, some)));
      }
      return results;
    },
  };
}

/** As far as is known here; the statement itself looks again. */
function isPlain({ settings }: Container, key: string, { versionId, precondition }: DeleteOptions): boolean {
  const { versioning, objectLock, objectEvents } = settings;
  const isTold = versioning !== undefined || objectLock !== undefined || objectEvents !== undefined;
  return !isTold && versionId === undefined && precondition === undefined && isStorable(key);
}

/** `expected`: of who was not asked by a client; what is not as expected stays. */
export type Asked = Target & { options: DeleteOptions; expected?: Expected };
type Answer = { key: string } & (Deleted | { error: Error });

async function deleteUnlessRefused(
  deps: NamespaceDeps,
  origin: Origin,
  container: Container,
  asked: Asked[],
): Promise<Answer[]> {
  try {
    return await deleteSome(deps, origin, container, asked);
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    return asked.map(({ key }) => ({ key, error: failure }));
  }
}

/** Deletes each or says why not. At most a hundred: it holds the locks of all. */
export async function deleteSome(
  deps: Pick<NamespaceDeps, "db" | "clock">,
  origin: Origin,
  container: Pick<Container, "id" | "name">,
  asked: Asked[],
): Promise<Answer[]> {
  const rounds = roundsOf(asked);
  const answers = new Map<Asked, Answer>();
  for (const round of rounds) {
    // eslint-disable-next-line no-await-in-loop -- a later round has a key of an earlier one
    const made = await transact(deps, origin, (change) => deleteRound(deps, change, container, round));
    for (const [index, one] of round.entries()) {
      const answer = made[index];
      if (answer !== undefined) answers.set(one, answer);
    }
  }
  return asked.map((one) => answers.get(one) ?? nothingThere(one));
}

const nothingThere = ({ key, versionId }: Target): Answer => ({
  key,
  existed: false,
  versionId: versionId ?? null,
  isDeleteMarker: false,
});

/** No key twice in one: plans know of the versions as they were. What nothing can be called is not there. */
function roundsOf(asked: Asked[]): Asked[][] {
  const rounds: Asked[][] = [];
  const seen = new Map<string, number>();
  for (const one of asked) {
    if (!isStorable(one.key) || !isStorable(one.versionId ?? "")) continue;
    const time = seen.get(one.key) ?? 0;
    seen.set(one.key, time + 1);
    (rounds[time] ??= []).push(one);
  }
  return rounds;
}

async function deleteRound(
  deps: Pick<NamespaceDeps, "clock">,
  change: Change,
  container: Pick<Container, "id" | "name">,
  asked: Asked[],
): Promise<Answer[]> {
  const { sql, event, last } = change;
  const names = asked.map(({ key }) => key);
  const [, , state, versions, sequences] = await Promise.all([
    shareContainer(sql, container.id),
    lockKeys(sql, container.id, names),
    findWriteState(sql, container.id),
    listPlanVersions(
      sql,
      container.id,
      names,
      asked.map(({ versionId }) => versionId ?? ""),
    ),
    nextSequences(sql, asked.length),
  ]);
  if (state === null) throw notFound(`Container ${container.name} was not found`, { type: "NoSuchBucket" });
  const nowMs = deps.clock.now();
  const now = new Date(nowMs);
  const ofKey = Map.groupBy(versions, ({ key }) => key);
  const answers: Answer[] = [];
  const changes: RowChanges = emptyChanges(container.id, now);
  const sum: Usage = { objects: 0, bytes: 0 };
  for (const [index, one] of asked.entries()) {
    const planned = planOne(state, one, ofKey.get(one.key) ?? [], nowMs);
    if (planned instanceof Error) {
      answers.push({ key: one.key, error: planned });
      continue;
    }
    answers.push({ key: one.key, ...planned.deleted });
    const marker = markerOf(container.id, one.key, planned, { sequence: sequences[index] ?? 0, now });
    addPlan(changes, one.key, planned, marker);
    const weight = weighed(planned.plan, null);
    sum.objects += weight.objects;
    sum.bytes += weight.bytes;
    const hasChanged = planned.plan.remove.length > 0 || marker !== null;
    if (hasChanged && state.settings.objectEvents === true)
      event(objectEvent("object.object.delete", state, one.key, { versionId: planned.deleted.versionId }));
  }
  last(...changeRows(sql, changes));
  if (sum.objects !== 0 || sum.bytes !== 0) last(addUsage(sql, container.id, sum));
  return answers;
}

function planOne(state: WriteState, one: Asked, versions: KeyVersion[], nowMs: number): DeletePlan | Error {
  try {
    return planDelete(
      { versioning: state.settings.versioning, versions, nowMs },
      {
        ...one.options,
        ...(one.versionId === undefined ? {} : { versionId: one.versionId }),
        freshId: newVersionId(),
        expected: one.expected,
      },
    );
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const emptyChanges = (containerId: number, now: Date): RowChanges => ({
  containerId,
  now,
  remove: [],
  chunked: [],
  demote: [],
  promote: [],
  insert: [],
});

function addPlan(changes: RowChanges, key: string, { plan }: DeletePlan, marker: StoredObject | null): void {
  const named = ({ sequence }: { sequence: number }) => ({ key, sequence });
  changes.remove.push(...plan.remove.map(named));
  changes.chunked.push(
    ...plan.remove.filter(({ packed, size }) => !packed && size > 0).map(({ sequence }) => sequence),
  );
  if (plan.demote !== null) changes.demote.push(named(plan.demote));
  if (plan.promote !== null) changes.promote.push(named(plan.promote));
  if (marker !== null) changes.insert.push(marker);
}

function markerOf(
  containerId: number,
  key: string,
  { plan }: DeletePlan,
  made: { sequence: number; now: Date },
): StoredObject | null {
  if (plan.newVersionId === null) return null;
  return {
    containerId,
    key,
    sequence: made.sequence,
    versionId: plan.newVersionId,
    isCurrent: false,
    isDeleteMarker: true,
    size: 0,
    etag: "",
    contentType: "",
    modifiedAt: made.now,
    deleteAt: null,
    metadata: {},
    details: {},
    pack: null,
  };
}
