/** A group that is being made or removed, when something of its volumes has changed. WHAT becomes of it: group.plan.ts. */
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done } from "../../../reconcile/worker.ts";
import { giveBackQuota } from "../quotas/take-quota.ts";
import { groupTarget } from "./group.model.ts";
import { planWhole } from "./group.plan.ts";
import { deleteGroupRow, listGroupVolumes, listUnsettledGroups, lockGroup, setGroupStatus } from "./group.queries.ts";

export const groupReconciler: Reconciler = {
  kind: "volume_group",
  reconcile: (app, id) => reconcileGroup(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUnsettledGroups(app.db) },
};

/** Volumes wake it in the transaction that changes them, so there is nothing to wait for here. */
function reconcileGroup(app: App, id: string): Promise<Outcome> {
  return transact(app, systemOrigin("volume_group.reconciler"), async (tx) => {
    const group = await lockGroup(tx.sql, id, null);
    if (group === null) return done;
    const volumes = await listGroupVolumes(tx.sql, [id]);
    const plan = planWhole(
      group.status,
      volumes.map(({ status }) => status),
    );
    if (plan.step === "rest") return done;
    if (plan.step === "forget") {
      await deleteGroupRow(tx.sql, id);
      await giveBackQuota(tx, group.projectId, { groups: 1 });
      tx.event({ action: "volume.group.gone", target: groupTarget(group) });
      return done;
    }
    await setGroupStatus(tx.sql, id, plan.status, new Date(app.clock.now()));
    if (plan.status.startsWith("error")) {
      const reason =
        plan.status === "error" ? "A volume of the group could not be made." : "A volume could not be removed.";
      tx.event({ action: "volume.group.fail", outcome: "failure", reason, target: groupTarget(group) });
    }
    return done;
  });
}
