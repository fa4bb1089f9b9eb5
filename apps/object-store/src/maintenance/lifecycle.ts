/** Does what containers' lifecycle rules say, each container once a day: what is due is due from a midnight on (UTC). */
import { CloudError } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { LifecycleRule } from "../namespace/container.model.ts";
import { type Asked, deleteSome } from "../namespace/delete-objects.ts";
import { abortUpload } from "../namespace/uploads.ts";
import { DAY_MS, createStandings, isAbandoned, planLifecycle } from "./lifecycle.plan.ts";
import { type Removal, logRemovals } from "./log-removals.ts";
import { type RowKeeping, isStopped } from "./row-keeping.ts";
import {
  type LifecycleContainer,
  type LifecycleRow,
  findDueLifecycle,
  listLifecycleRows,
  listOldUploads,
  recordLifecycle,
} from "./rows.queries.ts";

const ORIGIN = systemOrigin("object-lifecycle");
const PAGE = 1_000;
const MOST_AT_ONCE = 100;

export type LifecycleDone = { containers: number; objects: number; uploads: number };

export async function runLifecycle(deps: RowKeeping, signal?: AbortSignal): Promise<LifecycleDone> {
  const done: LifecycleDone = { containers: 0, objects: 0, uploads: 0 };
  const nowMs = deps.clock.now();
  const today = new Date(Math.floor(nowMs / DAY_MS) * DAY_MS);
  while (!isStopped(signal)) {
    /* eslint-disable no-await-in-loop -- one container after the other: customers come first */
    const container = await findDueLifecycle(deps.db, today);
    if (container === null) return done;
    const rules = (container.lifecycle ?? []).filter(({ enabled }) => enabled);
    done.objects += await endObjects(deps, container, rules, signal);
    done.uploads += await abortUploads(deps, container, rules);
    if (isStopped(signal)) return done;
    await recordLifecycle(deps.db, container, new Date(nowMs));
    done.containers += 1;
    /* eslint-enable no-await-in-loop */
  }
  return done;
}

async function endObjects(
  deps: RowKeeping,
  container: LifecycleContainer,
  rules: LifecycleRule[],
  signal?: AbortSignal,
): Promise<number> {
  const nowMs = deps.clock.now();
  let due: Asked[] = [];
  let gone = 0;
  const standings = createStandings((row, standing) => {
    const action = planLifecycle(rules, row, standing, nowMs);
    if (action !== null) due.push(askFor(row, action));
  });
  const end = async (): Promise<void> => {
    for (let start = 0; start < due.length; start += MOST_AT_ONCE)
      // eslint-disable-next-line no-await-in-loop -- each holds many keys
      gone += await deleteDue(deps, container, due.slice(start, start + MOST_AT_ONCE));
    due = [];
  };
  let last: Pick<LifecycleRow, "key" | "sequence"> = { key: "", sequence: 0 };
  for (;;) {
    // eslint-disable-next-line no-await-in-loop -- where to go on is known from what was found
    const rows = await listLifecycleRows(deps.db, container.id, last, PAGE);
    for (const row of rows) standings.next(row);
    const final = rows.at(-1);
    if (final === undefined || rows.length < PAGE || isStopped(signal)) break;
    last = final;
    // eslint-disable-next-line no-await-in-loop -- the same
    await end();
  }
  if (!isStopped(signal)) standings.end();
  await end();
  return gone;
}

const askFor = ({ key, versionId, sequence }: LifecycleRow, action: "expire" | "remove"): Asked => ({
  key,
  ...(action === "remove" ? { versionId } : {}),
  options: {},
  expected: { sequence, ended: false },
});

async function deleteDue(deps: RowKeeping, container: LifecycleContainer, due: Asked[]): Promise<number> {
  const { db, clock, log } = deps;
  try {
    const answers = await deleteSome({ db, clock }, ORIGIN, container, due);
    // what is locked stays: its own time has not come
    const removals = answers.flatMap((answer, at): Removal[] => {
      if (!("existed" in answer) || !answer.existed) return [];
      const versionId = due[at]?.versionId;
      const isMarked = answer.isDeleteMarker && versionId === undefined;
      return [{ operation: isMarked ? "S3.CREATE.DELETEMARKER" : "S3.EXPIRE.OBJECT", key: answer.key, versionId }];
    });
    await logRemovals(deps, container, removals);
    return removals.length;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    log.warn({ error, container: container.id }, "a lifecycle could not be seen to");
    return 0;
  }
}

async function abortUploads(deps: RowKeeping, container: LifecycleContainer, rules: LifecycleRule[]): Promise<number> {
  const days = rules.flatMap(({ abortUploadDays }) => abortUploadDays ?? []);
  if (days.length === 0) return 0;
  const nowMs = deps.clock.now();
  const before = new Date(nowMs - Math.min(...days) * DAY_MS);
  let aborted = 0;
  let last = { initiatedAt: new Date(0), id: "" };
  for (let more = true; more;) {
    // eslint-disable-next-line no-await-in-loop -- where to go on is known from what was found
    const old = await listOldUploads(deps.db, container.id, { before, last }, PAGE);
    for (const upload of old.filter((one) => isAbandoned(rules, one, nowMs))) {
      // eslint-disable-next-line no-await-in-loop -- an upload of ten thousand parts is work enough
      if (await abortUnlessEnded(deps, container, upload)) aborted += 1;
    }
    last = old.at(-1) ?? last;
    more = old.length === PAGE;
  }
  return aborted;
}

/** False: completed or aborted by its owner meanwhile. */
async function abortUnlessEnded(
  deps: RowKeeping,
  container: LifecycleContainer,
  upload: { id: string; key: string },
): Promise<boolean> {
  try {
    await abortUpload(deps, ORIGIN, container, upload);
    await logRemovals(deps, container, [{ operation: "S3.DELETE.UPLOAD", key: upload.key }]);
    return true;
  } catch (error) {
    if (error instanceof CloudError) return false;
    throw error;
  }
}
