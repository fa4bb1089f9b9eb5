/** What becomes of a key's versions when it is written. Pure. */
import { overQuota } from "@andromede/base/errors";

import type { ContainerSettings, Usage } from "./container.model.ts";
import type { Precondition } from "./object.model.ts";
import { checkCondition } from "./plan-condition.ts";
import { checkRemovable } from "./plan-lock.ts";
import { type KeyPlan, NULL_VERSION, type Version, currentOf, lockOf } from "./version.model.ts";

/** `versions`: at least the newest, the current one and the null version. `freshId`: for a version of its own. */
export function planPut(
  state: { versioning: ContainerSettings["versioning"]; versions: readonly Version[]; nowMs: number },
  put: { precondition?: Precondition | undefined; freshId: string },
): KeyPlan {
  const { versioning, versions, nowMs } = state;
  checkCondition(currentOf(versions, nowMs), put.precondition);
  const current = versions.find((version) => version.isCurrent) ?? null;
  if (versioning === "enabled") return { remove: [], demote: current, promote: null, newVersionId: put.freshId };
  const remove = replaced(state);
  const demote = current !== null && !remove.includes(current) ? current : null;
  return { remove, demote, promote: null, newVersionId: NULL_VERSION };
}

/** The null version, or all there is where there never were versions, makes room for a new one. */
export function replaced(state: {
  versioning: ContainerSettings["versioning"];
  versions: readonly Version[];
  nowMs: number;
}): Version[] {
  const remove = state.versions.filter(({ versionId }) => state.versioning === undefined || versionId === NULL_VERSION);
  for (const version of remove) checkRemovable(lockOf(version), { nowMs: state.nowMs, bypassGovernance: false });
  return remove;
}

export type Quota = { bytes: number | null; objects: number | null };

/** Throws `overQuota` when what is added is more than there is room for. What makes it no worse is always allowed. */
export function checkQuota(quota: Quota, used: Usage, added: Usage): void {
  const isOver = (limit: number | null, now: number, more: number): boolean =>
    limit !== null && more > 0 && now + more > limit;
  if (isOver(quota.bytes, used.bytes, added.bytes) || isOver(quota.objects, used.objects, added.objects))
    throw overQuota("Upload exceeds quota.", { type: "QuotaExceeded", status: 413 });
}
