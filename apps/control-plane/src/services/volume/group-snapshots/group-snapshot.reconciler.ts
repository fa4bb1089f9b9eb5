/** A group's snapshot that is being made or removed, when something of its snapshots has changed. WHAT becomes of it: group.plan.ts. */
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done } from "../../../reconcile/worker.ts";
import { groupSnapshotTarget } from "../groups/group.model.ts";
import { planWhole } from "../groups/group.plan.ts";
import { listGroupSnapshotParts } from "../snapshots/snapshot.queries.ts";
import {
  deleteGroupSnapshotRow,
  listUnsettledGroupSnapshots,
  lockGroupSnapshot,
  setGroupSnapshotStatus,
} from "./group-snapshot.queries.ts";

export const groupSnapshotReconciler: Reconciler = {
  kind: "volume_group_snapshot",
  reconcile: (app, id) => reconcileGroupSnapshot(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUnsettledGroupSnapshots(app.db) },
};

/** Volumes wake it in the transaction that changes their snapshots, so there is nothing to wait for here. */
function reconcileGroupSnapshot(app: App, id: string): Promise<Outcome> {
  return transact(app, systemOrigin("volume_group_snapshot.reconciler"), async (tx) => {
    const snapshot = await lockGroupSnapshot(tx.sql, id, null);
    if (snapshot === null) return done;
    const parts = await listGroupSnapshotParts(tx.sql, id);
    const plan = planWhole(
      snapshot.status,
      parts.map(({ status }) => status),
    );
    if (plan.step === "rest") return done;
    if (plan.step === "forget") {
      await deleteGroupSnapshotRow(tx.sql, id);
      tx.event({ action: "volume.group_snapshot.gone", target: groupSnapshotTarget(snapshot) });
      return done;
    }
    await setGroupSnapshotStatus(tx.sql, id, plan.status, new Date(app.clock.now()));
    if (plan.status.startsWith("error")) {
      const reason = plan.status === "error" ? "A snapshot could not be taken." : "A snapshot could not be removed.";
      const target = groupSnapshotTarget(snapshot);
      tx.event({ action: "volume.group_snapshot.fail", outcome: "failure", reason, target });
    }
    return done;
  });
}
