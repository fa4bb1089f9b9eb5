import type { Service } from "./http/service.ts";
import { keyClasses } from "./keys/classes.ts";
import type { Reconciler } from "./reconcile/worker.ts";
import type { ResourceClass } from "./registry/registry.ts";
import { computeClasses } from "./services/compute/classes.ts";
import { computeReconcilers } from "./services/compute/reconcilers.ts";
import { computeService } from "./services/compute/service.ts";
import { identityClasses } from "./services/identity/classes.ts";
import { identityService } from "./services/identity/service.ts";
import { imageClasses } from "./services/image/classes.ts";
import { imageReconcilers } from "./services/image/reconcilers.ts";
import { imageService } from "./services/image/service.ts";
import { networkClasses } from "./services/network/classes.ts";
import { networkReconcilers } from "./services/network/reconcilers.ts";
import { networkService } from "./services/network/service.ts";
import { objectStoreClasses } from "./services/object-store/classes.ts";
import { objectStoreReconcilers } from "./services/object-store/reconcilers.ts";
import { operatorClasses } from "./services/operator/classes.ts";
import { operatorReconcilers } from "./services/operator/reconcilers.ts";
import { operatorService } from "./services/operator/service.ts";
import { volumeClasses } from "./services/volume/classes.ts";
import { volumeReconcilers } from "./services/volume/reconcilers.ts";
import { volumeService } from "./services/volume/service.ts";

/** All this program serves: the route tables start here. */
export const services: Service[] = [
  identityService,
  imageService,
  networkService,
  computeService,
  volumeService,
  operatorService,
];

/** Every class of resource there is (architecture.md, rule 8a). */
export const resourceClasses: ResourceClass[] = [
  ...identityClasses,
  ...imageClasses,
  ...networkClasses,
  ...computeClasses,
  ...volumeClasses,
  ...objectStoreClasses,
  ...operatorClasses,
  ...keyClasses,
];

/** All that converges by itself. */
export const reconcilers: Reconciler[] = [
  ...imageReconcilers,
  ...networkReconcilers,
  ...computeReconcilers,
  ...volumeReconcilers,
  ...objectStoreReconcilers,
  ...operatorReconcilers(resourceClasses),
];
