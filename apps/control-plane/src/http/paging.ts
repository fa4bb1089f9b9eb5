import { invalid } from "@andromede/base/errors";

import type { Query } from "./service.ts";

/** A page of a keyset-paged list. `limit` undefined: as many as the service's maximum allows. */
export type Paging = { limit: number; marker: string | undefined };

/** Reads `limit` and `marker`; a limit that is not a non-negative integer is the client's error. */
export function readPaging(
  query: Query,
  options: { maxLimit: number; zeroMeansAll?: boolean } = { maxLimit: 1000 },
): Paging {
  const marker = query.get("marker");
  const asked = query.get("limit");
  if (asked === undefined || (asked === "0" && options.zeroMeansAll === true))
    return { limit: options.maxLimit, marker };
  if (!/^\d{1,9}$/.test(asked))
    throw invalid(`Invalid limit: '${asked}' is not a non-negative integer`, { field: "limit" });
  return { limit: Math.min(Number(asked), options.maxLimit), marker };
}

/** The query of the next page: the one sent, with another marker. */
export function nextPageQuery(query: Query, marker: string): string {
  const kept = new URLSearchParams(query.raw);
  kept.delete("marker");
  kept.set("marker", marker);
  return kept.toString();
}
