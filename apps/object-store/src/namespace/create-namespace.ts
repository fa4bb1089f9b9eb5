import { createAccounts } from "./accounts.ts";
import { createCombiner } from "./combiner.ts";
import type { Container } from "./container.model.ts";
import { createContainers } from "./containers.ts";
import { createDeletions } from "./delete-objects.ts";
import type { NamespaceDeps } from "./deps.ts";
import { createForeseen } from "./foreseen.ts";
import { createListings } from "./listings.ts";
import type { Namespace } from "./namespace.ts";
import { createObjects } from "./objects.ts";
import { createSealingKeys } from "./sealing-keys.ts";
import { createUploads } from "./uploads.ts";

export function createNamespace(deps: NamespaceDeps): Namespace {
  const keys = createSealingKeys(deps);
  const foreseen = createForeseen();
  const combine = createCombiner(deps);
  const objects = createObjects(deps, { keys, foreseen, combine });
  const deletions = createDeletions(deps, combine);
  const uploads = createUploads(deps, keys);
  /** Who changes something sees it. */
  const changing =
    <First, Rest extends unknown[], Answer>(change: (first: First, container: Container, ...rest: Rest) => Answer) =>
    (first: First, container: Container, ...rest: Rest): Answer => {
      foreseen.forget(container);
      return change(first, container, ...rest);
    };
  return {
    ...createAccounts(deps),
    ...createContainers(deps, foreseen),
    ...createListings(deps),
    ...objects,
    ...deletions,
    ...uploads,
    putObject: changing(objects.putObject),
    updateObject: changing(objects.updateObject),
    deleteObject: changing(deletions.deleteObject),
    deleteObjects: changing(deletions.deleteObjects),
    completeUpload: changing(uploads.completeUpload),
  };
}
