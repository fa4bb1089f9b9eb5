import { type Reconciler, done } from "../../../reconcile/worker.ts";
import { needs, resyncAll } from "../common/realise.ts";
import { markRealised } from "../common/realised.queries.ts";
import { findWantedRouter } from "./router-wanted.queries.ts";
import { ensureRouter, removeRouter } from "./router.ovn.ts";
import { planRouter } from "./router.plan.ts";

/** The router itself, its routes, gateway and address translation. Its interfaces are ports with keys of their own. */
export const routerReconciler: Reconciler = {
  kind: "router",
  resync: resyncAll("router"),
  async reconcile(app, id) {
    const router = await findWantedRouter(app.db, id);
    if (router === null) {
      if (app.ovn !== null) await removeRouter(app.ovn, id);
      return done;
    }
    if (app.ovn !== null) {
      const missing = router.gateway === null ? null : await needs(app, "network", router.gateway.networkId);
      if (missing !== null) return missing;
      await ensureRouter(
        app.ovn,
        planRouter(
          router,
          app.config.hosts.map((host) => host.name),
        ),
      );
    }
    if (router.gateway !== null) await markRealised(app.db, "port", router.gateway.portId, router.gateway.revision);
    await markRealised(app.db, "router", id, router.revisionNumber);
    return done;
  },
};
