import { type Reconciler, done } from "../../../reconcile/worker.ts";
import { resyncAll } from "../common/realise.ts";
import { markRealised } from "../common/realised.queries.ts";
import type { Network } from "./network.model.ts";
import { ensureNetwork, removeNetwork } from "./network.ovn.ts";
import { findNetwork } from "./network.queries.ts";

/** Pure: the bridge mapping and VLAN a network leaves by. */
export const physicalOf = (network: Pick<Network, "physicalNetwork" | "segmentationId">) =>
  network.physicalNetwork === null ? null : { network: network.physicalNetwork, vlan: network.segmentationId };

export const networkReconciler: Reconciler = {
  kind: "network",
  resync: resyncAll("network"),
  async reconcile(app, id) {
    const network = await findNetwork(app.db, id);
    if (network === null) {
      if (app.ovn !== null) await removeNetwork(app.ovn, id);
      return done;
    }
    if (app.ovn !== null)
      await ensureNetwork(app.ovn, { id, name: network.name, physical: physicalOf(network), vlanTransparent: false });
    await markRealised(app.db, "network", id, network.revisionNumber);
    return done;
  },
};
