import type { App } from "../../../app.ts";
import { type Outcome, type Reconciler, done } from "../../../reconcile/worker.ts";
import { needs, resyncAll } from "../common/realise.ts";
import { markRealised } from "../common/realised.queries.ts";
import type { OvnNorthbound } from "../ovn/northbound.ts";
import { listForwardingsOf } from "../port-forwardings/port-forwarding.queries.ts";
import { toOvnRules } from "../qos/qos-policy.model.ts";
import { ensureFloatingIp, ensureForwardings, removeFloatingIp } from "./floating-ip.ovn.ts";
import { type WantedFloatingIp, findWantedFloatingIp } from "./floating-ip.queries.ts";

/** A floating IP on a port, or one that leads its ports to several. */
export const floatingIpReconciler: Reconciler = {
  kind: "floatingip",
  resync: resyncAll("floatingip"),
  async reconcile(app, id) {
    const floatingIp = await findWantedFloatingIp(app.db, id);
    if (app.ovn !== null) {
      const { routerId = null } = floatingIp ?? {};
      if (floatingIp === null || routerId === null) await removeFloatingIp(app.ovn, id);
      else {
        const missing = await realise(app, app.ovn, floatingIp, routerId);
        if (missing !== null) return missing;
      }
    }
    if (floatingIp !== null) await markRealised(app.db, "floatingip", id, floatingIp.revisionNumber);
    return done;
  },
};

/** Null when it is as wanted. */
async function realise(
  app: App,
  ovn: OvnNorthbound,
  floatingIp: WantedFloatingIp,
  routerId: string,
): Promise<Outcome | null> {
  const missing = await needs(app, "router", routerId);
  if (missing !== null) return missing;
  const { id, portId, fixedIpAddress, floatingIpAddress, floatingNetworkId: networkId, gatewayPortId } = floatingIp;
  const rules = toOvnRules(floatingIp.qosRules);
  const shaping = gatewayPortId === null || rules.length === 0 ? {} : { shaping: { networkId, gatewayPortId, rules } };
  if (portId !== null && fixedIpAddress !== null) {
    // translated on the gateway's host, where the router's own address is
    const target = { portId, fixedIpAddress, distributedMac: null };
    await ensureFloatingIp(ovn, { id, routerId, floatingIpAddress, ...target, ...shaping });
  } else {
    const forwardings = await listForwardingsOf(app.db, [id]);
    await ensureForwardings(ovn, { id, routerId, floatingIpAddress, forwardings, ...shaping });
  }
  return null;
}
