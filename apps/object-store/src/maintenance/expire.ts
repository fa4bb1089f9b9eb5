/** Removes what has come to its end (Swift's X-Delete-At). Readers do not see it any more before that. */
import { systemOrigin } from "@andromede/platform/events/append";

import { deleteSome } from "../namespace/delete-objects.ts";
import { logRemovals } from "./log-removals.ts";
import { type RowKeeping, isStopped } from "./row-keeping.ts";
import { type EndedRow, listEnded } from "./rows.queries.ts";

const MOST_AT_ONCE = 100;
const ORIGIN = systemOrigin("object-expiry");

/** Gives how many went. */
export async function expireObjects({ db, clock, log }: RowKeeping, signal?: AbortSignal): Promise<number> {
  let gone = 0;
  while (!isStopped(signal)) {
    // eslint-disable-next-line no-await-in-loop -- it must not crowd out what customers do
    const rows = await listEnded(db, new Date(clock.now()), MOST_AT_ONCE);
    let removed = 0;
    for (const [containerId, ended] of Map.groupBy(rows, (row) => row.containerId)) {
      const container = { id: containerId, name: ended[0]?.name ?? "" };
      const asked = ended.map(({ key, sequence }) => ({ key, options: {}, expected: { sequence, ended: true } }));
      try {
        // eslint-disable-next-line no-await-in-loop -- the same
        const answers = await deleteSome({ db, clock }, ORIGIN, container, asked);
        const deleted = answers.filter((answer) => "existed" in answer && answer.existed);
        removed += answers.filter((answer) => !("error" in answer)).length;
        // eslint-disable-next-line no-await-in-loop -- the same
        await logExpired({ db, clock, log }, ended, deleted);
      } catch (error) {
        log.warn({ error, container: containerId }, "what has come to its end was not removed");
      }
    }
    gone += removed;
    if (rows.length < MOST_AT_ONCE || removed === 0) return gone;
  }
  return gone;
}

/** Swift's own removal has no name of Amazon's. */
async function logExpired(deps: RowKeeping, ended: EndedRow[], gone: { key: string }[]): Promise<void> {
  const [first] = ended;
  if (first === undefined) return;
  const { containerId: id, projectId, name, logging } = first;
  const removals = gone.map(({ key }) => ({ operation: "SWIFT.EXPIRE.OBJECT", key }));
  await logRemovals(deps, { id, projectId, name, logging }, removals);
}
