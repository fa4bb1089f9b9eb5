/** class name -> how many */
export type Counts = { [className: string]: number };

export type ProjectPurge = {
  /** The project's. */
  id: string;
  name: string;
  domainId: string;
  requestedBy: string | null;
  requestedAt: Date;
  step: number | null;
  askedAt: Date | null;
  found: Counts;
  remaining: Counts;
  reason: string | null;
  finishedAt: Date | null;
};

/** What the purge of a project has still to remove, in the order in which it goes. */
export type Remaining = { name: string; order: number; ids: string[] }[];

export type PurgeStep =
  | { step: "finish" }
  /** Ask these to go. */
  | { step: "ask"; order: number; classes: Remaining }
  /** They were asked, and are going. */
  | { step: "await"; checkAfterMs: number };

const CHECK_MS = 500;
/** What was asked to go and is still there is asked again. */
const ASK_AGAIN_MS = 30_000;

/** (what was asked, what is left) -> the next step. Classes of one order go together; the next ones when they are gone. */
export function planPurge(
  purge: Pick<ProjectPurge, "step" | "askedAt" | "reason">,
  remaining: Remaining,
  nowMs: number,
): PurgeStep {
  const there = remaining.filter(({ ids }) => ids.length > 0);
  if (there.length === 0) return { step: "finish" };
  const order = Math.min(...there.map((entry) => entry.order));
  const again = (purge.askedAt?.getTime() ?? 0) + (purge.reason === null ? ASK_AGAIN_MS : CHECK_MS * 4);
  if (purge.step === order && nowMs < again) return { step: "await", checkAfterMs: CHECK_MS };
  return { step: "ask", order, classes: there.filter((entry) => entry.order === order) };
}

export const countsOf = (remaining: Remaining): Counts =>
  Object.fromEntries(remaining.filter(({ ids }) => ids.length > 0).map(({ name, ids }) => [name, ids.length]));

/** The most ever seen of each class. */
export const mostOf = (before: Counts, now: Counts): Counts =>
  Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(now)])].map((name) => [
      name,
      Math.max(before[name] ?? 0, now[name] ?? 0),
    ]),
  );
