import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, created } from "../../../http/service.ts";
import { extraOf } from "../shared/extra.ts";
import { regionMembers } from "./catalog.schema.ts";
import { toRegionView } from "./catalog.view.ts";
import { type RegionChange, createRegion } from "./change-regions.ts";

/** A new region whose id the caller chose; the body may say it too, and then the same (Identity API v3, "Create region with specific ID"). */
export async function handlePutRegion(request: ApiRequest<{ region: RegionChange }>): Promise<Reply> {
  const given = request.body.region;
  const id = request.params["region_id"] ?? "";
  if (given.id !== undefined && given.id !== id) {
    throw invalid(`Conflicting region IDs specified: "${id}" != "${given.id}"`.slice(0, 600), { field: "region.id" });
  }
  if (id.length > 255) throw invalid("The ID of a region has at most 255 characters.", { field: "region.id" });
  const region = await createRegion(request.app, request.origin, { ...given, id }, extraOf(given, regionMembers));
  return created({ region: toRegionView(region, request.baseUrl) });
}
