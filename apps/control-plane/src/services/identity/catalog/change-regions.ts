import { conflict, forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { mergeExtra } from "../shared/extra.ts";
import type { Region } from "./catalog.model.ts";
import {
  countEndpointsIn,
  countLimitsOf,
  deleteRegions,
  insertRegion,
  lockRegions,
  updateRegionRow,
} from "./catalog.queries.ts";

export type RegionChange = { id?: string; description?: string | null; parent_region_id?: string | null };

const missing = (id: string) => notFound(`Could not find region: ${id}.`);
const fixed = (id: string) =>
  forbidden(`The region ${id} belongs to the installation: it can be neither changed nor deleted.`);
const none = (id: string | null | undefined): string | null => (id === undefined || id === "" ? null : id);

function assertParent(app: App, all: Region[], parentId: string | null): void {
  if (parentId !== null && parentId !== app.config.region && !all.some((region) => region.id === parentId))
    throw missing(parentId);
}

export async function createRegion(app: App, origin: Origin, given: RegionChange, extra: JsonObject): Promise<Region> {
  const region: Region = {
    id: none(given.id) ?? newHexId(),
    description: given.description ?? "",
    parentRegionId: none(given.parent_region_id),
    extra: mergeExtra({}, extra),
  };
  await transact(app, origin, async (tx) => {
    const all = await lockRegions(tx.sql);
    if (region.id === app.config.region || all.some(({ id }) => id === region.id))
      throw conflict(`Conflict occurred attempting to store region - Duplicate ID, ${region.id}.`);
    assertParent(app, all, region.parentRegionId);
    await insertRegion(tx.sql, region);
    tx.event({ action: "identity.region.create", target: { type: "region", id: region.id } });
  });
  return region;
}

export async function updateRegion(
  app: App,
  origin: Origin,
  id: string,
  change: RegionChange,
  extra: JsonObject,
): Promise<Region> {
  if (id === app.config.region) throw fixed(id);
  return transact(app, origin, async (tx) => {
    const all = await lockRegions(tx.sql);
    const before = all.find((region) => region.id === id);
    if (before === undefined) throw missing(id);
    if (change.id !== undefined && change.id !== id) throw invalid("Cannot change region ID", { field: "region.id" });
    const parentRegionId =
      change.parent_region_id === undefined ? before.parentRegionId : none(change.parent_region_id);
    assertParent(app, all, parentRegionId);
    if (parentRegionId !== null && [id, ...descendants(all, id)].includes(parentRegionId)) {
      throw invalid(`The specified parent region ${parentRegionId} would create a circular region hierarchy.`, {
        field: "region.parent_region_id",
      });
    }
    const region: Region = {
      id,
      description: change.description === undefined ? before.description : (change.description ?? ""),
      parentRegionId,
      extra: mergeExtra(before.extra, extra),
    };
    await updateRegionRow(tx.sql, region);
    tx.event({ action: "identity.region.update", target: { type: "region", id } });
    return region;
  });
}

/** With the regions below it; none of them may have endpoints or limits. */
export async function deleteRegion(app: App, origin: Origin, id: string): Promise<void> {
  if (id === app.config.region) throw fixed(id);
  await transact(app, origin, async (tx) => {
    const all = await lockRegions(tx.sql);
    if (!all.some((region) => region.id === id)) throw missing(id);
    const ids = [id, ...descendants(all, id)];
    const [endpoints, limits] = await Promise.all([
      countEndpointsIn(tx.sql, ids),
      countLimitsOf(tx.sql, { regionIds: ids }),
    ]);
    if (endpoints > 0 || limits > 0) {
      throw forbidden(
        `Unable to delete region ${id} because it or its child regions have associated ${endpoints > 0 ? "endpoints" : "limits"}.`,
      );
    }
    await deleteRegions(tx.sql, ids);
    tx.event({ action: "identity.region.delete", target: { type: "region", id }, detail: { regions: ids.length } });
  });
}

function descendants(all: Region[], id: string): string[] {
  const below = all.filter((region) => region.parentRegionId === id).map((region) => region.id);
  return below.flatMap((child) => [child, ...descendants(all, child)]);
}
