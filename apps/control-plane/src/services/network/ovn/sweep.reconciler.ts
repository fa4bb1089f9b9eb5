/**
 * Compares by id what OVN has with what the database says, both ways, every minute: rows in OVN whose resource is gone are
 * removed (their own key should have done it), resources that OVN has lost (a database restored, or begun anew) get their
 * keys queued. Contents are compared by each resource's own resync.
 */
import type { App } from "../../../app.ts";
import { type ResourceKey, insertKeys } from "../../../reconcile/queue.ts";
import { type Reconciler, pollAfter } from "../../../reconcile/worker.ts";
import { type Realised, listExpected, listGone } from "../common/realised.queries.ts";
import { ensureBase } from "../security-groups/security-group.ovn.ts";
import type { OwnedClass } from "./names.ts";
import type { OvnNorthbound } from "./northbound.ts";
import { OWNED_CLASSES, listOwned, removeOwned } from "./owned.ovn.ts";

const EVERY_MS = 60_000;

const TABLES: { readonly [Owner in OwnedClass]: Realised | "subnet" } = {
  network: "network",
  subnet: "subnet",
  port: "port",
  router_port: "port",
  router: "router",
  floatingip: "floatingip",
  security_group: "security_group",
};

async function removeOrphans(
  app: App,
  ovn: OvnNorthbound,
  owned: { readonly [Owner in OwnedClass]: ReadonlySet<string> },
): Promise<void> {
  for (const owner of OWNED_CLASSES) {
    const ids = [...owned[owner]];
    if (ids.length === 0) continue;
    // OVN was read first: a row there whose resource is not in the database now had one, and it is gone
    for (const id of await listGone(app.db, TABLES[owner], ids)) {
      app.log.info({ owner, id }, "removing from OVN what belongs to nobody");
      await removeOwned(ovn, owner, id);
    }
  }
}

async function queueLost(app: App, owned: { readonly [Owner in OwnedClass]: ReadonlySet<string> }): Promise<void> {
  const lost = (await listExpected(app.db)).filter(({ owner, id }) => !owned[owner].has(id));
  if (lost.length === 0) return;
  app.log.warn({ lost: lost.length }, "OVN lacks rows that it had: bringing them back");
  const keys = new Set(lost.map(({ owner, id }): ResourceKey => `${TABLES[owner]}/${id}`));
  await insertKeys(app.db, [...keys]);
  app.reconcile.wake();
}

/** One key, `network_sweep/ovn`, that never ends. */
export const sweepReconciler: Reconciler = {
  kind: "network_sweep",
  resync: { everyMs: EVERY_MS, ids: (app) => Promise.resolve(app.ovn === null ? [] : ["ovn"]) },
  async reconcile(app) {
    const { ovn } = app;
    if (ovn === null) return pollAfter(EVERY_MS, "no OVN is configured");
    await ensureBase(ovn);
    const owned = await listOwned(ovn);
    await removeOrphans(app, ovn, owned);
    await queueLost(app, owned);
    return pollAfter(EVERY_MS, "looks again every minute");
  },
};
