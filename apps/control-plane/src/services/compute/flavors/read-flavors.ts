import { invalid, notFound } from "@andromede/base/errors";

import { readPaging } from "../../../http/paging.ts";
import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import { FLAVOR_SORT, type Flavor, type FlavorSortKey } from "./flavor.model.ts";
import { findFlavor, listFlavorAccess, listFlavors } from "./flavor.queries.ts";

export const unknownFlavor = (id: string): Error => notFound(`Flavor ${id} could not be found.`);

/** A flavor the actor may use. */
export async function readFlavor(request: ApiRequest, id: string): Promise<Flavor> {
  const flavor = await findFlavor(request.app.db, id, scopeOf(request));
  if (flavor === null) throw unknownFlavor(id);
  return flavor;
}

/** One page of those the actor may use; an operator says with `is_public` which. */
export async function readFlavors(request: ApiRequest): Promise<{ flavors: Flavor[]; more: boolean }> {
  const { query } = request;
  const { limit, marker } = readPaging(query, { maxLimit: 1000 });
  const admin = isAdmin(request.actor, request.plane);
  const sortKey = readSortKey(query.get("sort_key") ?? "flavorid");
  const direction = query.get("sort_dir") ?? "asc";
  if (direction !== "asc" && direction !== "desc") throw invalid(`Unknown sort direction, must be 'desc' or 'asc'`);
  const isPublic = admin ? readIsPublic(query.get("is_public")) : null;
  // an operator who does not ask sees what a customer would
  const scope = admin && query.has("is_public") ? null : scopeOf({ ...request, plane: "customer" });
  if (marker !== undefined && (await findFlavor(request.app.db, marker, scope)) === null)
    throw invalid(`marker [${marker}] not found`);
  const flavors = await listFlavors(request.app.db, {
    projectId: scope,
    isPublic,
    minDiskGib: readMinimum(query.get("minDisk"), "minDisk"),
    minRamMib: readMinimum(query.get("minRam"), "minRam"),
    sortKey,
    descending: direction === "desc",
    marker,
    limit,
  });
  return { flavors: [...flavors], more: limit > 0 && flavors.length === limit };
}

/** Projects let in to a flavor; a public one has no such list. */
export async function readFlavorAccess(request: ApiRequest, id: string): Promise<string[]> {
  const flavor = await findFlavor(request.app.db, id, null);
  if (flavor === null) throw unknownFlavor(id);
  if (flavor.isPublic) throw notFound("Access list not available for public flavors.");
  return listFlavorAccess(request.app.db, id);
}

function readSortKey(key: string): FlavorSortKey {
  const found = (Object.keys(FLAVOR_SORT) as FlavorSortKey[]).find((name) => name === key);
  if (found === undefined)
    throw invalid(`Invalid input for query parameters sort_key. Value: ${key}. '${key}' is not one of the known keys`);
  return found;
}

/** Nova: true, false or none; what it cannot read is its default, public ones only. */
function readIsPublic(text: string | undefined): boolean | null {
  if (text === undefined) return true;
  const word = text.toLowerCase();
  if (word === "none") return null;
  if (["true", "t", "1", "yes", "on", "y"].includes(word)) return true;
  if (["false", "f", "0", "no", "off", "n"].includes(word)) return false;
  throw invalid(`Invalid is_public filter [${text}]`);
}

function readMinimum(text: string | undefined, name: string): number {
  if (text === undefined) return 0;
  if (!/^-?\d{1,9}$/.test(text)) throw invalid(`Invalid ${name} filter [${text}]`);
  return Number(text);
}
