import { createAccounts } from "./accounts.ts";
import { createContainers } from "./containers.ts";
import { createDeletions } from "./delete-objects.ts";
import type { NamespaceDeps } from "./deps.ts";
import { createListings } from "./listings.ts";
import type { Namespace } from "./namespace.ts";
import { createObjects } from "./objects.ts";
import { createSealingKeys } from "./sealing-keys.ts";
import { createUploads } from "./uploads.ts";

export function createNamespace(deps: NamespaceDeps): Namespace {
  const keys = createSealingKeys(deps);
  return {
    ...createAccounts(deps),
    ...createContainers(deps),
    ...createListings(deps),
    ...createObjects(deps, keys),
    ...createDeletions(deps),
    ...createUploads(deps, keys),
  };
}
