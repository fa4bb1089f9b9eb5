/** What becomes of a key's versions when it, or one of them, is deleted. Pure. */
import type { ContainerSettings } from "./container.model.ts";
import type { DeleteOptions, Deleted } from "./namespace.ts";
import { checkCondition } from "./plan-condition.ts";
import { checkRemovable } from "./plan-lock.ts";
import { replaced } from "./plan-put.ts";
import { type KeyPlan, NOTHING, NULL_VERSION, type Version, currentOf, hasEnded, lockOf } from "./version.model.ts";

export type DeletePlan = { plan: KeyPlan; deleted: Deleted };

type State = { versioning: ContainerSettings["versioning"]; versions: readonly Version[]; nowMs: number };

/** What somebody saw who is not asked by a client, and now finds or not. */
export type Expected = {
  /** The very version that was seen: what was written since stays. */
  sequence: number;
  /** Its time must be over now; it may have been given more. */
  ended: boolean;
};

/** `versions`: at least the two newest, the current one, the null version and the one that is named. */
export function planDelete(
  state: State,
  options: DeleteOptions & { freshId: string; expected?: Expected | undefined },
): DeletePlan {
  const { expected, versionId } = options;
  if (expected !== undefined && !isAsExpected(state, versionId, expected))
    return { plan: NOTHING, deleted: { existed: false, versionId: versionId ?? null, isDeleteMarker: false } };
  const planned =
    options.versionId === undefined
      ? planDeleteCurrent(state, options)
      : planDeleteVersion(state, options.versionId, options);
  // what has come to its end is not there for clients, but it was for who has seen its row
  return expected === undefined ? planned : { ...planned, deleted: { ...planned.deleted, existed: true } };
}

function isAsExpected({ versions, nowMs }: State, versionId: string | undefined, expected: Expected): boolean {
  const found = versions.find((version) =>
    versionId === undefined ? version.isCurrent : version.versionId === versionId,
  );
  return found?.sequence === expected.sequence && (!expected.ended || hasEnded(found, nowMs));
}

function planDeleteCurrent(state: State, options: DeleteOptions & { freshId: string }): DeletePlan {
  const { versioning, versions, nowMs } = state;
  const seen = currentOf(versions, nowMs);
  checkCondition(seen, options.precondition);
  const existed = seen !== null;
  const current = versions.find((version) => version.isCurrent) ?? null;
  if (versioning === undefined) {
    const remove = replaced(state);
    return {
      plan: { ...NOTHING, remove },
      deleted: { existed, versionId: null, isDeleteMarker: false },
    };
  }
  const remove = versioning === "enabled" ? [] : replaced(state);
  const demote = current !== null && !remove.includes(current) ? current : null;
  const newVersionId = versioning === "enabled" ? options.freshId : NULL_VERSION;
  return {
    plan: { remove, demote, promote: null, newVersionId },
    deleted: { existed, versionId: newVersionId, isDeleteMarker: true },
  };
}

function planDeleteVersion({ versions, nowMs }: State, versionId: string, options: DeleteOptions): DeletePlan {
  const named = versions.find((version) => version.versionId === versionId);
  const seen = named === undefined || (named.isCurrent && hasEnded(named, nowMs)) ? null : named;
  checkCondition(seen, options.precondition);
  if (named === undefined) return { plan: NOTHING, deleted: { existed: false, versionId, isDeleteMarker: false } };
  checkRemovable(lockOf(named), { nowMs, bypassGovernance: options.bypassGovernance ?? false });
  const byAge = versions.toSorted((a, b) => b.sequence - a.sequence);
  const next = byAge[0] === named ? byAge[1] : undefined;
  const promote = next === undefined || next.isDeleteMarker ? null : next;
  return {
    plan: { remove: [named], demote: null, promote, newVersionId: null },
    deleted: { existed: seen !== null, versionId, isDeleteMarker: named.isDeleteMarker },
  };
}
