import type { App } from "../../../app.ts";
import { type Outcome, type Reconciler, done } from "../../../reconcile/worker.ts";
import { needs, resyncAll } from "../common/realise.ts";
import { markRealised } from "../common/realised.queries.ts";
import { ensureRouterInterface, removeRouterInterface } from "../routers/router-port.ovn.ts";
import { findWantedPort, listLegSubnets } from "./port-wanted.queries.ts";
import { ensurePort, removePort } from "./port.ovn.ts";
import { planInterface, planPort } from "./port.plan.ts";

export const portReconciler: Reconciler = {
  kind: "port",
  resync: resyncAll("port"),
  async reconcile(app, id) {
    const port = await findWantedPort(app.db, id);
    if (port === null) return removeAll(app, id);
    const plan = planPort(port);
    if (plan.kind === "elsewhere" || app.ovn === null) {
      // a gateway's port counts as realised when its router has been
      if (port.deviceOwner !== "network:router_gateway" || app.ovn === null)
        await markRealised(app.db, "port", id, port.revisionNumber);
      return done;
    }
    const missing =
      (port.networkRealised ? null : await needs(app, "network", port.networkId)) ??
      (plan.kind === "interface" ? await needs(app, "router", port.deviceId) : null);
    if (missing !== null) return missing;
    if (plan.kind === "interface") {
      await ensureRouterInterface(app.ovn, planInterface(port, await listLegSubnets(app.db, id)));
    } else {
      await ensurePort(app.ovn, plan.port);
    }
    await markRealised(app.db, "port", id, port.revisionNumber);
    return done;
  },
};

/** A port that is gone may have been a guest's or a router's: OVN is asked for both. */
async function removeAll(app: App, id: string): Promise<Outcome> {
  if (app.ovn !== null) {
    await removePort(app.ovn, id);
    await removeRouterInterface(app.ovn, id);
  }
  return done;
}
