import type { Reconciler } from "../../reconcile/worker.ts";

export const volumeReconcilers: Reconciler[] = [];
