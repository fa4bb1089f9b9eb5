/** What a container's rules (S3's lifecycle configuration) do to one version. Pure. */
import type { LifecycleRule } from "../namespace/container.model.ts";
import type { LifecycleRow } from "./rows.queries.ts";

export const DAY_MS = 86_400_000;

/** Where a version stands among those of its key. */
export type Standing = {
  /** The one written after it; null: it is the newest. */
  newer: Pick<LifecycleRow, "modifiedAt"> | null;
  /** Older versions that are newer than it. */
  newerOld: number;
  /** No other version of its key is there. */
  isOnly: boolean;
};

export type LifecycleAction = "expire" | "remove";

/** S3: so many days later, and then the next midnight (UTC). */
const dueAt = (from: Date, days: number): number => Math.ceil((from.getTime() + days * DAY_MS) / DAY_MS) * DAY_MS;

/** `expire`: as a client deletes an object; `remove`: that version goes. null: it stays. */
export function planLifecycle(
  rules: readonly LifecycleRule[],
  row: LifecycleRow,
  standing: Standing,
  nowMs: number,
): LifecycleAction | null {
  const actions = rules
    .filter((rule) => rule.enabled && isMeant(rule, row))
    .map((rule) => actionOf(rule, row, standing, nowMs));
  return actions.find((action) => action !== null) ?? null;
}

function actionOf(rule: LifecycleRule, row: LifecycleRow, standing: Standing, nowMs: number): LifecycleAction | null {
  if (row.isCurrent) return isExpired(rule, row, nowMs) ? "expire" : null;
  if (standing.newer === null) return isLeftOver(rule, row, standing, nowMs) ? "remove" : null;
  const { noncurrentDays, noncurrentKept = 0 } = rule;
  if (noncurrentDays === undefined || standing.newerOld < noncurrentKept) return null;
  return dueAt(standing.newer.modifiedAt, noncurrentDays) <= nowMs ? "remove" : null;
}

function isExpired({ expirationDays, expirationDate }: LifecycleRule, row: LifecycleRow, nowMs: number): boolean {
  if (expirationDate !== undefined) return Date.parse(expirationDate) <= nowMs;
  return expirationDays !== undefined && dueAt(row.modifiedAt, expirationDays) <= nowMs;
}

/** A delete marker under which nothing is left. */
function isLeftOver(rule: LifecycleRule, row: LifecycleRow, { isOnly }: Standing, nowMs: number): boolean {
  if (!row.isDeleteMarker || !isOnly) return false;
  return rule.expiredDeleteMarker === true || isExpired(rule, row, nowMs);
}

function isMeant({ filter }: LifecycleRule, row: LifecycleRow): boolean {
  if (!row.key.startsWith(filter.prefix ?? "")) return false;
  // a delete marker has neither tags nor size
  if (row.isDeleteMarker) return filter.tags === undefined;
  if (filter.sizeOver !== undefined && row.size <= filter.sizeOver) return false;
  if (filter.sizeUnder !== undefined && row.size >= filter.sizeUnder) return false;
  return Object.entries(filter.tags ?? {}).every(([name, value]) => row.tags?.[name] === value);
}

/** Is the upload to be aborted? */
export const isAbandoned = (
  rules: readonly LifecycleRule[],
  upload: { key: string; initiatedAt: Date },
  nowMs: number,
): boolean =>
  rules.some(
    ({ enabled, filter, abortUploadDays }) =>
      enabled &&
      abortUploadDays !== undefined &&
      upload.key.startsWith(filter.prefix ?? "") &&
      dueAt(upload.initiatedAt, abortUploadDays) <= nowMs,
  );

/** Goes through a container's versions in their order, and says of each where it stands. One behind: the next must be known. */
export function createStandings(see: (row: LifecycleRow, standing: Standing) => void): {
  next(row: LifecycleRow): void;
  end(): void;
} {
  let waiting: { row: LifecycleRow; newer: LifecycleRow | null; newerOld: number } | null = null;
  const settle = (isLast: boolean): void => {
    if (waiting === null) return;
    const { row, newer, newerOld } = waiting;
    see(row, { newer, newerOld, isOnly: newer === null && isLast });
  };
  return {
    next(row) {
      const before = waiting?.row.key === row.key ? waiting : null;
      settle(before === null);
      const newerOld = before === null ? 0 : before.newerOld + (before.newer === null ? 0 : 1);
      waiting = { row, newer: before?.row ?? null, newerOld };
    },
    end() {
      settle(true);
      waiting = null;
    },
  };
}
