import { type Reconciler, done } from "../../../reconcile/worker.ts";
import { needs, resyncAll } from "../common/realise.ts";
import { markRealised } from "../common/realised.queries.ts";
import { ensureFloatingIp, removeFloatingIp } from "./floating-ip.ovn.ts";
import { findFloatingIp } from "./floating-ip.queries.ts";

export const floatingIpReconciler: Reconciler = {
  kind: "floatingip",
  resync: resyncAll("floatingip"),
  async reconcile(app, id) {
    const floatingIp = await findFloatingIp(app.db, { projectId: "-", admin: true }, id);
    const { routerId = null, portId = null, fixedIpAddress = null } = floatingIp ?? {};
    if (floatingIp === null || routerId === null || portId === null || fixedIpAddress === null) {
      if (app.ovn !== null) await removeFloatingIp(app.ovn, id);
    } else if (app.ovn !== null) {
      const missing = await needs(app, "router", routerId);
      if (missing !== null) return missing;
      // translated on the gateway's host, where the router's own address is
      const { floatingIpAddress } = floatingIp;
      await ensureFloatingIp(app.ovn, {
        id,
        routerId,
        portId,
        fixedIpAddress,
        floatingIpAddress,
        distributedMac: null,
      });
    }
    if (floatingIp !== null) await markRealised(app.db, "floatingip", id, floatingIp.revisionNumber);
    return done;
  },
};
