import type { Reconciler } from "../../reconcile/worker.ts";
import { floatingIpReconciler } from "./floating-ips/floating-ip.reconciler.ts";
import { networkReconciler } from "./networks/network.reconciler.ts";
import { sweepReconciler } from "./ovn/sweep.reconciler.ts";
import { portReconciler } from "./ports/port.reconciler.ts";
import { routerReconciler } from "./routers/router.reconciler.ts";
import { securityGroupReconciler } from "./security-groups/security-group.reconciler.ts";
import { subnetReconciler } from "./subnets/subnet.reconciler.ts";

/** Bring OVN to what the API wrote. */
export const networkReconcilers: Reconciler[] = [
  networkReconciler,
  subnetReconciler,
  portReconciler,
  routerReconciler,
  floatingIpReconciler,
  securityGroupReconciler,
  sweepReconciler,
];
