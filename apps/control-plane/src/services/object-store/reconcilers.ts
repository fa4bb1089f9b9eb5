import type { Reconciler } from "../../reconcile/worker.ts";
import { containerReconciler } from "./container.reconciler.ts";

export const objectStoreReconcilers: Reconciler[] = [containerReconciler];
