import type { Reconciler } from "../../reconcile/worker.ts";
import { serverReconciler } from "./servers/server.reconciler.ts";
import { snapshotReconciler } from "./snapshots/snapshot.reconciler.ts";

export const computeReconcilers: Reconciler[] = [serverReconciler, snapshotReconciler];
