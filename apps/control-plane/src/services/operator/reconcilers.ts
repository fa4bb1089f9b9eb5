import type { Reconciler } from "../../reconcile/worker.ts";
import type { ResourceClass } from "../../registry/registry.ts";
import { createPurgeReconciler } from "./purges/purge.reconciler.ts";

/** `classes`: the whole registry. */
export const operatorReconcilers = (classes: readonly ResourceClass[]): Reconciler[] => [
  createPurgeReconciler(classes),
];
