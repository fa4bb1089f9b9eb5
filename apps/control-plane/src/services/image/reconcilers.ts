import type { Reconciler } from "../../reconcile/worker.ts";
import { imageTaskReconciler } from "./imports/task.reconciler.ts";
import { imageReconciler, imageStoreReconciler } from "./images/image.reconciler.ts";

export const imageReconcilers: Reconciler[] = [imageReconciler, imageStoreReconciler, imageTaskReconciler];
