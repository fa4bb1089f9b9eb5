/** What the network's reconcilers share. */
import type { App } from "../../../app.ts";
import { type ResourceKey, insertKeys } from "../../../reconcile/queue.ts";
import { type Outcome, waitFor } from "../../../reconcile/worker.ts";
import { type Realised, isRealised, listIds } from "./realised.queries.ts";

/** Every row is compared with OVN again after at most so long, whatever the revisions say. */
const RESYNC_MS = 15 * 60_000;

export const resyncAll = (table: Realised | "subnet") => ({
  everyMs: RESYNC_MS,
  ids: (app: App) => listIds(app.db, table),
});

/** Null when the other resource has been brought to OVN; else what to answer. Its key is made due: whoever lost it is of no matter. */
export async function needs(app: App, table: Realised, id: string): Promise<Outcome | null> {
  if (await isRealised(app.db, table, id)) return null;
  const key: ResourceKey = `${table}/${id}`;
  await insertKeys(app.db, [key]);
  app.reconcile.wake();
  return waitFor(key);
}
