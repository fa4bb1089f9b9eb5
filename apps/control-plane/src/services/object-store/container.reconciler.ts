/** `object-container/<id>`: empties a container that a purge has removed, some rows a turn, and then deletes it. */
import type { App } from "../../app.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../reconcile/worker.ts";
import { deleteContainer, deleteContents, findContainer, lockContainer } from "./object-store.queries.ts";

/** Rows a turn: a transaction of some tens of milliseconds. */
const MOST_AT_ONCE = 2_000;

export const containerReconciler: Reconciler = {
  kind: "object-container",
  reconcile: (app, id) => emptyContainer(app, Number(id)),
};

async function emptyContainer(app: App, id: number): Promise<Outcome> {
  const container = await findContainer(app.db, id);
  // nobody removed it: its owner goes on with it
  if (container === null || container.removedAt === null) return done;
  return app.db.begin(async (sql) => {
    await lockContainer(sql, id);
    if ((await deleteContents(sql, id, MOST_AT_ONCE)) > 0) return pollAfter(0, "objects are left");
    await deleteContainer(sql, id);
    return done;
  });
}
