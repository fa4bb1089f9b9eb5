import { type Reconciler, done } from "../../../reconcile/worker.ts";
import { resyncAll } from "../common/realise.ts";
import { ensureSubnet, removeSubnet } from "./subnet.ovn.ts";
import { findWantedSubnet } from "./subnet-wanted.queries.ts";

/** DHCP of one subnet. The ports that use it are tied to it by whichever of the two comes last. */
export const subnetReconciler: Reconciler = {
  kind: "subnet",
  resync: resyncAll("subnet"),
  async reconcile(app, id) {
    const { ovn } = app;
    if (ovn === null) return done;
    const subnet = await findWantedSubnet(app.db, id);
    if (subnet === null) await removeSubnet(ovn, id);
    else await ensureSubnet(ovn, { ...subnet, dnsDomain: subnet.dnsDomain === "" ? null : subnet.dnsDomain });
    return done;
  },
};
